import pytest
from harness.replicated import tell
from scenarios.replication import isr_stories, replication_stories

STORIES = replication_stories.STORIES + isr_stories.STORIES


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_it_goes_as_told(story: object, seed: int) -> None:
    tell(story, seed)
