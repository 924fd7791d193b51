"""Applies runs of committed records to an image, holding back open metadata transactions.

Records between BeginTransaction and EndTransaction (KIP-868) become visible together: they are
held until the end record and dropped when an abort record comes instead. Kafka writes its bootstrap
records this way, and every change that is too large for one batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.metadata import replay
from minikafka.metadata.features import KRAFT_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minikafka.metadata.delta import MetadataDelta
    from minikafka.metadata.image import MetadataImage
    from minikafka.metadata.replay import MetadataRecord


class MetadataLoader:
    """Feeds one image. `transaction_offset` is where the open transaction began, -1 if none is."""

    __slots__ = ("_held", "image", "transaction_offset")

    def __init__(self, image: MetadataImage) -> None:
        self.image = image
        self.transaction_offset = -1
        self._held: list[MetadataRecord] = []

    def copy(self) -> MetadataLoader:
        """A loader with an image of its own, as far into an open transaction as this one."""
        made = MetadataLoader(self.image.copy())
        made.transaction_offset = self.transaction_offset
        made._held = self._held.copy()
        return made

    def replay_batch(
        self,
        records: Iterable[MetadataRecord],
        *,
        last_offset: int,
        epoch: int,
        wall_ms: int,
        delta: MetadataDelta | None = None,
    ) -> None:
        """Replay the records of one batch, whose last has `last_offset` and its timestamp.

        `delta`, if given, notes what they touch. The image's offset moves even while records are
        held back: it says what has been read.
        """
        assert last_offset > self.image.offset, "metadata is replayed once, in order"
        offset = self.image.offset
        for record in records:
            offset += 1
            kind = record.api_key
            if kind == replay.BEGIN_TRANSACTION:
                assert self.transaction_offset < 0, "metadata transactions do not nest"
                self.transaction_offset = offset
            elif kind == replay.END_TRANSACTION:
                held, self._held = self._held, []
                self.transaction_offset = -1
                for earlier in held:
                    self._replay(earlier, delta)
            elif kind == replay.ABORT_TRANSACTION:
                self._held.clear()
                self.transaction_offset = -1
            elif self.transaction_offset >= 0:
                self._held.append(record)
            else:
                self._replay(record, delta)
        image = self.image
        image.offset = last_offset
        image.epoch = epoch
        image.wall_ms = wall_ms

    def pass_control_batch(
        self, *, last_offset: int, epoch: int, wall_ms: int, kraft_version: int | None = None
    ) -> None:
        """Go past control records of the quorum; `kraft_version` if one of them has set it."""
        image = self.image
        if kraft_version:
            image.features[KRAFT_VERSION] = kraft_version
        image.offset = last_offset
        image.epoch = epoch
        image.wall_ms = wall_ms

    def _replay(self, record: MetadataRecord, delta: MetadataDelta | None) -> None:
        if delta is not None:
            delta.touch(self.image, record)
        self.image.replay(record)
