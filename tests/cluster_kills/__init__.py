"""Nodes killed, stopped and cut off under load, and every record counted afterwards.

`python -m cluster_kills` is the command; a short version runs with the other tests.
"""
