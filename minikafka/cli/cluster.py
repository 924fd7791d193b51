"""`minikafka cluster`."""

from __future__ import annotations

from argparse import Namespace
from typing import Any, Final

from minikafka.cli.administration import Action, run_admin
from minikafka.cli.client_configs import ADMIN, client_arguments
from minikafka.cli.exits import OK
from minikafka.cli.output import print_json, print_table
from minikafka.cli.running import run_async
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from minikafka_client import Admin
from minikafka_client.admin_types import QuorumReplica
from minikafka_client.cluster import Cluster
from minikafka_client.config import ClientConfig, parse_bootstrap


def run(options: Namespace) -> int:
    """Run the action."""
    if options.action == "api-versions":
        return run_async(_api_versions(options))
    return run_admin(options, _ACTIONS)


async def _describe(admin: Admin, options: Namespace) -> int:
    found = await admin.describe_cluster()
    if options.json:
        print_json(
            {
                "clusterId": found.cluster_id,
                "controllerId": found.controller_id,
                "brokers": [
                    {"id": each.node_id, "host": each.host, "port": each.port, "rack": each.rack}
                    for each in found.nodes
                ],
            }
        )
        return OK
    print_table(("cluster", "controller"), [(found.cluster_id, found.controller_id)])
    rows = [(each.node_id, each.host, each.port, each.rack) for each in found.nodes]
    print_table(("broker", "host", "port", "rack"), rows)
    return OK


async def _features(admin: Admin, options: Namespace) -> int:
    found = sorted((await admin.describe_features()).items())
    names = ("feature", "supportedMin", "supportedMax", "finalized")
    rows = [(name, *levels) for name, levels in found]
    if options.json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        print_table(("feature", "min", "max", "finalized"), rows)
    return OK


async def _quorum(admin: Admin, options: Namespace) -> int:
    found = await admin.describe_quorum()
    if options.json:
        print_json(
            {
                "leaderId": found.leader_id,
                "leaderEpoch": found.leader_epoch,
                "highWatermark": found.high_watermark,
                "voters": [_replica_json(each) for each in found.voters],
                "observers": [_replica_json(each) for each in found.observers],
            }
        )
        return OK
    row = (found.leader_id, found.leader_epoch, found.high_watermark)
    print_table(("leader", "epoch", "high watermark"), [row])
    roles = [("voter", each) for each in found.voters]
    roles += [("observer", each) for each in found.observers]
    end = max((each.log_end_offset for _, each in roles), default=0)
    rows = [
        (role, each.replica_id, each.log_end_offset, end - each.log_end_offset)
        for role, each in roles
    ]
    print_table(("role", "node", "log end", "lag"), rows)
    return OK


def _replica_json(replica: QuorumReplica) -> dict[str, Any]:
    return {
        "nodeId": replica.replica_id,
        "logEndOffset": replica.log_end_offset,
        "lastFetchTimestamp": replica.last_fetch_ms,
        "lastCaughtUpTimestamp": replica.last_caught_up_ms,
    }


async def _log_dirs(admin: Admin, options: Namespace) -> int:
    brokers = options.brokers or [each.node_id for each in (await admin.describe_cluster()).nodes]
    documents = []
    for broker in brokers:
        for directory in await admin.describe_log_dirs(broker):
            replicas = [
                {
                    "topic": place.topic,
                    "partition": place.partition,
                    "size": size.size_bytes,
                    "offsetLag": size.offset_lag,
                    "isFuture": size.is_future,
                }
                for place, size in sorted(directory.replicas.items())
                if not options.topics or place.topic in options.topics
            ]
            code = directory.error_code
            documents.append(
                {
                    "broker": broker,
                    "path": directory.path,
                    "error": None if code == ErrorCode.NONE else code.name,
                    "totalBytes": directory.total_bytes,
                    "usableBytes": directory.usable_bytes,
                    "replicas": replicas,
                }
            )
    if options.json:
        print_json(documents)
    else:
        _print_log_dirs(documents)
    return OK


def _print_log_dirs(documents: list[dict[str, Any]]) -> None:
    print_table(
        ("broker", "directory", "total", "usable", "error"),
        [
            tuple(each[key] for key in ("broker", "path", "totalBytes", "usableBytes", "error"))
            for each in documents
        ],
    )
    print_table(
        ("broker", "topic", "partition", "size", "lag", "directory"),
        [
            (each["broker"], *list(replica.values())[:4], each["path"])
            for each in documents
            for replica in each["replicas"]
        ],
    )


async def _api_versions(options: Namespace) -> int:
    arguments = client_arguments(options.configs, ADMIN)
    bootstrap = arguments.pop("bootstrap", options.bootstrap_server)
    arguments = {"client_id": "minikafka-admin", **arguments}
    cluster = Cluster(ClientConfig(parse_bootstrap(bootstrap), **arguments))
    documents = []
    try:
        await cluster.start(cluster.config.connect_timeout_s)
        for broker in options.brokers or sorted(cluster.nodes):
            request = ApiVersionsRequest(
                client_software_name="minikafka-cli", client_software_version="0.1"
            )
            answer = await cluster.ask(broker, request, ApiVersionsResponse, cluster.deadline())
            apis = [
                {
                    "api": _api_name(each.api_key),
                    "key": each.api_key,
                    "min": each.min_version,
                    "max": each.max_version,
                }
                for each in answer.api_keys
            ]
            documents.append({"broker": broker, "apis": apis})
    finally:
        await cluster.close()
    if options.json:
        print_json(documents)
    else:
        rows = [(each["broker"], *api.values()) for each in documents for api in each["apis"]]
        print_table(("broker", "api", "key", "min", "max"), rows)
    return OK


def _api_name(key: int) -> str:
    known = key in tuple(ApiKey)
    return "".join(word.capitalize() for word in ApiKey(key).name.split("_")) if known else "?"


_ACTIONS: Final[dict[str, Action]] = {
    "describe": _describe,
    "features": _features,
    "quorum": _quorum,
    "log-dirs": _log_dirs,
}
