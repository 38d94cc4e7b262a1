"""Holds what was measured once against what was measured another time: runs, single results, Google Benchmark's JSON.

    side -> judge -> output -> cli
"""
