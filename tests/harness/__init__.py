"""Brokers as child processes, foreign clients and tools: what the cluster and interop tests share."""
