"""What a tool has printed without what no two clusters can have in common."""

import json
import re

from harness.cluster import RunningCluster

# Their lines come in the order of a hash.
_UNORDERED = {
    "kafka-broker-api-versions",
    "kafka-client-metrics",
    "kafka-cluster",
    "kafka-configs",
    "kafka-consumer-groups",
    "kafka-delete-records",
    "kafka-features",
    "kafka-groups",
    "kafka-leader-election",
}
_CHANGING = [
    (r"(?m)^\s+at .*\n|^\s+\.\.\. \d+ more\n|^\[20.*\n", ""),  # stack traces, log lines
    (r"TopicId: \S+", "TopicId: ID"),
    (r"(?m)^(told\s+)node-\d\s+\(\d\)", r"\1COORDINATOR"),
    (r"(directory id) \S+", r"\1 ID"),
    (r"(?m)^(\d+)(\s+\S{22}\s+)\d+\s+\d+", r"NODE\2N N"),
    (r"((?:LeaderId|LeaderEpoch|HighWatermark|MaxFollowerLag\w*):\s+)-?\d+", r"\1N"),
    (r"\b1[5-9]\d{11}\b", "TIME"),
    (r"\d+ ms ago", "N ms ago"),
    (r"Epoch: \d+", "Epoch: N"),
    (r"Local controller \d+", "Local controller N"),
    (r'"(size|totalBytes|usableBytes)":-?\d+', r'"\1":0'),
    (r"tries=\d+|after \d+ attempt", "N tries"),
]


def plain(tool: str, printed: str, cluster: RunningCluster, *, own_words: bool) -> list[str]:
    """The lines to compare; with `own_words` only the kind of an error counts."""
    text = printed
    for node in cluster.nodes:
        name = f"node-{node.node_id}"
        for found in (node.controller_address, node.bootstrap, str(node.log_dir)):
            text = text.replace(found, name)
        text = re.sub(rf"\b({node.port}|{node.controller_port})\b", f"port of {name}", text)
    text = text.replace(cluster.cluster_id, "CLUSTER")
    for pattern, replacement in _CHANGING:
        text = re.sub(pattern, replacement, text)
    lines = [" ".join(_ordered(line).split()) for line in text.splitlines()]
    if own_words:
        lines = [re.sub(r"(Exception: ).*", r"\1…", line) for line in lines]
    return sorted(lines) if tool in _UNORDERED else lines


def _ordered(line: str) -> str:
    """A line of JSON with its lists of objects in order; any other line as it is."""
    if not line.startswith("{"):
        return line
    return json.dumps(_sorted(json.loads(line)), sort_keys=True)


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(each) for key, each in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return sorted(map(_sorted, value), key=json.dumps)
    return value
