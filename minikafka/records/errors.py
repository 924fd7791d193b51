"""What can be wrong with records; each error names the code that Kafka answers with."""

from collections.abc import Sequence

from minikafka.protocol.errors import ErrorCode, KafkaError

RecordErrors = Sequence[tuple[int, str | None]]


class CorruptRecordError(KafkaError):
    """Bytes that are no record batch, or whose CRC does not fit (2 CORRUPT_MESSAGE)."""

    def __init__(self, message: str = "") -> None:
        super().__init__(ErrorCode.CORRUPT_MESSAGE, message)


class DecompressionLimitError(CorruptRecordError):
    """Compressed data that grows beyond what the reader allows."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"compressed records exceed {limit_bytes} bytes when decompressed")
        self.limit_bytes = limit_bytes


class InvalidRecordsError(KafkaError):
    """A produce payload that a leader refuses.

    `message` and `record_errors`, (index of the record in its batch, text), are what Kafka answers
    in `error_message` and `record_errors`: empty for most refusals. `before_log` is true when it
    answers with `log_start_offset` -1 instead of the true one.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str = "",
        *,
        record_errors: RecordErrors = (),
        before_log: bool = False,
    ) -> None:
        super().__init__(code, message)
        # Not the code's default text: Kafka answers null there.
        self.message = message
        self.record_errors: list[tuple[int, str | None]] = list(record_errors)
        self.before_log = before_log


class MissingExtraError(KafkaError):
    """A codec whose package is not installed (76 UNSUPPORTED_COMPRESSION_TYPE)."""

    def __init__(self, codec_name: str) -> None:
        super().__init__(
            ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
            f"{codec_name} needs an optional package: pip install minikafka[compression]",
        )
