"""The budget of request buffers: who gets memory, who waits, who is next."""

from minikafka.network.request_memory import RequestBuffer, RequestMemory

KIB = 1 << 10
MIB = 1 << 20


class Owner:
    """A connection as the memory sees it."""

    def __init__(self, memory: RequestMemory, size: int, head: bytes = b"head") -> None:
        self.memory = memory
        self.buffer: RequestBuffer = memory.begin(size, memoryview(head))
        self.waits = False

    def fill(self) -> None:
        """All bytes that were granted arrive; ask for more."""
        self.buffer.filled = self.buffer.granted
        if self.buffer.filled < self.buffer.size:
            self.waits = not self.memory.grow(self, self.buffer)

    def fill_all(self) -> None:
        while self.buffer.filled < self.buffer.size and not self.waits:
            self.fill()

    def memory_granted(self, size: int) -> None:
        self.waits = False
        self.buffer.grant(size)

    def finish(self) -> None:
        self.memory.finish(self, self.buffer)


def test_small_frames_get_their_size_at_once() -> None:
    memory = RequestMemory(64 * MIB, MIB)
    owner = Owner(memory, 20 * KIB, b"abc")
    assert owner.buffer.granted == 20 * KIB
    assert bytes(owner.buffer.view[:3]) == b"abc"
    assert len(owner.buffer.view) == 20 * KIB
    assert len(owner.buffer.window()) == 20 * KIB - 3
    assert memory.held_bytes == 20 * KIB
    owner.finish()
    assert memory.held_bytes == 0


def test_a_large_frame_is_granted_what_arrives_times_four() -> None:
    memory = RequestMemory(512 * MIB, 200 * MIB)
    owner = Owner(memory, 100 * MIB)
    assert memory.held_bytes == 4
    grants = []
    while owner.buffer.filled < owner.buffer.size:
        owner.fill()
        grants.append(owner.buffer.granted)
        assert memory.held_bytes == owner.buffer.granted
    assert grants[:4] == [64 * KIB, 256 * KIB, MIB, 4 * MIB]
    owner.finish()
    assert memory.used_bytes == 0, "a large mapping is given back"


def test_a_used_mapping_serves_the_next_frame_of_its_size() -> None:
    memory = RequestMemory(64 * MIB, MIB)
    first = Owner(memory, 1_000_100)
    first.fill_all()
    first.finish()
    assert memory.held_bytes == 0
    spare = memory.used_bytes
    assert 1_000_100 <= spare <= 1_000_100 + 64 * KIB
    second = Owner(memory, 1_000_300)
    assert second.buffer.mapping is first.buffer.mapping
    assert second.buffer.granted == 1_000_300
    assert memory.held_bytes == memory.used_bytes == spare
    second.finish()
    memory.drop_spares()
    assert memory.used_bytes == 0


def test_spares_make_way_for_requests() -> None:
    memory = RequestMemory(4 * MIB, 2 * MIB)
    spare = Owner(memory, MIB)
    spare.fill_all()
    spare.finish()
    assert memory.used_bytes == MIB
    small = [Owner(memory, 32 * KIB) for _ in range(64)]
    assert memory.held_bytes == memory.used_bytes == 2 * MIB
    for owner in small:
        owner.finish()


def test_the_first_in_line_overdraws_the_second_waits() -> None:
    memory = RequestMemory(4 * MIB, 2 * MIB)
    owners = [Owner(memory, 2 * MIB) for _ in range(6)]
    for _ in range(10):
        for owner in owners:
            if not owner.waits and owner.buffer.filled < owner.buffer.size:
                owner.fill()
            assert memory.held_bytes <= memory.capacity
    done = [owner for owner in owners if owner.buffer.filled == owner.buffer.size]
    waiting = [owner for owner in owners if owner.waits]
    assert done
    assert len(done) + len(waiting) == 6
    assert memory.is_short
    assert len(memory.scratch) == 4 * KIB
    # As each is served, the next one comes through: nobody is locked out.
    while waiting:
        done.pop().finish()
        for owner in waiting:
            owner.fill_all()
            assert memory.held_bytes <= memory.capacity
        done += [owner for owner in waiting if owner.buffer.filled == owner.buffer.size]
        waiting = [owner for owner in waiting if owner.waits]
    for owner in done:
        owner.finish()
    assert memory.held_bytes == 0
    assert not memory.is_short
    assert memory.express is None
    assert len(memory.scratch) == 256 * KIB


def test_nobody_overtakes_a_large_request_in_line() -> None:
    memory = RequestMemory(3 * MIB, 2 * MIB)
    hog = Owner(memory, 2 * MIB)
    hog.fill_all()
    express = Owner(memory, 2 * MIB)
    express.fill_all()
    assert memory.express in (hog, express)
    large, small = Owner(memory, 2 * MIB), Owner(memory, 40 * KIB)
    large.fill()
    small.fill()
    assert large.waits
    assert small.waits
    express.finish()
    hog.finish()
    assert not large.waits
    assert not small.waits
    large.fill_all()
    large.finish()
    small.finish()


def test_a_closed_connection_leaves_the_line_and_lets_others_pass() -> None:
    memory = RequestMemory(2 * MIB, 2 * MIB)
    express = Owner(memory, 2 * MIB)
    express.fill()
    assert memory.express is express
    gone, next_one = Owner(memory, MIB), Owner(memory, MIB)
    gone.fill()
    next_one.fill()
    gone.finish()
    assert next_one.waits
    express.finish()
    assert not next_one.waits
    next_one.fill_all()
    assert next_one.buffer.filled == MIB
    next_one.finish()
    assert memory.held_bytes == 0


def test_who_leaves_is_not_granted_what_it_waited_for() -> None:
    memory = RequestMemory(2 * MIB, MIB)
    hog = Owner(memory, MIB)
    hog.fill_all()
    express = Owner(memory, MIB)
    express.fill()
    express.fill()
    assert memory.express is express
    leaver = Owner(memory, MIB)
    leaver.fill()
    assert leaver.waits
    # Its own bytes, given back, would be enough for it: it must be out of the line by then.
    hog.buffer.charged += leaver.buffer.charged
    memory.charge(leaver.buffer.charged)
    leaver.finish()
    assert leaver.waits
    hog.finish()
    assert leaver.waits
    express.finish()
    assert memory.held_bytes == 0


def test_bytes_already_read_are_charged_and_narrow_the_reads() -> None:
    memory = RequestMemory(2 * MIB, MIB)
    memory.charge(MIB)
    assert len(memory.scratch) == 256 * KIB
    memory.charge(1)
    assert len(memory.scratch) == 4 * KIB
    memory.release(1)
    assert len(memory.scratch) == 256 * KIB
    memory.release(MIB)


def test_the_budget_is_never_below_one_request() -> None:
    memory = RequestMemory(MIB, 8 * MIB)
    owner = Owner(memory, 8 * MIB)
    owner.fill_all()
    assert owner.buffer.filled == 8 * MIB
    owner.finish()
    assert memory.held_bytes == 0
