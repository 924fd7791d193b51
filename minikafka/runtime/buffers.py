"""The one name for "bytes that somebody else owns" in signatures."""

Buffer = bytes | bytearray | memoryview
