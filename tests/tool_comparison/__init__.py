"""Kafka's tools on three nodes of Apache Kafka and on three of minikafka, compared line by line.

    PYTHONPATH=tests python -m tool_comparison
    PYTHONPATH=tests python -m tool_comparison --record

The same story is told to both clusters, one after the other: whole, with partitions on the move,
without a node, with it again. What the tools print is stripped of what has to differ (`plain`);
every other difference is shown unless it is one that is known (`known`). `--record` writes down
what Apache Kafka's cluster has said, for the test that asks only ours.
"""
