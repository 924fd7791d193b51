"""The network: listeners, connections, and the order of requests and answers on them.

A `Server` listens and owns what all its connections share: the limits, the memory for requests, one
timer. A `Connection` cuts the byte stream into frames and hands each to `serve(exchange, frame)`;
the `Exchange` is that request's place in the order of answers. Answers are buffers and regions of
files; how regions travel is decided in `region_sender` (read and write, or sendfile) and in
`pipe_sender` (small answers, at once).

Time, timers and sockets come from the running event loop, so the same code runs on uvloop, on
asyncio and in the simulation. What a request means is none of this room's business, but for one
thing: a Produce is recognised by its api key, because only a Produce may pass a waiting one.
"""
