"""Paths of SVG in fewer characters: figures are mostly steps, which need one number a corner and not two."""

import re

_TOKEN = re.compile(r"[A-Za-z]|-?\d+(?:\.\d+)?(?:e-?\d+)?")


def _number(text, digits):
    number = f"{float(text):.{digits}f}"
    return number.rstrip("0").rstrip(".") if "." in number else number


def _straight(tokens):
    """Of points in tenths: H and V where a line is level or upright, and nothing where it would not move."""
    words, at, command, place = [], None, "", 0
    while place < len(tokens):
        if tokens[place].isalpha():
            command, place = tokens[place], place + 1
            if command in "zZ":
                words.append("z")
                continue
        x, y = _number(tokens[place], 1), _number(tokens[place + 1], 1)
        place += 2
        if command == "M":
            words.append(f"M{x} {y}")
            command = "L"  # what follows a move without a letter
        elif at[1] == y:
            if at[0] != x or words[-1][0] == "M":  # a dot is a line that does not move
                words.append(f"H{x}")
        elif at[0] == x:
            words.append(f"V{y}")
        else:
            words.append(f"L{x} {y}")
        at = x, y
    return "".join(words)


def shorter_path(data):
    """The same path to a tenth of a point; curves, of which markers are made, to a hundredth."""
    tokens = _TOKEN.findall(data)
    if {token for token in tokens if token.isalpha()} <= set("MLzZ"):
        return _straight(tokens)
    return " ".join(token if token.isalpha() else _number(token, 2) for token in tokens)
