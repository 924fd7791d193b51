"""Producer snapshots, and the records of tiered storage."""
