"""DescribeLogDirs (api key 35): tells log directories, their space and the replicas in them.

v3: adds the top-level ErrorCode field.
v4: adds the TotalBytes and UsableBytes fields.
v5: adds IsCordoned field.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Bool,
    Int16,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    ignorable,
    since,
)


class DescribeLogDirsRequest(Message, api_key=35, versions=(1, 5), flexible=2):
    topics: list[DescribableLogDirTopic] | None = FRESH


class DescribableLogDirTopic(Struct):
    topic: String = ""
    partitions: list[Int32] = FRESH


class DescribeLogDirsResponse(Message, api_key=35, versions=(1, 5), flexible=2):
    throttle_time_ms: Int32 = 0
    error_code: Annotated[Int16, since(3), ignorable] = 0
    results: list[DescribeLogDirsResult] = FRESH


class DescribeLogDirsResult(Struct):
    error_code: Int16 = 0
    log_dir: String = ""
    topics: list[DescribeLogDirsTopic] = FRESH
    total_bytes: Annotated[Int64, since(4), ignorable] = -1
    usable_bytes: Annotated[Int64, since(4), ignorable] = -1
    is_cordoned: Annotated[Bool, since(5), ignorable] = False


class DescribeLogDirsTopic(Struct):
    name: String = ""
    partitions: list[DescribeLogDirsPartition] = FRESH


class DescribeLogDirsPartition(Struct):
    partition_index: Int32 = 0
    partition_size: Int64 = 0
    # lag of the log's LEO w.r.t. partition's HW (if it is the current log for the
    # partition) or current replica's LEO (if it is the future log for the partition)
    offset_lag: Int64 = 0
    # true if this log is created by AlterReplicaLogDirsRequest and will replace the current
    # log of the replica in the future
    is_future_key: Bool = False
