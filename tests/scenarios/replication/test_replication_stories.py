import pytest
from harness.replicated import tell
from scenarios.replication import (
    deletion_stories,
    isr_stories,
    replication_stories,
    throttle_stories,
)

STORIES = replication_stories.STORIES + isr_stories.STORIES + deletion_stories.STORIES


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_it_goes_as_told(story: object, seed: int) -> None:
    tell(story, seed)


@pytest.mark.parametrize("story", throttle_stories.STORIES, ids=lambda story: story.__name__)
def test_it_goes_as_told_at_a_rate(story: object) -> None:
    tell(story, 7, replica_fetch_max_bytes="6000")
