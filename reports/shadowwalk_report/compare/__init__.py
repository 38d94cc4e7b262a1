"""Compares two measurements: runs, single results, Google Benchmark's JSON.

    side -> judge -> cli
"""
