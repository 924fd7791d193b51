"""A client's connection to a broker: one TCP connection, many requests, answers in order.

Whoever owns a channel decides when to connect again (`Backoff`) and what a failure means; a channel
itself lives once. Followers, controllers and the SDK share this room.
"""
