"""What happens to a cluster, and what the tools say of it meanwhile."""

import json
import shlex
from pathlib import Path
from typing import NamedTuple

from harness import apache
from harness.broker import Software
from harness.clients import ConfluentKafka, Keyed
from harness.cluster import RunningCluster
from harness.java_programs import ToolHost

from minikafka.protocol.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from minikafka.protocol.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from minikafka.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from tool_comparison import commands
from tool_comparison.plain import plain

_GROUP, _BARRIER, _KEY, _LEAST = 32, "barrier", "consumer.session.timeout.ms", 46_000
_RECORDS = [Keyed(b"key-%d" % number, b"value") for number in range(30)]


class Answer(NamedTuple):
    """What came of one command."""

    command: str
    tool: str
    lines: list[str]


class Story:
    """The answers of one cluster, in the order of the story."""

    def __init__(self, cluster: RunningCluster, tools: ToolHost, directory: Path) -> None:
        self._cluster = cluster
        self._tools = tools
        self._directory = directory
        self.answers: list[Answer] = []
        for name, document in commands.DOCUMENTS.items():
            self._path(name).write_text(json.dumps(document))

    def tell(self) -> None:
        """All of it."""
        cluster = self._cluster
        cluster.create_topic("led", assignment=[[1, 2, 3], [2, 3, 1], [3, 1, 2]])
        cluster.create_topic("thin", assignment=[[1, 2]])
        lone = {"min.insync.replicas": "1", "retention.ms": "100000"}
        cluster.create_topic("alone", assignment=[[3]], configs=lone)
        for part in (commands.TOPICS, commands.CLUSTER, commands.FEATURES):
            self._ask(part)
        for part in (commands.BROKER_CONFIGS, commands.CONFIGS, commands.MOVING):
            self._ask(part)
        self._moved("thin", [2, 3])
        self._moved("alone", [1, 3])
        self._ask(commands.MOVED)
        self._lose_a_node()
        ConfluentKafka().produce(cluster.bootstrap, "led", _RECORDS)
        self._ask(commands.LOGS)
        self._commit("told")
        self._ask(commands.GROUPS)

    def _lose_a_node(self) -> None:
        cluster = self._cluster
        lost = cluster[3]
        lost.kill()
        cluster.wait_in_sync("led", "compacted", count=2)
        self._ask(commands.ONE_LOST)
        lost.spawn()
        cluster.wait_unfenced()
        cluster.wait_in_sync("led", "compacted")
        cluster.wait_in_sync("thin", "alone", "ra", count=2)
        self._ask(commands.FOUND_AGAIN)

    def _moved(self, topic: str, replicas: list[int]) -> None:
        def there() -> bool:
            found = self._cluster.partition(topic)
            return found is not None and list(found.replica_nodes) == replicas

        self._cluster.until(f"{topic} at {replicas}", there)

    def _commit(self, group: str) -> None:
        """As a consumer without a group's protocol does."""
        places = [
            OffsetCommitRequestPartition(partition_index=index, committed_offset=2)
            for index in range(3)
        ]
        topic = OffsetCommitRequestTopic(name="led", partitions=places)

        def committed() -> bool:
            request = OffsetCommitRequest(
                group_id=group, generation_id_or_member_epoch=-1, topics=[topic]
            )
            answer = self._cluster.ask(request, 8, among=[self._cluster.coordinator(group)])
            return all(each.error_code == 0 for each in answer.topics[0].partitions)

        self._cluster.until("a commit", committed)

    # -- one command ------------------------------------------------------------------------------

    def _ask(self, part: str) -> None:
        for line in part.strip().splitlines():
            command, own_words, _ = line.partition("# own words")
            tool, *arguments = shlex.split(command)
            words = self._addressed(tool, arguments)
            status, printed = self._tools.run(apache.TOOLS[tool], *words)
            for name in commands.DOCUMENTS:
                printed = printed.replace(str(self._path(name)), f"@{name}")
            lines = plain(tool, printed, self._cluster, own_words=bool(own_words))
            shown = " ".join(command.split())
            self.answers.append(Answer(shown, tool, [*lines, f"exit code {status}"]))
            self._until_known()

    def _until_known(self) -> None:
        """Until every node knows what the last command has changed: it knows what came later."""
        number = str(_LEAST + len(self.answers))
        config = AlterableConfig(name=_KEY, config_operation=0, value=number)
        alter = AlterConfigsResource(resource_type=_GROUP, resource_name=_BARRIER, configs=[config])
        describe = DescribeConfigsResource(
            resource_type=_GROUP, resource_name=_BARRIER, configuration_keys=[_KEY]
        )

        def altered() -> bool:
            answer = self._cluster.ask(IncrementalAlterConfigsRequest(resources=[alter]), 1)
            return bool(answer.responses[0].error_code == 0)

        def known() -> bool:
            for node in self._cluster.living():
                request = DescribeConfigsRequest(resources=[describe])
                answer = self._cluster.ask(request, 4, among=[node])
                if [each.value for each in answer.results[0].configs] != [number]:
                    return False
            return True

        self._cluster.until("a change", altered)
        self._cluster.until("all to know of it", known)

    def _addressed(self, tool: str, arguments: list[str]) -> list[str]:
        asked = self._cluster[1]
        where = {
            "@broker": ["--bootstrap-server", asked.bootstrap],
            "@controller": ["--bootstrap-controller", asked.controller_address],
            "@node": [str(asked.properties_file)],
        }
        if not {"@broker", "@controller"} & set(arguments):
            # kafka-cluster has its options behind the word for what it shall do.
            arguments.insert(tool == "kafka-cluster", "@broker")
        words: list[str] = []
        for each in arguments:
            document = [str(self._path(each[1:]))] if each[1:] in commands.DOCUMENTS else [each]
            words += where.get(each, document if each.startswith("@") else [each])
        return words

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.json"


def tell(software: Software, directory: Path, tools: ToolHost) -> list[Answer]:
    """The story of a new cluster of three, whose brokers sweep no logs meanwhile."""
    directory.mkdir()
    settings = {"log.retention.check.interval.ms": "3600000"}
    with RunningCluster(directory, settings=settings, software=software, first_id=1) as cluster:
        story = Story(cluster, tools, directory)
        story.tell()
        cluster.assert_alive()
    return story.answers
