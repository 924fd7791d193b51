"""Every await of the SDK ends in time when its broker is killed or stopped.

`python -m sdk_trials` is the long form; here each awaitable has few trials, and a machine that is
too slow for its own timers is not held against the SDK.
"""

import signal
from random import Random

import pytest
from harness.broker import RunningBroker
from sdk_trials.awaitables import public_awaitables
from sdk_trials.rounds import Moment, run_round
from sdk_trials.table import TRIALS, covered
from sdk_trials.world import World

ALLOWED_S = 0.2


def test_every_public_awaitable_has_a_trial() -> None:
    assert covered() == public_awaitables()


@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.value)
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP], ids=lambda sign: sign.name)
async def test_in_time(own_broker: RunningBroker, sign: signal.Signals, moment: Moment) -> None:
    world = World(own_broker, Random(1))
    await world.furnish()
    outcomes = await run_round(world, TRIALS.values(), sign, moment)
    bad = [each for each in outcomes if each.fault or each.late_s > ALLOWED_S + each.stalled_s]
    assert bad == []
