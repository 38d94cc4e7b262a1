"""Groups in the order of appearance."""


def grouped(pairs):
    """{key: [its values]} of (key, value) pairs."""
    groups = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups
