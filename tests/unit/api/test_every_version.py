"""Each API in each advertised version: handled and refused, its answer can be written."""

from typing import Any

import pytest

from minikafka.api.dispatch import SERVED, Api, Dispatcher
from minikafka.protocol.apis import ADVERTISED_BROKER, ApiKey, request_class, response_class
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.schema import fields_of
from minikafka.protocol.types import Message, Struct

# Their answers have tests of their own.
ELSEWHERE = {
    *(ApiKey.PRODUCE, ApiKey.FETCH),
    *(ApiKey.DESCRIBE_ACLS, ApiKey.CREATE_ACLS, ApiKey.DELETE_ACLS),
}
CASES = [
    (key, version)
    for key in sorted(SERVED)
    if key not in ELSEWHERE
    for version in range(ADVERTISED_BROKER[key][0], ADVERTISED_BROKER[key][1] + 1)
]


_PLAIN = {"String": "", "Int32": 0}


def filled(struct: type[Struct], version: int) -> Any:
    """An instance with one element in each list that the version has."""
    return struct(
        **{
            field.name: [
                _PLAIN[field.type_name] if field.struct is None else filled(field.struct, version)
            ]
            for field in fields_of(struct)
            if field.is_array and field.since <= version <= field.until
            if field.struct is not None or field.type_name in _PLAIN
        }
    )


def request_of(key: ApiKey, version: int) -> Message:
    request: Message = filled(request_class(key), version)
    return request


@pytest.mark.parametrize(("key", "version"), CASES)
async def test_a_request_of_defaults_is_answered(cluster: Any, key: ApiKey, version: int) -> None:
    cluster.controller.answers.append(KafkaError(ErrorCode.REQUEST_TIMED_OUT))
    answer = await cluster.ask(request_of(key, version), version)
    assert type(answer) is response_class(key)


@pytest.mark.parametrize(("key", "version"), CASES)
async def test_a_refused_request_says_so_for_each_element(
    cluster: Any, key: ApiKey, version: int
) -> None:
    request = request_of(key, version)
    api = Api(key, ADVERTISED_BROKER[key])
    refused = api.refusal(
        Context(cluster.dispatcher, key, version),  # type: ignore[arg-type]  # what refusals use
        request,
        KafkaError(ErrorCode.REQUEST_TIMED_OUT),
    )
    answer, _ = decode(response_class(key), version, encode(refused, version))
    assert error_codes(answer) == {int(ErrorCode.REQUEST_TIMED_OUT)}


class Context:
    """The part of a request's context that a refusal looks at."""

    def __init__(self, dispatcher: Dispatcher, api_key: ApiKey, version: int) -> None:
        self.services = dispatcher.services
        self.api_key = api_key
        self.version = version


def error_codes(value: Any) -> set[int]:
    """All codes in an answer but those of success."""
    codes: set[int] = set()
    for field in fields_of(type(value)):
        inner = getattr(value, field.name)
        if field.name == "error_code" and inner != 0:
            codes.add(inner)
        elif field.struct is not None and inner is not None:
            for element in inner if field.is_array else [inner]:
                codes |= error_codes(element)
    return codes
