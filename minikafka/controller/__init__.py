"""What the active controller decides: pure functions from state and request to records.

`controller.py` is the machine that the host talks to: a command gives a `Decision` (records and a
response), `replay` is the only thing that changes state. The other modules hold the rules, one
concept each: `topics.py` and `partitions.py` (with `placement.py`), `partition_change.py` (ISR,
leader and eligible leaders; `leadership.py` applies it where brokers come and go, and
`reassignment.py` knows the way from one list of replicas to another), `brokers.py` (with
`sessions.py`), `configs.py`, `producer_ids.py`, `features.py`, and `upkeep.py` for what is due
without anybody asking. What comes rarely is found through `administration.py`: what brokers report
(`isr_reports.py`, `directories.py`) and what administrators ask for (`elections.py`,
`reassignments.py`, `client_quotas.py`, `scram_credentials.py`, `feature_updates.py`,
`unregistration.py`).
"""
