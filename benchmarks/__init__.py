"""Benchmarks: one file each, each with its baseline in the same run. `make bench ARGS="ingest --rows 200000"`.

A machine's speed changes from hour to hour and from neighbour to neighbour, so read the ratio, not the absolute figure.
"""
