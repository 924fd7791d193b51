"""The trials of the admin client: one call each, with `timeout_ms` as every call takes it."""

from collections.abc import AsyncIterator, Awaitable, Callable

from minikafka_client import EARLIEST, Admin, NewTopic, ResourceType
from sdk_trials.world import BRIEFLY, GROUP, PLACE, TOPIC, Call, World, trial

Ask = Callable[[Admin, World, float], Awaitable[object]]

CALLS: dict[str, Ask] = {
    "create_topic": lambda admin, world, ms: admin.create_topic(
        NewTopic(world.fresh("made")), timeout_ms=ms
    ),
    "delete_topic": lambda admin, world, ms: admin.delete_topic(world.fresh("no"), timeout_ms=ms),
    "list_topics": lambda admin, _, ms: admin.list_topics(timeout_ms=ms),
    "describe_topic": lambda admin, _, ms: admin.describe_topic(TOPIC, timeout_ms=ms),
    "create_partitions": lambda admin, _, ms: admin.create_partitions(TOPIC, 1, timeout_ms=ms),
    "describe_configs": lambda admin, _, ms: admin.describe_configs(
        ResourceType.TOPIC, TOPIC, timeout_ms=ms
    ),
    "alter_configs": lambda admin, _, ms: admin.alter_configs(
        ResourceType.TOPIC, TOPIC, {"retention.ms": "100000000"}, timeout_ms=ms
    ),
    "delete_records": lambda admin, _, ms: admin.delete_records({PLACE: 1}, timeout_ms=ms),
    "list_offsets": lambda admin, _, ms: admin.list_offsets({PLACE: EARLIEST}, timeout_ms=ms),
    "list_groups": lambda admin, _, ms: admin.list_groups(timeout_ms=ms),
    "describe_group": lambda admin, _, ms: admin.describe_group(GROUP, timeout_ms=ms),
    "delete_group": lambda admin, world, ms: admin.delete_group(world.fresh("no"), timeout_ms=ms),
    "list_group_offsets": lambda admin, _, ms: admin.list_group_offsets(GROUP, timeout_ms=ms),
    "alter_group_offsets": lambda admin, _, ms: admin.alter_group_offsets(
        GROUP, {PLACE: 2}, timeout_ms=ms
    ),
    "delete_group_offsets": lambda admin, _, ms: admin.delete_group_offsets(
        GROUP, [(TOPIC, 2)], timeout_ms=ms
    ),
    "describe_cluster": lambda admin, _, ms: admin.describe_cluster(timeout_ms=ms),
    "unregister_broker": lambda admin, _, ms: admin.unregister_broker(77, timeout_ms=ms),
    "describe_log_dirs": lambda admin, _, ms: admin.describe_log_dirs(0, timeout_ms=ms),
    "describe_quorum": lambda admin, _, ms: admin.describe_quorum(timeout_ms=ms),
    "describe_features": lambda admin, _, ms: admin.describe_features(timeout_ms=ms),
    "update_features": lambda admin, _, ms: admin.update_features(
        {"metadata.version": 32_000}, timeout_ms=ms
    ),
    "elect_leaders": lambda admin, _, ms: admin.elect_leaders([PLACE], timeout_ms=ms),
    "list_partition_reassignments": lambda admin, _, ms: admin.list_partition_reassignments(
        timeout_ms=ms
    ),
    "describe_producers": lambda admin, _, ms: admin.describe_producers(PLACE, timeout_ms=ms),
    "list_config_resources": lambda admin, _, ms: admin.list_config_resources(timeout_ms=ms),
    "describe_client_quotas": lambda admin, _, ms: admin.describe_client_quotas(timeout_ms=ms),
    "alter_client_quotas": lambda admin, _, ms: admin.alter_client_quotas(
        {"user": "trials"}, {"producer_byte_rate": 1e9}, timeout_ms=ms
    ),
}


def enter_call(name: str, ask: Ask) -> None:
    @trial(f"Admin.{name}")
    async def one_call(world: World, timeout_ms: float) -> AsyncIterator[Call]:
        async with Admin(world.bootstrap, **BRIEFLY) as admin:
            yield lambda: ask(admin, world, timeout_ms)


for _name, _ask in CALLS.items():
    enter_call(_name, _ask)


@trial("Admin.start")
async def start(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    admin = Admin(world.bootstrap, connect_timeout_ms=timeout_ms)
    yield admin.start
    await admin.close()


@trial("Admin.__aenter__")
async def enter(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    admin = Admin(world.bootstrap, connect_timeout_ms=timeout_ms)
    yield admin.__aenter__
    await admin.close()


@trial("Admin.__aexit__")
async def leave(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Admin(world.bootstrap) as admin:
        yield lambda: admin.__aexit__(None, None, None)


@trial("Admin.close")
async def close(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Admin(world.bootstrap) as admin:
        yield admin.close
