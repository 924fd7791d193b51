"""A broker, its clients and its misfortunes in one interpreter, decided by one seed.

The code that runs here is the code of production. Replaced are the event loop (`loop`: time, the
order of callbacks, connections), the disk (`disk`: what a kill and a loss of power leave), the wall
clock and the random source; a run is repeated by its seed. `docs/simulation.md` tells the model.
"""
