"""The benchmark: minikafka and Apache Kafka do the same work, round by round, for one client."""

import sys
from pathlib import Path

# The brokers are started by the same harness as in the tests, which is not an installed package.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
