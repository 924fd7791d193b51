"""Accepted keys of threads, metrics, quotas and tiered storage. See `accepted`."""

from typing import Final

TABLE: Final = """\
num.network.threads: int = 3, 1.., cluster-wide
    Kafka's threads that read and write sockets. One event loop does that here.
num.io.threads: int = 8, 1.., cluster-wide
    Kafka's threads that handle requests. One event loop does that here.
background.threads: int = 10, 1.., cluster-wide
    Kafka's threads for all other work. One event loop does that here.
num.replica.alter.log.dirs.threads: int = null
    Kafka's threads that move replicas between directories.
config.providers: list =, cluster-wide
    Java classes that fetch values from elsewhere. Java classes cannot be loaded here.
delete.records.purgatory.purge.interval.requests: int = 1
    How often Kafka sweeps waiting DeleteRecords. Nothing to sweep here.
fetch.purgatory.purge.interval.requests: int = 1000
    How often Kafka sweeps waiting fetches. Nothing to sweep here.
producer.purgatory.purge.interval.requests: int = 1000
    How often Kafka sweeps waiting produces. Nothing to sweep here.
share.fetch.purgatory.purge.interval.requests: int = 1000
    How often Kafka sweeps waiting share fetches. Nothing to sweep here.
log.cleaner.io.buffer.size: int = 524288, 0.., cluster-wide
    Memory for the cleaner's reads and writes.
kafka.metrics.polling.interval.secs: int = 10, 1..
    How often metrics reporters are called.
kafka.metrics.reporters: list =
    Java metrics reporters. Java classes cannot be loaded here.
metric.reporters: list = org.apache.kafka.common.metrics.JmxReporter, cluster-wide
    Java metrics reporters. Java classes cannot be loaded here.
metrics.num.samples: int = 2, 1..
    Samples from which a metric is computed.
metrics.recording.level: string = INFO
    How detailed metrics are recorded.
metrics.sample.window.ms: long = 30000, 1..
    The time that a sample covers.
telemetry.max.bytes: int = 1048576, 1..
    The largest push of client metrics (KIP-714).
client.quota.callback.class: class = null
    A Java class that sets quotas. Java classes cannot be loaded here.
quota.window.num: int = 11, 1..
    Samples from which the rate of a client quota is computed.
quota.window.size.seconds: int = 1, 1..
    The time that such a sample covers.
controller.quota.window.num: int = 11, 1..
    Samples from which the rate of topic changes is computed.
controller.quota.window.size.seconds: int = 1, 1..
    The time that such a sample covers.
alter.log.dirs.replication.quota.window.num: int = 11, 1..
    Samples from which the rate of moves between directories is computed.
alter.log.dirs.replication.quota.window.size.seconds: int = 1, 1..
    The time that such a sample covers.
replica.alter.log.dirs.io.max.bytes.per.second: long = \
9223372036854775807, 0.., cluster-wide, internal
    Bytes per second that moves between directories copy.
follower.fetch.last.tiered.offset.enable: boolean = false, cluster-wide
    Tiered storage: an empty follower begins behind what is tiered.
log.local.retention.bytes: long = -2, -2.., cluster-wide
    Tiered storage: bytes of a log that stay on local disks. -2: log.retention.bytes.
log.local.retention.ms: long = -2, -2.., cluster-wide
    Tiered storage: how long a log stays on local disks. -2: log.retention.ms.
remote.fetch.max.wait.ms: int = 500, 1.., cluster-wide
    Tiered storage: how long a fetch may wait for remote data.
remote.list.offsets.request.timeout.ms: long = 30000, 1.., cluster-wide
    Tiered storage: how long ListOffsets may wait for remote data.
remote.log.index.file.cache.total.size.bytes: long = 1073741824, 1.., cluster-wide
    Tiered storage: the local cache of remote indexes.
remote.log.manager.copier.thread.pool.size: int = 10, 1.., cluster-wide
    Tiered storage: threads that copy segments.
remote.log.manager.copy.max.bytes.per.second: long = 9223372036854775807, 1.., cluster-wide
    Tiered storage: the rate at which segments are copied.
remote.log.manager.copy.quota.window.num: int = 11, 1..
    Tiered storage: samples of that rate.
remote.log.manager.copy.quota.window.size.seconds: int = 1, 1..
    Tiered storage: the time that such a sample covers.
remote.log.manager.expiration.thread.pool.size: int = 10, 1.., cluster-wide
    Tiered storage: threads that delete expired remote segments.
remote.log.manager.fetch.max.bytes.per.second: long = 9223372036854775807, 1.., cluster-wide
    Tiered storage: the rate at which remote data is read.
remote.log.manager.fetch.quota.window.num: int = 11, 1..
    Tiered storage: samples of that rate.
remote.log.manager.fetch.quota.window.size.seconds: int = 1, 1..
    Tiered storage: the time that such a sample covers.
remote.log.manager.follower.thread.pool.size: int = 2, 1.., cluster-wide
    Tiered storage: threads for partitions that are followed.
remote.log.manager.task.interval.ms: long = 30000, 1..
    Tiered storage: how often there is something to copy or delete.
remote.log.manager.thread.pool.size: int = 2, 1..
    Tiered storage: threads altogether.
remote.log.metadata.custom.metadata.max.bytes: int = 128, 0..
    Tiered storage: the plugin's own metadata of a segment.
remote.log.metadata.manager.class.name: string = \
org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager
    Tiered storage: the Java class that keeps its metadata.
remote.log.metadata.manager.class.path: string = null
    Tiered storage: where that class is.
remote.log.metadata.manager.impl.prefix: string = rlmm.config.
    Tiered storage: the prefix of that class's own keys.
remote.log.metadata.manager.listener.name: string = null
    Tiered storage: the listener that class connects to.
remote.log.reader.max.pending.tasks: int = 100, 1..
    Tiered storage: reads that may wait.
remote.log.reader.threads: int = 10, 1.., cluster-wide
    Tiered storage: threads that read remote data.
remote.log.storage.manager.class.name: string = null
    Tiered storage: the Java class that stores segments.
remote.log.storage.manager.class.path: string = null
    Tiered storage: where that class is.
remote.log.storage.manager.impl.prefix: string = rsm.config.
    Tiered storage: the prefix of that class's own keys.
remote.log.storage.system.enable: boolean = false
    Tiered storage altogether. minikafka has none.
"""
