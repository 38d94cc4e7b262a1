"""One counter of a run over one axis, as a figure or as a table on the terminal.

    selection -> chart, listing -> cli
"""
