"""Holds two builds of `shadowwalk-bench` against each other (scripts/bench-compare), and one against the project's
bounds (scripts/bench-bounds).

    program -> compare -> compare_cli
    program, bounds_table -> bounds -> bounds_cli
"""
