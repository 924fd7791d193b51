"""KRaft control records and the quorum-state file."""
