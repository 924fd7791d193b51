"""What the tools are asked, one command a line, part by part of the story.

`@broker` and `@controller` stand for where to ask; without either of them it is a broker. `@NAME`
is the path of the document NAME. After `# own words` the texts of refusals are not compared: the
kind of the error is Kafka's, the words are minikafka's.
"""

from typing import Any

Document = dict[str, Any]


def _plan(*moves: tuple[str, int, list[int]]) -> Document:
    partitions = [{"topic": t, "partition": p, "replicas": replicas} for t, p, replicas in moves]
    return {"version": 1, "partitions": partitions}


def _offsets(*ends: tuple[str, int, int]) -> Document:
    return {
        "version": 1,
        "partitions": [{"topic": t, "partition": p, "offset": offset} for t, p, offset in ends],
    }


def _partitions(*partitions: tuple[str, int]) -> Document:
    return {"partitions": [{"topic": topic, "partition": index} for topic, index in partitions]}


DOCUMENTS = {
    "two": _partitions(("led", 0), ("thin", 0)),
    "half": _partitions(("led", 0), ("nope", 1)),
    "nobody": _partitions(),
    "topics": {"version": 1, "topics": [{"topic": "led"}, {"topic": "thin"}]},
    "no_topic": {"version": 1, "topics": [{"topic": "nope"}]},
    "no_partition": _plan(("thin", 7, [1, 2])),
    "no_broker": _plan(("thin", 0, [1, 9])),
    "twice": _plan(("thin", 0, [1, 1])),
    "nowhere": _plan(("thin", 0, [])),
    "move": _plan(("thin", 0, [2, 3]), ("alone", 0, [1, 3])),
    "stuck": _plan(("led", 0, [1, 3]), ("led", 1, [2, 1]), ("thin", 0, [2, 1, 3])),
    "three": _offsets(("led", 0, 3)),
    "one": _offsets(("led", 0, 1)),
    "beyond": _offsets(("led", 0, 99)),
    "all": _offsets(("led", 1, -1)),
    "negative": _offsets(("led", 1, -2)),
    "compacted": _offsets(("compacted", 0, 0)),
}

TOPICS = """
kafka-topics --list
kafka-topics --describe
kafka-topics --describe --under-replicated-partitions
kafka-topics --describe --under-min-isr-partitions
kafka-topics --describe --at-min-isr-partitions
kafka-topics --describe --unavailable-partitions
kafka-topics --describe --topics-with-overrides
kafka-topics --describe --topic nope
kafka-topics --describe --topic nope --if-exists
kafka-topics --describe --topic l.*
kafka-topics --describe --topic-id AAAAAAAAAAAAAAAAAAAAAQ
kafka-topics --describe --partition-size-limit-per-response 1 --topic led
kafka-topics --create --topic led
kafka-topics --create --topic led --if-not-exists
kafka-topics --create --topic 'a b'
kafka-topics --create --topic a.b --replica-assignment 1:2:3
kafka-topics --create --topic a_b
kafka-topics --create --topic r4 --replication-factor 4
kafka-topics --create --topic r0 --replication-factor 0
kafka-topics --create --topic p0 --partitions 0
kafka-topics --create --topic c1 --config nonsense=1
kafka-topics --create --topic c1 --config retention.ms=x
kafka-topics --create --topic c1 --config min.insync.replicas=0
kafka-topics --create --topic c1 --config cleanup.policy=what
kafka-topics --create --topic ra --replica-assignment 1:2,2:9
kafka-topics --create --topic ra --replica-assignment 1:1
kafka-topics --create --topic ra --replica-assignment 1:2,3
kafka-topics --create --topic ra --replica-assignment 1:2,3:1 --config cleanup.policy=compact,delete
kafka-topics --alter --topic ra --partitions 1
kafka-topics --alter --topic ra --partitions 2
kafka-topics --alter --topic ra --partitions 3 --replica-assignment 1:2
kafka-topics --alter --topic ra --partitions 3 --replica-assignment 1:2,2:3,1
kafka-topics --alter --topic ra --partitions 3 --replica-assignment 1:2,2:3,1:9
kafka-topics --alter --topic ra --partitions 3 --replica-assignment 1:2,2:3,1:3
kafka-topics --alter --topic nope --partitions 3
kafka-topics --describe --topic a.b,ra
kafka-topics --delete --topic nope
kafka-topics --delete --topic a.b
kafka-topics --delete --topic __cluster_metadata
kafka-topics --create --topic __cluster_metadata
kafka-topics --create --topic compacted --replica-assignment 1:2:3 --config cleanup.policy=compact
"""

CLUSTER = """
kafka-cluster cluster-id
kafka-cluster cluster-id @controller
kafka-cluster list-endpoints
kafka-cluster list-endpoints --include-fenced-brokers
kafka-cluster list-endpoints @controller
kafka-cluster unregister --id 9
kafka-broker-api-versions
kafka-broker-api-versions @controller
kafka-metadata-quorum @broker describe --status
kafka-metadata-quorum @broker describe --replication
kafka-metadata-quorum @broker describe --replication --human-readable
kafka-metadata-quorum @controller describe --status
kafka-metadata-quorum @controller describe --replication
kafka-metadata-quorum --command-config @node @broker add-controller
kafka-metadata-quorum --command-config @node @broker add-controller --dry-run
kafka-metadata-quorum @broker remove-controller --controller-id 1 \
    --controller-directory-id AAAAAAAAAAAAAAAAAAAAAQ
kafka-leader-election --election-type preferred --all-topic-partitions
kafka-leader-election --election-type preferred --topic led --partition 0
kafka-leader-election --election-type unclean --topic led --partition 0
kafka-leader-election --election-type preferred --topic nope --partition 0
kafka-leader-election --election-type preferred --topic led --partition 9
kafka-leader-election --election-type preferred --path-to-json-file @two
kafka-leader-election --election-type preferred --path-to-json-file @half
kafka-leader-election --election-type preferred --path-to-json-file @nobody
kafka-transactions describe-producers --topic led --partition 0
kafka-acls --list
"""

FEATURES = """
kafka-features describe
kafka-features @controller describe
kafka-features upgrade --feature metadata.version=99
kafka-features upgrade --feature what=1
kafka-features upgrade --feature kraft.version=0
kafka-features upgrade --feature kraft.version=1 --dry-run
kafka-features downgrade --feature metadata.version=7
kafka-features downgrade --metadata 4.2-IV1 --dry-run
kafka-features downgrade --metadata 4.0-IV3
kafka-features upgrade --metadata 4.0-IV0
kafka-features upgrade --metadata 4.3-IV0
kafka-features downgrade --feature eligible.leader.replicas.version=0
kafka-features upgrade --feature eligible.leader.replicas.version=1
kafka-features describe
"""

BROKER_CONFIGS = """
kafka-configs --entity-type brokers --describe
kafka-configs --entity-type brokers --describe --entity-name 9
kafka-configs --entity-type brokers --describe --entity-name x
kafka-configs --entity-type brokers --alter --entity-name 1 --add-config log.cleaner.threads=2
kafka-configs --entity-type brokers --alter --entity-name 1 --add-config log.dirs=/x
kafka-configs --entity-type brokers --alter --entity-name 1 --add-config nonsense=1
kafka-configs --entity-type brokers --alter --entity-name 1 --add-config num.io.threads=x
kafka-configs --entity-type brokers --alter --entity-name 1 --add-config num.io.threads=3 \
    # own words
kafka-configs --entity-type brokers --alter --entity-name 1 --add-config num.io.threads=17 \
    # own words
kafka-configs --entity-type brokers --alter --entity-name 1 --add-config num.network.threads=1
kafka-configs --entity-type brokers --alter --entity-name 1 --add-config cordoned.log.dirs=/x \
    # own words
kafka-configs --entity-type brokers --alter --entity-name 1 --add-config log.retention.ms=0 \
    # own words
kafka-configs --entity-type brokers --describe --entity-name 1
kafka-configs --entity-type brokers --describe --entity-name 1 --all
kafka-configs --entity-type brokers --alter --entity-name 1 \
    --delete-config nonsense,log.cleaner.threads
kafka-configs --entity-type brokers --alter --entity-name 1 --delete-config num.network.threads \
    # own words
kafka-configs --entity-type brokers --alter --entity-default --add-config message.max.bytes=999999
kafka-configs --entity-type brokers --alter --entity-default --add-config num.io.threads=3 \
    # own words
kafka-configs --entity-type brokers --describe --entity-default
kafka-configs --entity-type brokers --alter --entity-default --delete-config message.max.bytes
kafka-configs --entity-type brokers --alter --entity-name 1 --add-config min.insync.replicas=2
kafka-configs --entity-type brokers --alter --entity-default --delete-config min.insync.replicas
kafka-configs @controller --entity-type brokers --describe --entity-name 1
kafka-configs --entity-type broker-loggers --alter --entity-name 1 --add-config what=INFO
"""

CONFIGS = """
kafka-configs --entity-type topics --describe
kafka-configs --entity-type topics --describe --entity-name nope
kafka-configs --entity-type topics --alter --entity-name led \
    --add-config retention.ms=99999999,cleanup.policy=[compact,delete]
kafka-configs --entity-type topics --describe --entity-name led --all
kafka-configs --entity-type topics --alter --entity-name led --add-config retention.ms=x
kafka-configs --entity-type topics --alter --entity-name led --add-config what=1
kafka-configs --entity-type topics --alter --entity-name led \
    --delete-config retention.ms,cleanup.policy
kafka-configs --entity-type topics --alter --entity-name led --delete-config what
kafka-configs --entity-type topics --alter --entity-name nope --add-config retention.ms=5
kafka-configs --entity-type users --alter --entity-name u1 --add-config producer_byte_rate=1024
kafka-configs --entity-type users --alter --entity-default --add-config request_percentage=50
kafka-configs --entity-type clients --alter --entity-name cl --add-config producer_byte_rate=10
kafka-configs --entity-type users --entity-name u1 --entity-type clients --entity-name cl --alter \
    --add-config consumer_byte_rate=7
kafka-configs --entity-type ips --alter --entity-name 127.0.0.9 \
    --add-config connection_creation_rate=99
kafka-configs --entity-type ips --alter --entity-name not-an-ip \
    --add-config connection_creation_rate=99
kafka-configs --entity-type users --alter --entity-name u1 --add-config what=1
kafka-configs --entity-type users --alter --entity-name u1 --add-config producer_byte_rate=-5
kafka-configs --entity-type users --describe
kafka-configs --entity-type clients --describe
kafka-configs --entity-type ips --describe
kafka-configs --entity-type users --entity-type clients --describe
kafka-configs --entity-type users --alter --entity-name u1 --delete-config producer_byte_rate
kafka-configs --entity-type users --alter --entity-name scram \
    --add-config SCRAM-SHA-256=[iterations=4096,password=secret]
kafka-configs --entity-type users --describe --entity-name scram
kafka-configs --entity-type users --alter --entity-name scram --delete-config SCRAM-SHA-512
kafka-configs --entity-type groups --alter --entity-name g1 \
    --add-config consumer.session.timeout.ms=50000
kafka-configs --entity-type groups --alter --entity-name g1 \
    --add-config consumer.session.timeout.ms=5
kafka-configs --entity-type groups --describe
kafka-configs --entity-type groups --describe --entity-name g2 --all
kafka-configs --entity-type client-metrics --alter --entity-name m1 \
    --add-config metrics=[org.apache.],interval.ms=60000
kafka-configs --entity-type client-metrics --alter --entity-name m1 --add-config interval.ms=5
kafka-configs --entity-type client-metrics --alter --entity-name m1 --add-config match=[foo=bar]
kafka-configs --entity-type client-metrics --describe
kafka-client-metrics --list
kafka-client-metrics --describe --name m1
kafka-client-metrics --delete --name m1
"""

MOVING = """
kafka-reassign-partitions --list
kafka-reassign-partitions --topics-to-move-json-file @topics --broker-list 1,9 --generate
kafka-reassign-partitions --topics-to-move-json-file @topics --broker-list 1 --generate
kafka-reassign-partitions --topics-to-move-json-file @no_topic --broker-list 1,2 --generate
kafka-reassign-partitions --reassignment-json-file @no_partition --execute
kafka-reassign-partitions --reassignment-json-file @no_broker --execute
kafka-reassign-partitions --reassignment-json-file @twice --execute
kafka-reassign-partitions --reassignment-json-file @nowhere --execute
kafka-reassign-partitions --reassignment-json-file @move --cancel
kafka-reassign-partitions --reassignment-json-file @move --execute --throttle 5000000
"""

MOVED = """
kafka-configs --entity-type brokers --describe --entity-name 2
kafka-configs --entity-type topics --describe --entity-name thin
kafka-reassign-partitions --reassignment-json-file @move --verify --preserve-throttles
kafka-reassign-partitions --reassignment-json-file @move --verify
kafka-configs --entity-type brokers --describe --entity-name 2
kafka-configs --entity-type topics --describe --entity-name thin
kafka-topics --describe
"""

ONE_LOST = """
kafka-reassign-partitions --reassignment-json-file @stuck --execute
kafka-reassign-partitions --list
kafka-reassign-partitions --reassignment-json-file @stuck --verify --preserve-throttles
kafka-reassign-partitions --reassignment-json-file @stuck --execute
kafka-topics --describe --topic led
kafka-topics --alter --topic thin --partitions 3 --replica-assignment 2:3,1:2,2:1
kafka-topics --describe --under-replicated-partitions
kafka-topics --describe --under-min-isr-partitions
kafka-topics --describe --at-min-isr-partitions
kafka-topics --describe --unavailable-partitions
kafka-reassign-partitions --reassignment-json-file @stuck --cancel --preserve-throttles
kafka-reassign-partitions --list
kafka-topics --describe --topic led
kafka-leader-election --election-type preferred --topic led --partition 2
kafka-leader-election --election-type unclean --topic led --partition 2
kafka-leader-election --election-type preferred --all-topic-partitions
kafka-cluster list-endpoints
kafka-cluster list-endpoints --include-fenced-brokers
kafka-log-dirs --describe --topic-list led --broker-list 3
kafka-configs --entity-type brokers --describe --entity-name 3
kafka-cluster unregister --id 3
kafka-cluster list-endpoints --include-fenced-brokers
kafka-topics --create --topic after --replication-factor 3
"""

FOUND_AGAIN = """
kafka-topics --describe
kafka-leader-election --election-type preferred --all-topic-partitions
"""

LOGS = """
kafka-log-dirs --describe --topic-list led
kafka-log-dirs --describe --topic-list nope
kafka-log-dirs --describe --broker-list 1,9
kafka-get-offsets
kafka-get-offsets --topic nope
kafka-get-offsets --topic-partitions led:0-1,thin
kafka-get-offsets --topic led --time earliest
kafka-get-offsets --topic led --time latest
kafka-get-offsets --topic led --time -4
kafka-get-offsets --topic led --time -5
kafka-get-offsets --topic led --time 1
kafka-get-offsets --topic led --partitions 0,9
kafka-get-offsets --topic led --time 9999999999999
kafka-delete-records --offset-json-file @three
kafka-delete-records --offset-json-file @one
kafka-delete-records --offset-json-file @beyond
kafka-delete-records --offset-json-file @all
kafka-delete-records --offset-json-file @negative
kafka-delete-records --offset-json-file @compacted
kafka-get-offsets --topic led --time earliest
"""

GROUPS = """
kafka-consumer-groups --list --state
kafka-consumer-groups --list --type
kafka-consumer-groups --describe --group told
kafka-consumer-groups --describe --group told --verbose
kafka-consumer-groups --describe --group told --state
kafka-consumer-groups --describe --group told --members --verbose
kafka-consumer-groups --describe --group nope
kafka-consumer-groups --describe --group nope --members
kafka-consumer-groups --group told --reset-offsets --to-earliest --topic led --execute
kafka-consumer-groups --group told --reset-offsets --to-offset 99 --topic led:0 --execute
kafka-consumer-groups --group told --reset-offsets --shift-by -1 --all-topics --dry-run
kafka-consumer-groups --group told --reset-offsets --to-latest --all-topics --execute
kafka-consumer-groups --group new --reset-offsets --to-earliest --topic led --execute
kafka-consumer-groups --group told --delete-offsets --topic led:0
kafka-consumer-groups --group told --delete-offsets --topic nope
kafka-consumer-groups --group nope --delete-offsets --topic led
kafka-groups --list
kafka-consumer-groups --delete --group nope
kafka-consumer-groups --delete --group new
kafka-consumer-groups --delete --group told
kafka-consumer-groups --list
"""
