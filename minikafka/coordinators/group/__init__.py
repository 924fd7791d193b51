"""Consumer groups and committed offsets: a machine without clock, disk and sockets.

`coordinator` is the machine; `classic_group` and `member` are its state, `replay` changes it from
records. Commands are decided in `joining`, `syncing`, `membership`, `rebalance`, `commits`,
`offset_fetches`, `expiry` and `descriptions`; `records` makes what they write.

What survives a broker is in the log: the members and assignments of the last synced generation,
and offsets. Who is joining right now lives in memory only: when the coordinator moves, clients are
told so and join again.
"""
