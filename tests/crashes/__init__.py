"""A partition's log against a list of batches, with a crash at every single file operation.

    PYTHONPATH=tests python -m crashes --scenarios 200

`world` runs a scenario on a simulated disk up to a crash, starts again and compares; `scenarios`
makes them by seed. A case is one scenario with one crash, by a kill or by loss of power.
"""
