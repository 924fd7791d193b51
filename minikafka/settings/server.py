"""The node itself: its roles and id, its directories, its life with the controller, topic rules."""

from typing import Final

from minikafka.settings.declare import Declared, filled, optional, setting
from minikafka.settings.kinds import (
    BOOLEAN,
    CLASS,
    INT,
    LIST,
    LIST_TYPE,
    LONG,
    STRING,
    Kind,
    parse_list,
)

ROLES: Final = Kind[frozenset[str]](
    "list",
    LIST_TYPE,
    lambda text: frozenset(parse_list(text)),
    lambda roles: ",".join(sorted(roles)),
)


class ServerSettings(Declared):
    """Identity, directories, registration, topics."""

    process_roles = filled(
        "process.roles",
        kind=ROLES,
        allow_empty=False,
        one_of=("broker", "controller"),
        required=True,
        doc="What this node is: broker, controller, or both. Without any file it is both.",
    )
    node_id = filled(
        "node.id",
        kind=INT,
        at_least=0,
        required=True,
        doc="The number of this node, unique in the cluster. Without any file it is 1.",
    )
    broker_id = setting(
        "broker.id",
        -1,
        kind=INT,
        doc="An older name of node.id; where both are set they must agree.",
    )
    broker_rack = optional(
        "broker.rack",
        kind=STRING,
        doc="The rack or zone of this broker: replicas of new topics are spread over racks.",
    )
    log_dir = setting(
        "log.dir",
        ("/tmp/kafka-logs",),
        kind=LIST,
        allow_empty=False,
        doc="The data directory, where log.dirs is unset.",
    )
    log_dirs = filled(
        "log.dirs",
        kind=LIST,
        allow_empty=False,
        doc="The data directories, comma separated. Unset: log.dir.",
    )
    metadata_log_dir = optional(
        "metadata.log.dir",
        kind=STRING,
        doc="The directory of the metadata log. Unset: the first of log.dirs.",
    )
    cordoned_log_dirs = setting(
        "cordoned.log.dirs",
        (),
        kind=LIST,
        dynamic="per-broker",
        acted_upon=False,
        doc="Directories that get no new partitions. *: all of them.",
    )
    num_partitions = setting(
        "num.partitions",
        1,
        kind=INT,
        at_least=1,
        hostile=(1, 2, 5),
        doc="Partitions of a topic that is created without a number.",
    )
    default_replication_factor = setting(
        "default.replication.factor",
        1,
        kind=INT,
        doc="Replicas of a partition that is created without a number.",
    )
    auto_create_topics_enable = setting(
        "auto.create.topics.enable",
        True,
        kind=BOOLEAN,
        doc="A client that asks for the metadata of a topic that does not exist may create it so.",
    )
    delete_topic_enable = setting(
        "delete.topic.enable",
        True,
        kind=BOOLEAN,
        doc="Whether topics can be deleted at all.",
    )
    max_request_partition_size_limit = setting(
        "max.request.partition.size.limit",
        2000,
        kind=INT,
        at_least=1,
        hostile=(1, 3, 2000),
        doc="The most partitions in one answer to DescribeTopicPartitions.",
    )
    create_topic_policy_class_name = optional(
        "create.topic.policy.class.name",
        kind=CLASS,
        acted_upon=False,
        doc="A Java class that judges new topics. Java classes cannot be loaded here.",
    )
    alter_config_policy_class_name = optional(
        "alter.config.policy.class.name",
        kind=CLASS,
        acted_upon=False,
        doc="A Java class that judges changes of configs. Java classes cannot be loaded here.",
    )
    broker_heartbeat_interval_ms = setting(
        "broker.heartbeat.interval.ms",
        2000,
        kind=INT,
        hostile=(50, 500, 2000),
        doc="How often a broker tells the controller that it lives.",
    )
    broker_session_timeout_ms = setting(
        "broker.session.timeout.ms",
        9000,
        kind=INT,
        hostile=(500, 3000, 9000),
        doc="A broker that was not heard of for this long is fenced: it leads nothing any more.",
    )
    initial_broker_registration_timeout_ms = setting(
        "initial.broker.registration.timeout.ms",
        60000,
        kind=INT,
        doc="A broker that cannot register with the controller within this time ends.",
    )
    controlled_shutdown_enable = setting(
        "controlled.shutdown.enable",
        True,
        kind=BOOLEAN,
        acted_upon=False,
        doc="Hand leadership over before stopping.",
    )
    request_timeout_ms = setting(
        "request.timeout.ms",
        30000,
        kind=INT,
        hostile=(500, 30000),
        doc="How long a request of this node to another may take.",
    )
    socket_connection_setup_timeout_ms = setting(
        "socket.connection.setup.timeout.ms",
        10000,
        kind=LONG,
        acted_upon=False,
        doc="How long this node waits for a connection to another.",
    )
    socket_connection_setup_timeout_max_ms = setting(
        "socket.connection.setup.timeout.max.ms",
        30000,
        kind=LONG,
        acted_upon=False,
        doc="The same after repeated failures, when the time has grown.",
    )
    log_dir_failure_timeout_ms = setting(
        "log.dir.failure.timeout.ms",
        30000,
        kind=LONG,
        at_least=1,
        acted_upon=False,
        doc="A broker that cannot tell the controller of a failed directory that leads partitions "
        "ends after this time.",
    )
    auto_leader_rebalance_enable = setting(
        "auto.leader.rebalance.enable",
        True,
        kind=BOOLEAN,
        doc="Give leadership back to preferred leaders from time to time.",
    )
    leader_imbalance_check_interval_seconds = setting(
        "leader.imbalance.check.interval.seconds",
        300,
        kind=LONG,
        at_least=1,
        doc="How often that is looked at.",
    )
    minikafka_log_level = setting(
        "minikafka.log.level",
        "INFO",
        kind=STRING,
        one_of=("DEBUG", "INFO", "WARN", "ERROR"),
        internal=True,
        doc="What is written to stderr: this level and above.",
    )
