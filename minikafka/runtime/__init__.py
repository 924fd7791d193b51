"""The runtime room: what a host takes from the machine, behind interfaces a simulation can play.

Time, sockets, timers and tasks go through the running event loop. Only these need an interface of
their own and live here: the disk (`disk`, `local_disk`), the wall clock and the clock of age
(`clock`), supervised tasks (`tasks`), randomness (`entropy`).
"""
