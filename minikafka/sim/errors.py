"""What a simulation itself has to say: its loud ends, and the end of a process."""


class SimulationError(Exception):
    """The simulation noticed a breach of its own rules; the text says which."""


class Deadlock(SimulationError):
    """Nothing is ready and no timer is set, yet somebody waits."""


class Runaway(SimulationError):
    """Callbacks follow each other and time stands still."""


class VirtualTimeout(SimulationError):
    """The scenario has used up its virtual time."""


class Enough(SimulationError):
    """A promise is broken, and nobody asked for more than the first."""


class ProcessGone(BaseException):
    """Code of a dead process has touched the world.

    Not an `Exception`: nothing that handles errors may take the end of the process for one.
    """
