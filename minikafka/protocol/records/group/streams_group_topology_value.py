"""StreamsGroupTopologyValue (record type 23): a streams group's topology: subtopologies and their
topics.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int16, Int32, Message, String, Struct


class StreamsGroupTopologyValue(Message, api_key=23, versions=(0, 0), flexible=0):
    epoch: Int32 = 0
    subtopologies: list[Subtopology] = FRESH


class Subtopology(Struct):
    subtopology_id: String = ""
    source_topics: list[String] = FRESH
    source_topic_regex: list[String] = FRESH
    state_changelog_topics: list[TopicInfo] = FRESH
    repartition_sink_topics: list[String] = FRESH
    repartition_source_topics: list[TopicInfo] = FRESH
    # A subset of source topics that must be copartitioned
    copartition_groups: list[CopartitionGroup] = FRESH


class TopicInfo(Struct):
    name: String = ""
    # number of partitions in the topic. Can be 0 if no specific number of partitions is
    # enforced. Always 0 for changelog topics
    partitions: Int32 = 0
    # replication factor of the topic. Can be 0 if the default replication factor should be
    # used
    replication_factor: Int16 = 0
    topic_configs: list[TopicConfig] = FRESH


class TopicConfig(Struct):
    key: String = ""
    value: String = ""


class CopartitionGroup(Struct):
    source_topics: list[Int16] = FRESH
    source_topic_regex: list[Int16] = FRESH
    repartition_source_topics: list[Int16] = FRESH
