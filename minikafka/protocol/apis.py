"""The apis of Kafka 4.3: keys, versions, header versions, and what a broker or controller offers.

Plain tables, so that nothing about a version needs a schema module; the schemas of an api are
imported when `request_class` or `response_class` first asks for them. Keys 4 to 7 (the ZooKeeper
controller's requests) are gone: such a request closes the connection like any unknown key.
"""

from __future__ import annotations

from enum import IntEnum
from importlib import import_module
from typing import Final

from minikafka.protocol.schema import FOREVER
from minikafka.protocol.types import Message

NEVER: Final = FOREVER  # the first flexible version of an api that has none


class ApiKey(IntEnum):
    """Every api that Kafka 4.3 has a schema for."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    LEAVE_GROUP = 13
    SYNC_GROUP = 14
    DESCRIBE_GROUPS = 15
    LIST_GROUPS = 16
    SASL_HANDSHAKE = 17
    API_VERSIONS = 18
    CREATE_TOPICS = 19
    DELETE_TOPICS = 20
    DELETE_RECORDS = 21
    INIT_PRODUCER_ID = 22
    OFFSET_FOR_LEADER_EPOCH = 23
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    WRITE_TXN_MARKERS = 27
    TXN_OFFSET_COMMIT = 28
    DESCRIBE_ACLS = 29
    CREATE_ACLS = 30
    DELETE_ACLS = 31
    DESCRIBE_CONFIGS = 32
    ALTER_CONFIGS = 33
    ALTER_REPLICA_LOG_DIRS = 34
    DESCRIBE_LOG_DIRS = 35
    SASL_AUTHENTICATE = 36
    CREATE_PARTITIONS = 37
    CREATE_DELEGATION_TOKEN = 38
    RENEW_DELEGATION_TOKEN = 39
    EXPIRE_DELEGATION_TOKEN = 40
    DESCRIBE_DELEGATION_TOKEN = 41
    DELETE_GROUPS = 42
    ELECT_LEADERS = 43
    INCREMENTAL_ALTER_CONFIGS = 44
    ALTER_PARTITION_REASSIGNMENTS = 45
    LIST_PARTITION_REASSIGNMENTS = 46
    OFFSET_DELETE = 47
    DESCRIBE_CLIENT_QUOTAS = 48
    ALTER_CLIENT_QUOTAS = 49
    DESCRIBE_USER_SCRAM_CREDENTIALS = 50
    ALTER_USER_SCRAM_CREDENTIALS = 51
    VOTE = 52
    BEGIN_QUORUM_EPOCH = 53
    END_QUORUM_EPOCH = 54
    DESCRIBE_QUORUM = 55
    ALTER_PARTITION = 56
    UPDATE_FEATURES = 57
    ENVELOPE = 58
    FETCH_SNAPSHOT = 59
    DESCRIBE_CLUSTER = 60
    DESCRIBE_PRODUCERS = 61
    BROKER_REGISTRATION = 62
    BROKER_HEARTBEAT = 63
    UNREGISTER_BROKER = 64
    DESCRIBE_TRANSACTIONS = 65
    LIST_TRANSACTIONS = 66
    ALLOCATE_PRODUCER_IDS = 67
    CONSUMER_GROUP_HEARTBEAT = 68
    CONSUMER_GROUP_DESCRIBE = 69
    CONTROLLER_REGISTRATION = 70
    GET_TELEMETRY_SUBSCRIPTIONS = 71
    PUSH_TELEMETRY = 72
    ASSIGN_REPLICAS_TO_DIRS = 73
    LIST_CONFIG_RESOURCES = 74
    DESCRIBE_TOPIC_PARTITIONS = 75
    SHARE_GROUP_HEARTBEAT = 76
    SHARE_GROUP_DESCRIBE = 77
    SHARE_FETCH = 78
    SHARE_ACKNOWLEDGE = 79
    ADD_RAFT_VOTER = 80
    REMOVE_RAFT_VOTER = 81
    UPDATE_RAFT_VOTER = 82
    INITIALIZE_SHARE_GROUP_STATE = 83
    READ_SHARE_GROUP_STATE = 84
    WRITE_SHARE_GROUP_STATE = 85
    DELETE_SHARE_GROUP_STATE = 86
    READ_SHARE_GROUP_STATE_SUMMARY = 87
    STREAMS_GROUP_HEARTBEAT = 88
    STREAMS_GROUP_DESCRIBE = 89
    DESCRIBE_SHARE_GROUP_OFFSETS = 90
    ALTER_SHARE_GROUP_OFFSETS = 91
    DELETE_SHARE_GROUP_OFFSETS = 92


Versions = tuple[int, int]

# (first and last version of the schema, first flexible version, the ranges that Kafka 4.3 itself
# advertises on a broker's and on a controller's listener). Produce is advertised from 0 because old
# librdkafka clients look for that; versions 0 to 2 are not served. The telemetry apis are served
# but advertised only where a plugin receives what clients push.
_APIS: Final[dict[ApiKey, tuple[int, int, int, Versions | None, Versions | None]]] = {
    ApiKey.PRODUCE: (3, 13, 9, (0, 13), None),
    ApiKey.FETCH: (4, 18, 12, (4, 18), (4, 18)),
    ApiKey.LIST_OFFSETS: (1, 11, 6, (1, 11), None),
    ApiKey.METADATA: (0, 13, 9, (0, 13), None),
    ApiKey.OFFSET_COMMIT: (2, 10, 8, (2, 10), None),
    ApiKey.OFFSET_FETCH: (1, 10, 6, (1, 10), None),
    ApiKey.FIND_COORDINATOR: (0, 6, 3, (0, 6), None),
    ApiKey.JOIN_GROUP: (0, 9, 6, (0, 9), None),
    ApiKey.HEARTBEAT: (0, 4, 4, (0, 4), None),
    ApiKey.LEAVE_GROUP: (0, 5, 4, (0, 5), None),
    ApiKey.SYNC_GROUP: (0, 5, 4, (0, 5), None),
    ApiKey.DESCRIBE_GROUPS: (0, 6, 5, (0, 6), None),
    ApiKey.LIST_GROUPS: (0, 5, 3, (0, 5), None),
    ApiKey.SASL_HANDSHAKE: (0, 1, NEVER, (0, 1), (0, 1)),
    ApiKey.API_VERSIONS: (0, 4, 3, (0, 4), (0, 4)),
    ApiKey.CREATE_TOPICS: (2, 7, 5, (2, 7), (2, 7)),
    ApiKey.DELETE_TOPICS: (1, 6, 4, (1, 6), (1, 6)),
    ApiKey.DELETE_RECORDS: (0, 2, 2, (0, 2), None),
    ApiKey.INIT_PRODUCER_ID: (0, 6, 2, (0, 5), None),
    ApiKey.OFFSET_FOR_LEADER_EPOCH: (2, 4, 4, (2, 4), None),
    ApiKey.ADD_PARTITIONS_TO_TXN: (0, 5, 3, (0, 5), None),
    ApiKey.ADD_OFFSETS_TO_TXN: (0, 4, 3, (0, 4), None),
    ApiKey.END_TXN: (0, 5, 3, (0, 5), None),
    ApiKey.WRITE_TXN_MARKERS: (1, 2, 1, (1, 2), None),
    ApiKey.TXN_OFFSET_COMMIT: (0, 5, 3, (0, 5), None),
    ApiKey.DESCRIBE_ACLS: (1, 3, 2, (1, 3), (1, 3)),
    ApiKey.CREATE_ACLS: (1, 3, 2, (1, 3), (1, 3)),
    ApiKey.DELETE_ACLS: (1, 3, 2, (1, 3), (1, 3)),
    ApiKey.DESCRIBE_CONFIGS: (1, 4, 4, (1, 4), (1, 4)),
    ApiKey.ALTER_CONFIGS: (0, 2, 2, (0, 2), (0, 2)),
    ApiKey.ALTER_REPLICA_LOG_DIRS: (1, 2, 2, (1, 2), None),
    ApiKey.DESCRIBE_LOG_DIRS: (1, 5, 2, (1, 5), None),
    ApiKey.SASL_AUTHENTICATE: (0, 2, 2, (0, 2), (0, 2)),
    ApiKey.CREATE_PARTITIONS: (0, 3, 2, (0, 3), (0, 3)),
    ApiKey.CREATE_DELEGATION_TOKEN: (1, 3, 2, (1, 3), (1, 3)),
    ApiKey.RENEW_DELEGATION_TOKEN: (1, 2, 2, (1, 2), (1, 2)),
    ApiKey.EXPIRE_DELEGATION_TOKEN: (1, 2, 2, (1, 2), (1, 2)),
    ApiKey.DESCRIBE_DELEGATION_TOKEN: (1, 3, 2, (1, 3), (1, 3)),
    ApiKey.DELETE_GROUPS: (0, 2, 2, (0, 2), None),
    ApiKey.ELECT_LEADERS: (0, 2, 2, (0, 2), (0, 2)),
    ApiKey.INCREMENTAL_ALTER_CONFIGS: (0, 1, 1, (0, 1), (0, 1)),
    ApiKey.ALTER_PARTITION_REASSIGNMENTS: (0, 1, 0, (0, 1), (0, 1)),
    ApiKey.LIST_PARTITION_REASSIGNMENTS: (0, 0, 0, (0, 0), (0, 0)),
    ApiKey.OFFSET_DELETE: (0, 0, NEVER, (0, 0), None),
    ApiKey.DESCRIBE_CLIENT_QUOTAS: (0, 1, 1, (0, 1), None),
    ApiKey.ALTER_CLIENT_QUOTAS: (0, 1, 1, (0, 1), (0, 1)),
    ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS: (0, 0, 0, (0, 0), (0, 0)),
    ApiKey.ALTER_USER_SCRAM_CREDENTIALS: (0, 0, 0, (0, 0), (0, 0)),
    ApiKey.VOTE: (0, 2, 0, None, (0, 2)),
    ApiKey.BEGIN_QUORUM_EPOCH: (0, 1, 1, None, (0, 1)),
    ApiKey.END_QUORUM_EPOCH: (0, 1, 1, None, (0, 1)),
    ApiKey.DESCRIBE_QUORUM: (0, 2, 0, (0, 2), (0, 2)),
    ApiKey.ALTER_PARTITION: (2, 3, 0, None, (2, 3)),
    ApiKey.UPDATE_FEATURES: (0, 2, 0, (0, 2), (0, 2)),
    ApiKey.ENVELOPE: (0, 0, 0, None, (0, 0)),
    ApiKey.FETCH_SNAPSHOT: (0, 1, 0, None, (0, 1)),
    ApiKey.DESCRIBE_CLUSTER: (0, 2, 0, (0, 2), (0, 2)),
    ApiKey.DESCRIBE_PRODUCERS: (0, 0, 0, (0, 0), None),
    ApiKey.BROKER_REGISTRATION: (0, 4, 0, None, (0, 4)),
    ApiKey.BROKER_HEARTBEAT: (0, 2, 0, None, (0, 2)),
    ApiKey.UNREGISTER_BROKER: (0, 0, 0, (0, 0), (0, 0)),
    ApiKey.DESCRIBE_TRANSACTIONS: (0, 0, 0, (0, 0), None),
    ApiKey.LIST_TRANSACTIONS: (0, 2, 0, (0, 2), None),
    ApiKey.ALLOCATE_PRODUCER_IDS: (0, 0, 0, None, (0, 0)),
    ApiKey.CONSUMER_GROUP_HEARTBEAT: (0, 1, 0, (0, 1), None),
    ApiKey.CONSUMER_GROUP_DESCRIBE: (0, 1, 0, (0, 1), None),
    ApiKey.CONTROLLER_REGISTRATION: (0, 0, 0, None, (0, 0)),
    ApiKey.GET_TELEMETRY_SUBSCRIPTIONS: (0, 0, 0, None, None),
    ApiKey.PUSH_TELEMETRY: (0, 0, 0, None, None),
    ApiKey.ASSIGN_REPLICAS_TO_DIRS: (0, 0, 0, None, (0, 0)),
    ApiKey.LIST_CONFIG_RESOURCES: (0, 1, 0, (0, 1), None),
    ApiKey.DESCRIBE_TOPIC_PARTITIONS: (0, 0, 0, (0, 0), None),
    ApiKey.SHARE_GROUP_HEARTBEAT: (1, 1, 0, (1, 1), None),
    ApiKey.SHARE_GROUP_DESCRIBE: (1, 1, 0, (1, 1), None),
    ApiKey.SHARE_FETCH: (1, 2, 0, (1, 2), None),
    ApiKey.SHARE_ACKNOWLEDGE: (1, 2, 0, (1, 2), None),
    ApiKey.ADD_RAFT_VOTER: (0, 1, 0, (0, 1), (0, 1)),
    ApiKey.REMOVE_RAFT_VOTER: (0, 0, 0, (0, 0), (0, 0)),
    ApiKey.UPDATE_RAFT_VOTER: (0, 0, 0, None, (0, 0)),
    ApiKey.INITIALIZE_SHARE_GROUP_STATE: (0, 0, 0, (0, 0), None),
    ApiKey.READ_SHARE_GROUP_STATE: (0, 0, 0, (0, 0), None),
    ApiKey.WRITE_SHARE_GROUP_STATE: (0, 1, 0, (0, 1), None),
    ApiKey.DELETE_SHARE_GROUP_STATE: (0, 0, 0, (0, 0), None),
    ApiKey.READ_SHARE_GROUP_STATE_SUMMARY: (0, 1, 0, (0, 1), None),
    ApiKey.STREAMS_GROUP_HEARTBEAT: (0, 0, 0, (0, 0), None),
    ApiKey.STREAMS_GROUP_DESCRIBE: (0, 0, 0, (0, 0), None),
    ApiKey.DESCRIBE_SHARE_GROUP_OFFSETS: (0, 1, 0, (0, 1), None),
    ApiKey.ALTER_SHARE_GROUP_OFFSETS: (0, 0, 0, (0, 0), None),
    ApiKey.DELETE_SHARE_GROUP_OFFSETS: (0, 0, 0, (0, 0), None),
}

# The newest version of a schema that Kafka serves only with unstable.api.versions.enable=true.
UNSTABLE_VERSIONS: Final = {ApiKey.INIT_PRODUCER_ID: 6}

ADVERTISED_BROKER: Final = {key: row[3] for key, row in _APIS.items() if row[3] is not None}
ADVERTISED_CONTROLLER: Final = {key: row[4] for key, row in _APIS.items() if row[4] is not None}

# What a broker passes on to the active controller, in an Envelope (KIP-590).
FORWARDED: Final = frozenset(
    {
        ApiKey.CREATE_TOPICS,
        ApiKey.DELETE_TOPICS,
        ApiKey.CREATE_ACLS,
        ApiKey.DELETE_ACLS,
        ApiKey.ALTER_CONFIGS,
        ApiKey.CREATE_PARTITIONS,
        ApiKey.CREATE_DELEGATION_TOKEN,
        ApiKey.RENEW_DELEGATION_TOKEN,
        ApiKey.EXPIRE_DELEGATION_TOKEN,
        ApiKey.ELECT_LEADERS,
        ApiKey.INCREMENTAL_ALTER_CONFIGS,
        ApiKey.ALTER_PARTITION_REASSIGNMENTS,
        ApiKey.LIST_PARTITION_REASSIGNMENTS,
        ApiKey.ALTER_CLIENT_QUOTAS,
        ApiKey.ALTER_USER_SCRAM_CREDENTIALS,
        ApiKey.DESCRIBE_QUORUM,
        ApiKey.UPDATE_FEATURES,
        ApiKey.UNREGISTER_BROKER,
        ApiKey.ALLOCATE_PRODUCER_IDS,
        ApiKey.ADD_RAFT_VOTER,
        ApiKey.REMOVE_RAFT_VOTER,
    }
)

# What only other nodes of the cluster may ask for: needs ClusterAction on the cluster.
CLUSTER_ACTIONS: Final = frozenset(
    {
        ApiKey.WRITE_TXN_MARKERS,
        ApiKey.VOTE,
        ApiKey.BEGIN_QUORUM_EPOCH,
        ApiKey.END_QUORUM_EPOCH,
        ApiKey.DESCRIBE_QUORUM,
        ApiKey.ALTER_PARTITION,
        ApiKey.UPDATE_FEATURES,
        ApiKey.ENVELOPE,
        ApiKey.BROKER_REGISTRATION,
        ApiKey.BROKER_HEARTBEAT,
        ApiKey.ALLOCATE_PRODUCER_IDS,
        ApiKey.INITIALIZE_SHARE_GROUP_STATE,
        ApiKey.READ_SHARE_GROUP_STATE,
        ApiKey.WRITE_SHARE_GROUP_STATE,
        ApiKey.DELETE_SHARE_GROUP_STATE,
        ApiKey.READ_SHARE_GROUP_STATE_SUMMARY,
    }
)


def valid_versions(key: int) -> Versions:
    """First and last version of the api's schema; ValueError for an unknown key."""
    row = _APIS[ApiKey(key)]
    return row[0], row[1]


def first_flexible(key: int) -> int:
    """The first version with compact lengths and tagged fields (KIP-482), or NEVER."""
    return _APIS[ApiKey(key)][2]


def request_header_version(key: int, version: int) -> int:
    """2 (with tagged fields) for a flexible request, else 1."""
    return 2 if version >= first_flexible(key) else 1


def response_header_version(key: int, version: int) -> int:
    """1 (with tagged fields) for a flexible response, else 0.

    ApiVersions always answers with header 0: a client may have asked in a version that the broker
    does not know, and must still find the error code (KIP-511).
    """
    if key == ApiKey.API_VERSIONS:
        return 0
    return 1 if version >= first_flexible(key) else 0


def request_class(key: int) -> type[Message]:
    """The request's message class; imports its module on first use."""
    return _message_class(ApiKey(key), "Request")


def response_class(key: int) -> type[Message]:
    """The response's message class; imports its module on first use."""
    return _message_class(ApiKey(key), "Response")


def _message_class(key: ApiKey, kind: str) -> type[Message]:
    module = import_module(f"minikafka.protocol.messages.{key.name.lower()}")
    found: type[Message] = getattr(module, key.name.title().replace("_", "") + kind)
    return found
