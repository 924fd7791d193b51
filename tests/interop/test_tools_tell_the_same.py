"""Two hundred commands of Kafka's tools to three nodes: they print what they print of Kafka's own.

`make tools` asks both clusters and compares; here ours is compared with what Kafka's has said.
"""

from pathlib import Path

from harness.broker import target
from harness.java_programs import ToolHost
from tool_comparison.recorded import differences, read
from tool_comparison.story import tell


def test_tools_tell_the_same_of_a_cluster(tmp_path: Path) -> None:
    with ToolHost() as tools:
        ours = tell(target(), tmp_path / "cluster", tools)
    found, _ = differences(read(), ours)
    assert not found, "\n".join(found)
