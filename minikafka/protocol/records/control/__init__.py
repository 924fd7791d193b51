"""Keys of control records, and the transaction markers."""
