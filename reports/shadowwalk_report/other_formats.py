"""Results of other benchmark tools, which are refused by name."""

from .untrusted_json import text_of


def _first(document, key):
    """The first object of a list of the document; an empty one if there is none."""
    items = document.get(key) if isinstance(document, dict) else None
    return items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}


def _has(item, *keys):
    return isinstance(item, dict) and all(key in item for key in keys)


_FORMATS = (  # (tool, whether a document is its own)
    ("hyperfine", lambda it: _has(_first(it, "results"), "command") and not _has(it, "benchmarks")),
    ("nanobench", lambda it: _has(_first(it, "results"), "name", "measurements")),
    ("nvbench", lambda it: _has(it, "benchmarks") and (_has(it, "devices") or _has(_first(it, "benchmarks"), "states"))),
    ("pytest-benchmark", lambda it: _has(it, "machine_info") or _has(_first(it, "benchmarks"), "fullname", "stats")),
    ("pyperf", lambda it: _has(_first(it, "benchmarks"), "runs")),
    ("BenchmarkDotNet", lambda it: _has(it, "HostEnvironmentInfo")),
    ("JMH", lambda it: isinstance(it, list) and it and _has(it[0], "benchmark", "primaryMetric")),
    ("criterion", lambda it: _has(it, "mean", "median", "std_dev") or _has(it, "reason", "typical")),
    ("fio", lambda it: _has(it, "fio version")),
    ("perf bench or perf stat", lambda it: _has(it, "counter-value") or _has(it, "event", "metric-value")),
    ("Google Benchmark's tools/compare.py", lambda it: isinstance(it, list) and it and _has(it[0], "name", "measurements")))
_TEXTS = (  # (what a text is, words of its first lines)
    ("Google Benchmark's CSV", "name,iterations,real_time,"), ("Google Benchmark's console output", "Iterations\n-----"),
    ("Google Benchmark's console output", "Running ./"), ("criterion's text or CSV", "group,function,value"),
    ("Go's benchmark text", "goos: "), ("hyperfine's CSV", "command,mean,stddev"), ("Catch2's XML", "<Catch"))
_WANTED = "compare reads Google Benchmark's JSON (--benchmark_out=FILE --benchmark_out_format=json)"


def refusal_of(document):
    """One line that names the tool which wrote this document; empty for Google Benchmark's own and for unknown ones."""
    tool = next((tool for tool, is_its_own in _FORMATS if is_its_own(document)), None)
    if tool is None or _has(document, "context") and _has(document["context"], "library_build_type"):
        return ""
    return f"it is JSON of {tool}: {_WANTED}"


def refusal_of_text(text):
    """The same for what is no JSON."""
    head = text_of(text)[:4096]
    what = next((what for what, words in _TEXTS if words in head), None)
    return f"it is {what}: {_WANTED}" if what else ""
