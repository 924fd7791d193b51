"""What the active controller decides: pure functions from state and request to records.

`controller.py` is the machine that the host talks to: a command gives a `Decision` (records and a
response), `replay` is the only thing that changes state. The other modules hold the rules, one
concept each: `topics.py` and `partitions.py` (with `placement.py` and `assignments.py`),
`partition_change.py` (ISR, leader and eligible leaders), `brokers.py` (with `sessions.py`),
`configs.py` (with `broker_configs.py`), `producer_ids.py` and `features.py`. What administrators
ask for now and then is found through `administration.py`: `elections.py`, `reassignments.py`,
`client_quotas.py`, `scram_credentials.py`, `feature_updates.py` and `unregistration.py`.
"""
