"""Every await of the SDK keeps its time while its broker dies: see `python -m sdk_trials -h`."""
