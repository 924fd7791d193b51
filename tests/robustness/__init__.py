"""Bad input by the hundred thousand: see `python -m robustness --help` (with PYTHONPATH=tests)."""
