"""Which replica a consumer should read from (KIP-392).

The leader tells: a member of the ISR that has the offset, in the consumer's rack. Without one, or
when the leader itself is there, the leader serves.
"""

from __future__ import annotations

from collections.abc import Callable

from minikafka.replication.partition import Partition

NO_PREFERENCE = -1


def nearest_replica(
    partition: Partition,
    fetch_offset: int,
    client_rack: str,
    rack_of: Callable[[int], str | None],
) -> int:
    """The follower in `client_rack` to read `fetch_offset` from, -1 if it shall be this leader.

    `rack_of` is None for brokers that are not alive. Of several the one with the longest log.
    """
    if not client_rack or rack_of(partition.node_id) == client_rack:
        return NO_PREFERENCE
    near = [
        follower
        for follower in partition.followers.values()
        if follower.replica_id in partition.isr
        and 0 <= follower.log_start_offset <= fetch_offset <= follower.end_offset
        and rack_of(follower.replica_id) == client_rack
    ]
    if not near:
        return NO_PREFERENCE
    return max(near, key=lambda follower: (follower.end_offset, follower.caught_up_ms)).replica_id
