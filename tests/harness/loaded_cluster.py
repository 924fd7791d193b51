"""A cluster whose records are counted: two idempotent writers, then every record is looked for."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from cluster_kills.faults import Scene, until_progress
from cluster_kills.run import PARTITIONS, TOPIC, WRITERS, read_all
from cluster_kills.verdict import Row
from cluster_kills.writer import Writer

from harness import replicas
from harness.cluster import RunningCluster


class Load:
    """The writers of a running cluster; `scene` is what faults are done to."""

    def __init__(self, cluster: RunningCluster, writers: list[Writer]) -> None:
        self._cluster = cluster
        self._writers = writers
        self.scene = Scene(cluster, TOPIC, None, lambda: [each.acked for each in writers])

    def goes_on(self) -> None:
        """Wait until each writer has had something acknowledged, and nobody has failed."""
        until_progress(self.scene)
        for writer in self._writers:
            writer.assert_well()

    def judge(self) -> str:
        """Stop writing, count the records, then stop all nodes and compare their files."""
        acknowledged: dict[Row, int] = {}
        for writer in self._writers:
            acknowledged |= writer.stop()
        verdict = read_all(self._cluster.bootstrap).judge(acknowledged)
        assert verdict.clean, verdict
        self._cluster.wait_in_sync(TOPIC)
        ends = [self._end(index) for index in range(PARTITIONS)]
        self._cluster.kill()
        directories = [node.log_dir for node in self._cluster.nodes]
        for index, end in enumerate(ends):
            replicas.assert_equal(directories, TOPIC, index, end)
        return str(verdict)

    def _end(self, partition: int) -> int:
        with self._cluster.leader(TOPIC, partition).peer() as peer:
            return peer.end_offset(TOPIC, partition)


@contextmanager
def loaded(cluster: RunningCluster, rate: int = 500) -> Iterator[Load]:
    """Load on a topic whose partitions are led by one node each."""
    ids = cluster.node_ids
    assignment = [ids[index:] + ids[:index] for index in range(PARTITIONS)]
    cluster.create_topic(TOPIC, assignment=assignment)
    with ExitStack() as stack:
        writers = []
        for library in WRITERS:
            writers.append(Writer(library, cluster.bootstrap, TOPIC, PARTITIONS, rate))
            stack.callback(writers[-1].kill)
        load = Load(cluster, writers)
        load.goes_on()
        yield load
