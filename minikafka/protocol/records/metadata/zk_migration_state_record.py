"""ZkMigrationStateRecord (metadata record type 21): how far a migration from ZooKeeper came; only
in logs that began before 4.0.

v0: adds ZkMigrationState which is used by the KRaft controller to mark the beginning and end of
    the ZK to KRaft migration.
"""

from __future__ import annotations

from minikafka.protocol.types import Int8, Message


class ZkMigrationStateRecord(Message, api_key=21, versions=(0, 0), flexible=0):
    zk_migration_state: Int8 = 0
