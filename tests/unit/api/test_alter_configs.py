"""IncrementalAlterConfigs and AlterConfigs: what a broker judges, and what it passes on."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages import alter_configs as replacing
from minikafka.protocol.messages import incremental_alter_configs as incremental
from minikafka.protocol.records.metadata.config_record import ConfigRecord

TOPIC, BROKER, LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)
LOGGER_NAME = "minikafka.test.levels"

Change = tuple[str, int, str | None]


@pytest.fixture
def levels() -> Iterator[logging.Logger]:
    """A logger of the test's own; the levels are as before afterwards."""
    logger = logging.getLogger(LOGGER_NAME)
    root = logging.root.level
    yield logger
    logger.setLevel(logging.NOTSET)
    logging.root.setLevel(root)


def changing(*resources: tuple[int, str, list[Change]], **rest: Any) -> Any:
    return incremental.IncrementalAlterConfigsRequest(
        resources=[
            incremental.AlterConfigsResource(
                resource_type=kind,
                resource_name=name,
                configs=[
                    incremental.AlterableConfig(name=key, config_operation=operation, value=value)
                    for key, operation, value in changes
                ],
            )
            for kind, name, changes in resources
        ],
        **rest,
    )


def accepting(request: Any) -> Any:
    """The controller's answer when it takes all of `request`."""
    return incremental.IncrementalAlterConfigsResponse(
        responses=[
            incremental.AlterConfigsResourceResponse(
                resource_type=resource.resource_type, resource_name=resource.resource_name
            )
            for resource in request.resources
        ]
    )


async def codes(cluster: Any, request: Any, version: int = 1) -> list[int]:
    answer = await cluster.ask(request, version)
    assert [(r.resource_type, r.resource_name) for r in answer.responses] == [
        (r.resource_type, r.resource_name) for r in request.resources
    ]
    assert all(bool(r.error_message) == (r.error_code > 0) for r in answer.responses)
    return [response.error_code for response in answer.responses]


@pytest.mark.parametrize("version", range(2))
async def test_the_controllers_resources_are_passed_on_together(cluster: Any, version: int) -> None:
    request = changing(
        (TOPIC, "a", [("retention.ms", SET, "1")]),
        (BROKER, "5", [("log.cleaner.threads", SET, "2")]),
        (GROUP, "g", [("consumer.session.timeout.ms", DELETE, None)]),
        (CLIENT_METRICS, "m", [("match", SET, "")]),
        (BROKER, "", [("log.cleaner.threads", SET, "2")]),
        validate_only=True,
    )
    answer = accepting(request)
    answer.responses[0].error_code = 3
    answer.responses[0].error_message = "not there"
    cluster.controller.answers.append(answer)
    assert await codes(cluster, request, version) == [3, 42, 0, 0, 0]
    ((passed_on, passed_version, client_id),) = cluster.controller.asked
    assert [r.resource_type for r in passed_on.resources] == [TOPIC, GROUP, CLIENT_METRICS, BROKER]
    assert passed_on.validate_only
    assert (passed_version, client_id) == (version, "tester")


@pytest.mark.parametrize(
    "changes",
    [
        [("segment.ms", SET, None)],
        [("match", APPEND, None)],
        [("segment.ms", SET, "1"), ("segment.ms", SET, "2")],
    ],
)
async def test_nulls_and_repeated_keys_never_reach_the_controller(
    cluster: Any, changes: list[Change]
) -> None:
    assert await codes(cluster, changing((TOPIC, "a", changes))) == [42]
    assert cluster.controller.asked == []


async def test_a_resource_named_twice_fails_in_both_places(cluster: Any) -> None:
    twice = (TOPIC, "a", [("segment.ms", SET, "1")])
    assert await codes(cluster, changing(twice, twice)) == [42, 42]


@pytest.mark.parametrize("kind", [0, 1, 3, 99])
async def test_an_unknown_type_fails_alone(cluster: Any, kind: int) -> None:
    request = changing((kind, "a", []), (TOPIC, "a", []))
    cluster.controller.answers.append(accepting(changing((TOPIC, "a", []))))
    assert await codes(cluster, request) == [42, 0]


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("1", ("log.cleaner.threads", SET, "2"), 0),
        ("", ("log.cleaner.threads", SET, "2"), 0),
        ("1", ("log.cleaner.threads", SET, "many"), 42),
        ("1", ("num.partitions", SET, "2"), 42),
        ("", ("num.partitions", SET, "2"), 42),
        ("1", ("num.partitions", DELETE, None), 0),
        ("", ("listeners", SET, "PLAINTEXT://:1"), 42),
        ("1", ("some.plugins.key", SET, "x"), 0),
        ("1", ("log.cleaner.threads", APPEND, "2"), 40),
        ("1", ("log.cleaner.threads", 7, "2"), 42),
        ("5", ("log.cleaner.threads", SET, "2"), 42),
        ("me", ("log.cleaner.threads", SET, "2"), 42),
    ],
)
async def test_only_the_broker_itself_judges_its_settings(
    cluster: Any, name: str, change: Change, code: int
) -> None:
    request = changing((BROKER, name, [change]))
    cluster.controller.answers.append(accepting(request))
    assert await codes(cluster, request) == [code]
    assert len(cluster.controller.asked) == (code == 0)


async def test_a_list_is_appended_to_what_is_set(cluster: Any) -> None:
    cluster.replay(
        ConfigRecord(
            resource_type=BROKER, resource_name="1", name="log.cleanup.policy", value="compact"
        )
    )
    request = changing((BROKER, "1", [("log.cleanup.policy", APPEND, "delete")]))
    cluster.controller.answers.append(accepting(request))
    assert await codes(cluster, request) == [0]
    request = changing((BROKER, "1", [("log.cleanup.policy", APPEND, "shred")]))
    assert await codes(cluster, request) == [42]


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("1", ("num.io.threads", SET, "40"), 0),
        ("1", ("num.io.threads", SET, "41"), 42),
        ("1", ("num.io.threads", SET, "10"), 0),
        ("1", ("num.io.threads", SET, "9"), 42),
        ("1", ("num.io.threads", DELETE, None), 0),  # back to 12, which is for all brokers
        ("", ("num.io.threads", SET, "900"), 0),  # not for this one, which has a number of its own
        ("", ("num.network.threads", SET, "1"), 0),
        ("", ("num.network.threads", SET, "7"), 42),
    ],
)
async def test_a_count_of_threads_changes_by_steps(
    cluster: Any, name: str, change: Change, code: int
) -> None:
    for whose, value in (("", "12"), ("1", "20")):
        cluster.replay(
            ConfigRecord(
                resource_type=BROKER, resource_name=whose, name="num.io.threads", value=value
            )
        )
    request = changing((BROKER, name, [change]))
    cluster.controller.answers.append(accepting(request))
    assert await codes(cluster, request) == [code]


async def test_loggers_change_here_and_now(cluster: Any, levels: logging.Logger) -> None:
    request = changing((LOGGER, "1", [(LOGGER_NAME, SET, "TRACE")]))
    assert await codes(cluster, request) == [0]
    assert levels.level == 5
    request = changing((LOGGER, "1", [(LOGGER_NAME, DELETE, None)]))
    assert await codes(cluster, request) == [0]
    assert levels.level == logging.NOTSET
    assert cluster.controller.asked == []


async def test_validation_alone_changes_no_level(cluster: Any, levels: logging.Logger) -> None:
    request = changing((LOGGER, "1", [(LOGGER_NAME, SET, "ERROR")]), validate_only=True)
    assert await codes(cluster, request) == [0]
    assert levels.level == logging.NOTSET


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("no.such.logger", SET, "INFO"), 40),
        ((LOGGER_NAME, SET, "debug"), 40),
        ((LOGGER_NAME, SET, "LOUD"), 40),
        ((LOGGER_NAME, SET, None), 42),
        ((LOGGER_NAME, APPEND, "INFO"), 42),
        ((LOGGER_NAME, SUBTRACT, "INFO"), 42),
        (("root", DELETE, None), 42),
        ((LOGGER_NAME, 7, "INFO"), -1),
    ],
)
async def test_a_bad_change_of_a_level_takes_the_whole_resource_with_it(
    cluster: Any, levels: logging.Logger, change: Change, code: int
) -> None:
    other = ("minikafka.api", SET, "ERROR")
    assert await codes(cluster, changing((LOGGER, "1", [other, change]))) == [code]
    assert logging.getLogger("minikafka.api").level == logging.NOTSET


async def test_loggers_of_another_node_are_refused(cluster: Any, levels: logging.Logger) -> None:
    change = [(LOGGER_NAME, SET, "INFO")]
    request = changing((LOGGER, "5", change), (LOGGER, "", change), (LOGGER, "x", change))
    assert await codes(cluster, request) == [42, 42, 42]


async def test_no_level_changes_when_the_controller_cannot_be_asked(
    cluster: Any, levels: logging.Logger
) -> None:
    cluster.controller.answers.append(KafkaError(ErrorCode.REQUEST_TIMED_OUT))
    request = changing(
        (LOGGER, "1", [(LOGGER_NAME, SET, "ERROR")]), (TOPIC, "a", [("segment.ms", SET, "1")])
    )
    assert await codes(cluster, request) == [7, 7]
    assert levels.level == logging.NOTSET


def replacing_with(*resources: tuple[int, str, dict[str, str | None]]) -> Any:
    return replacing.AlterConfigsRequest(
        resources=[
            replacing.AlterConfigsResource(
                resource_type=kind,
                resource_name=name,
                configs=[
                    replacing.AlterableConfig(name=key, value=value)
                    for key, value in configs.items()
                ],
            )
            for kind, name, configs in resources
        ]
    )


@pytest.mark.parametrize("version", range(3))
async def test_replacing_is_passed_on_in_every_version(cluster: Any, version: int) -> None:
    request = replacing_with(
        (TOPIC, "a", {"retention.ms": "1"}),
        (LOGGER, "1", {"root": "INFO"}),
        (TOPIC, "b", {"retention.ms": None}),
        (BROKER, "1", {"num.partitions": "3"}),
    )
    cluster.controller.answers.append(
        replacing.AlterConfigsResponse(
            responses=[
                replacing.AlterConfigsResourceResponse(resource_type=TOPIC, resource_name="a")
            ]
        )
    )
    assert await codes(cluster, request, version) == [0, 42, 42, 42]
    assert len(cluster.controller.asked[0][0].resources) == 1


async def test_a_refused_replacement_names_every_resource(cluster: Any) -> None:
    cluster.controller.answers.append(KafkaError(ErrorCode.NOT_CONTROLLER))
    request = replacing_with((TOPIC, "a", {}), (GROUP, "g", {}))
    assert await codes(cluster, request, 2) == [41, 41]
