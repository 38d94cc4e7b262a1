"""Reads a run directory of `shadowwalk run` and writes a self-contained report.

The modules, in the order in which data flows through them:

    run_directory -> rows -> (statistics) -> claims, trust, summary, topics -> page, exports -> publish

Commands begin and end in `boundary`: what they print, their errors and exit codes. Whatever is read goes through `untrusted_file`,
`untrusted_json` and `untrusted_text`.

A topic holds the figures of one subject and its section (topics/__init__.py lists them); `drawing` draws. `counters` says what the
lab's own table says about each counter.
"""
