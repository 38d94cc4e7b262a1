"""Reads a run directory of `shadowwalk run` and writes a report that stands on its own.

The modules, in the order in which data flows through them:

    run_directory -> rows -> (statistics) -> claims, trust, summary, figures, sections -> page -> publish
"""
