"""Brokers as child processes, foreign clients and tools, for the cluster and interop tests."""
