"""Programs that run `shadowwalk-bench` or a cell: scripts/bench-compare, scripts/bench-bounds and scripts/attach-overhead."""
