"""State machines over a replicated log: what controller and coordinators have in common.

A command *decides*: it reads state and comes to a `Decision`, records and a response. The host
appends the records and *replays* them into the machine, so that the next command is decided on what
they make. What depends on the records being committed waits in a `CommitQueue`: the response, and
what else follows the log. Who decides nothing new waits, too, for all that was appended before.

The machines are in `controller` and `coordinators`, their hosts in `broker` and
`coordinators.runtime`.
"""
