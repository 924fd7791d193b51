"""The broker room: start order, stop order and the hosts that tie the deciding rooms to a disk."""
