"""Holds two builds of `shadowwalk-bench` against each other (scripts/bench-compare), and one against the project's bounds
(scripts/bench-bounds).

    program -> compare        -> compare_cli
            -> bounds <- bounds_table, bounds_cli
"""
