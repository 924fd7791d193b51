"""What the metadata log adds up to: what is committed in the image, all in the controller.

    appended ──► pending ──commit──► image (this broker's; published with what has changed)
                    └── while this node leads ──► controller (decides on what it has just decided)

A controller that stands by has what the image has. Elected, it takes in what is pending, all of
which its own first entry commits. Deposed, it goes back to what is committed: what it decided last
may be in nobody's log.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.difference import difference
from minikafka.metadata.features import KRAFT_VERSION
from minikafka.metadata.image import MetadataImage
from minikafka.metadata.loader import MetadataLoader
from minikafka.protocol.metadata_records import decode_record
from minikafka.replicated.commit_queue import CommitQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikafka.broker.metadata_log import MetadataBatch
    from minikafka.controller.controller import ClusterController
    from minikafka.raft.snapshots import Snapshot


class QuorumReplay:
    """Feeds the image of this node, and its controller unless that is None (a broker only)."""

    def __init__(self, controller: ClusterController | None) -> None:
        self.image = MetadataImage()
        self._loader = MetadataLoader(self.image)
        self._controller = controller
        self._pending: CommitQueue[MetadataBatch] = CommitQueue()
        self._is_leading = False

    @property
    def is_whole(self) -> bool:
        """Whether the image has all of what is committed: nothing of a transaction is held back."""
        return self._loader.transaction_offset < 0

    def append(self, batch: MetadataBatch) -> None:
        """The log has this batch at its end."""
        self._pending.add(batch.last_offset + 1, batch)
        if self._is_leading:
            self._control(batch)

    def truncate(self, end_offset: int) -> None:
        """The log has been cut: what was pending behind is void. Only a node that does not lead
        cuts its log, and its controller has nothing that is not committed.
        """
        assert not self._is_leading, "a leader's log is only continued"
        assert end_offset > self.image.offset, "what is committed is never cut"
        self._pending.cut(end_offset)

    def elected(self) -> None:
        """This node leads: all of its log is the controller's."""
        self._is_leading = True
        for batch in self._pending:
            self._control(batch)

    def deposed(self) -> None:
        """This node leads no more."""
        self._is_leading = False
        controller = self._controller
        if controller is not None and controller.image.offset > self.image.offset:
            controller.reload(self._loader)

    def commit(self, high_watermark: int) -> MetadataDelta:
        """Everything below is committed; what that has changed."""
        delta = MetadataDelta()
        loader = self._loader
        for batch in self._pending.take_committed(high_watermark):
            _replay(batch, partial(loader.replay_batch, delta=delta), loader.pass_control_batch)
            delta.features_changed |= batch.kraft_version is not None
            if not self._is_leading:
                self._control(batch)
        return delta

    def load(self, end_offset: int, epoch: int, snapshot: Snapshot) -> MetadataDelta:
        """A snapshot takes the place of the log below `end_offset`; what that has changed."""
        loader = MetadataLoader(MetadataImage())
        if end_offset > 0:
            loader.replay_batch(
                [decode_record(value)[0] for value in snapshot.values],
                last_offset=end_offset - 1,
                epoch=epoch,
                wall_ms=snapshot.last_contained_ms,
            )
        if snapshot.kraft_version:
            loader.image.features[KRAFT_VERSION] = snapshot.kraft_version
        delta = difference(self.image, loader.image)
        self.image.become(loader.image)
        self._loader = MetadataLoader(self.image)
        self._pending.take_all()
        if self._controller is not None:
            self._controller.reload(self._loader)
        return delta

    def _control(self, batch: MetadataBatch) -> None:
        controller = self._controller
        if controller is not None:
            _replay(batch, controller.replay, controller.pass_control_batch)


def _replay(
    batch: MetadataBatch, records: Callable[..., None], control: Callable[..., None]
) -> None:
    """Give a batch to the one of the two that it is for: metadata, or the quorum's own."""
    place = {"last_offset": batch.last_offset, "epoch": batch.epoch, "wall_ms": batch.wall_ms}
    if batch.records is None:
        control(**place, kraft_version=batch.kraft_version)
    else:
        records(batch.records, **place)
