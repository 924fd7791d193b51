"""`minikafka topics`."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable
from typing import Any, Final

from minikafka.cli.administration import Action, key_values, run_admin
from minikafka.cli.exits import OK, UsageError
from minikafka.cli.output import joined, print_json, print_table
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.json_form import uuid_text
from minikafka_client import (
    EARLIEST,
    LATEST,
    MAX_TIMESTAMP,
    Admin,
    BrokerError,
    ConfigSource,
    NewTopic,
    ResourceType,
    TopicDescription,
    TopicPartition,
)

_TIMES: Final = {"earliest": EARLIEST, "latest": LATEST, "max-timestamp": MAX_TIMESTAMP}


def run(options: Namespace) -> int:
    """Run the action."""
    return run_admin(options, _ACTIONS)


async def _list(admin: Admin, options: Namespace) -> int:
    names = await admin.list_topics(internal=options.internal)
    if options.json:
        print_json(names)
    else:
        sys.stdout.write("".join(f"{name}\n" for name in names))
    return OK


async def _describe(admin: Admin, options: Namespace) -> int:
    found = [
        await admin.describe_topic(name) for name in options.topics or await admin.list_topics()
    ]
    configs = [await _changed_configs(admin, topic.name) for topic in found]
    if options.json:
        print_json([_as_json(*each) for each in zip(found, configs, strict=True)])
        return OK
    for topic, changed in zip(found, configs, strict=True):
        print_table(
            ("topic", "id", "partitions", "internal", "configs"),
            [
                (
                    topic.name,
                    uuid_text(topic.topic_id),
                    len(topic.partitions),
                    topic.is_internal,
                    ",".join(f"{key}={value}" for key, value in changed.items()) or None,
                )
            ],
        )
        print_table(
            ("  partition", "leader", "epoch", "replicas", "isr", "offline"),
            [
                (
                    each.partition,
                    each.leader,
                    each.leader_epoch,
                    joined(each.replicas),
                    joined(each.isr),
                    joined(each.offline_replicas) or None,
                )
                for each in topic.partitions.values()
            ],
        )
    return OK


async def _changed_configs(admin: Admin, name: str) -> dict[str, str | None]:
    entries = await admin.describe_configs(ResourceType.TOPIC, name)
    return {
        key: entry.value
        for key, entry in entries.items()
        if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG
    }


def _as_json(topic: TopicDescription, configs: dict[str, str | None]) -> dict[str, Any]:
    return {
        "name": topic.name,
        "topicId": uuid_text(topic.topic_id),
        "internal": topic.is_internal,
        "configs": configs,
        "partitions": [
            {
                "partition": each.partition,
                "leader": each.leader,
                "leaderEpoch": each.leader_epoch,
                "replicas": list(each.replicas),
                "isr": list(each.isr),
                "offlineReplicas": list(each.offline_replicas),
            }
            for each in topic.partitions.values()
        ],
    }


async def _create(admin: Admin, options: Namespace) -> int:
    topic = NewTopic(
        options.topic,
        options.partitions,
        options.replication_factor,
        key_values(options.topic_configs, "--topic-config"),
        _assignments(options.replica_assignment),
    )
    try:
        made = await admin.create_topic(topic, validate_only=options.validate_only)
    except BrokerError as error:
        if error.code == ErrorCode.TOPIC_ALREADY_EXISTS and options.if_not_exists:
            return OK
        raise
    if options.json:
        print_json(
            {
                "name": made.name,
                "topicId": uuid_text(made.topic_id),
                "partitions": made.partitions,
                "replicationFactor": made.replication_factor,
            }
        )
    return OK


def _assignments(text: str | None) -> dict[int, list[int]] | None:
    if text is None:
        return None
    try:
        lists = [[int(number) for number in each.split(":")] for each in text.split(",")]
    except ValueError:
        raise UsageError(f"--replica-assignment {text}: broker ids, as in 0:1,1:2") from None
    return dict(enumerate(lists))


async def _delete(admin: Admin, options: Namespace) -> int:
    deleted = []
    for name in options.topics:
        try:
            await admin.delete_topic(name)
        except BrokerError as error:
            if error.code != ErrorCode.UNKNOWN_TOPIC_OR_PARTITION or not options.if_exists:
                raise
            continue
        deleted.append(name)
    if options.json:
        print_json(deleted)
    return OK


async def _alter(admin: Admin, options: Namespace) -> int:
    await admin.create_partitions(options.topic, options.partitions)
    if options.json:
        print_json({"name": options.topic, "partitions": options.partitions})
    return OK


async def _offsets(admin: Admin, options: Namespace) -> int:
    time = options.time
    if time not in _TIMES and not time.isdecimal():
        raise UsageError(f"--time {time}: earliest, latest, max-timestamp or ms since 1970")
    stamp = _TIMES[time] if time in _TIMES else int(time)
    places = await _all_places(admin, options.topics)
    found = await admin.list_offsets(dict.fromkeys(places, stamp))
    rows = [(*place, found[place].offset, found[place].timestamp_ms) for place in places]
    if options.json:
        names = ("topic", "partition", "offset", "timestamp")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        shown = [(*row[:3], None if row[3] < 0 else row[3]) for row in rows]
        print_table(("topic", "partition", "offset", "timestamp"), shown)
    return OK


async def _delete_records(admin: Admin, options: Namespace) -> int:
    places = await _all_places(admin, [options.topic])
    if options.partition is not None:
        wanted = TopicPartition(options.topic, options.partition)
        if wanted not in places:
            raise UsageError(f"{options.topic} has no partition {options.partition}")
        places = [wanted]
    starts = await admin.delete_records(dict.fromkeys(places, options.before))
    rows = [(*place, offset) for place, offset in starts.items()]
    if options.json:
        names = ("topic", "partition", "startOffset")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        print_table(("topic", "partition", "start offset"), rows)
    return OK


async def _all_places(admin: Admin, topics: Iterable[str]) -> list[TopicPartition]:
    return [
        TopicPartition(name, partition)
        for name in topics
        for partition in (await admin.describe_topic(name)).partitions
    ]


_ACTIONS: Final[dict[str, Action]] = {
    "list": _list,
    "describe": _describe,
    "create": _create,
    "delete": _delete,
    "alter": _alter,
    "offsets": _offsets,
    "delete-records": _delete_records,
}
