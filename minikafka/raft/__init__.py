"""KRaft, the consensus under the metadata log (KIP-595, 630, 853, 996), without any I/O.

`node.py` is the machine: one event in, effects out, carried out by its host in the order persist,
send, apply. `states.py` holds the states with the table of their transitions, `events.py` and
`effects.py` what goes in and comes out, `voters.py` who votes, `progress.py` how far each replica
has got and what that commits, `quorum_state.py` the file that a vote must be in before it counts,
`snapshots.py` the bytes of a `.checkpoint` file.
"""
