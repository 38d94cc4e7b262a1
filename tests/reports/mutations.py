"""Damaged inputs, the same each time: of a JSON document, one value is replaced or removed, or some of its bytes are."""

import json
import os
import random

TIMES = int(os.environ.get("SHADOWWALK_MUTATIONS", "1"))  # how many times as many as CI tries: for runs by hand

_NESTED = "nested 900 deep"  # put in as text: Python's own functions do not go so deep
_HOSTILE = (None, True, False, 0, -1, 1, 2.5, 1e-320, 1e99, 1e299, float("inf"), float("-inf"), float("nan"), 10**400, 2**63, "", "x",
            "\x1b[2J\b\n", "\u009b\u202e\ud800", "n" * 3000, "=1+1", "$\\frac", [], {}, [[]], [None], {"": None}, [1e300] * 3, ["x"],
            {"a": {"b": []}}, "iteration", "aggregate", "ns", _NESTED)
_HOSTILE_BYTES = (b"[", b"{", b'"', b"\\", b"\xff", b"\x00", b"[" * 2000, b"9" * 30, b"9" * 5000, b"e999", b"-", b",", b"NaN")


def _places(value, found):
    """(container, key) of every value within."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        found.append((value, key))
        if isinstance(item, (dict, list)):
            _places(item, found)
    return found


def _of_values(content, dice):
    whole = [json.loads(content)]
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        container, key = dice.choice(_places(whole, []))
        choice = dice.random()
        if choice < 0.15 and container is not whole:
            del container[key]
        elif choice < 0.25 and isinstance(container, dict):
            container[str(dice.choice(_HOSTILE))] = container.pop(key)
        elif choice < 0.3 and isinstance(container, list):
            container.append(dice.choice(container))
        else:
            container[key] = json.loads(json.dumps(dice.choice(_HOSTILE)))
    return json.dumps(whole[0] if whole else None).replace(f'"{_NESTED}"', "[" * 900 + "]" * 900).encode()


def _of_bytes(content, dice):
    content = bytearray(content)
    for _ in range(dice.choice((1, 1, 3, 10))):
        at = dice.randrange(len(content) + 1)
        choice = dice.random()
        if choice < 0.3:
            del content[at:at + dice.choice((1, 1, 10, len(content)))]
        elif choice < 0.6:
            content[at:at] = dice.choice(_HOSTILE_BYTES)
        else:
            content[at:at + 1] = bytes([dice.randrange(256)])
    return bytes(content)


def mutations(document, count, seed):
    """`count` contents of a file, or TIMES as many, which begin with the same."""
    dice = random.Random(seed)
    content = json.dumps(document).encode()
    for number in range(count * TIMES):
        yield _of_bytes(content, dice) if number % 4 == 0 else _of_values(content, dice)
