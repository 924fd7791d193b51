"""All trials: importing the modules that make them fills the table."""

from sdk_trials import of_admin, of_consumer, of_producer
from sdk_trials.world import TRIALS, covered

__all__ = ["TRIALS", "covered", "of_admin", "of_consumer", "of_producer"]
