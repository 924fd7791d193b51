"""AlterClientQuotas (49): limits of users, client ids and addresses, kept as metadata (KIP-546).

An entity is a user, a client id, both, or an address; a name of None is the default of all that
have none of their own. Entities are changed as a whole or not at all, and fail alone.
"""

from __future__ import annotations

from ipaddress import ip_address
from math import isnan
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Final

from minikafka.controller.decision import Decision
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    AlterClientQuotasResponseEntryData,
    EntityData,
    OpData,
)
from minikafka.protocol.records.metadata import client_quota_record
from minikafka.protocol.records.metadata.client_quota_record import ClientQuotaRecord

if TYPE_CHECKING:
    from minikafka.controller.state import ControllerState
    from minikafka.metadata.image import QuotaEntity
    from minikafka.metadata.replay import MetadataRecord

USER: Final = "user"
CLIENT_ID: Final = "client-id"
IP: Final = "ip"

# key -> largest whole value and its type; None where the rate may be a fraction.
_LONG: Final = (2**63 - 1, "a LONG")
_USER_AND_CLIENT_KEYS: Final[dict[str, tuple[int, str] | None]] = {
    "producer_byte_rate": _LONG,
    "consumer_byte_rate": _LONG,
    "request_percentage": None,
    "controller_mutation_rate": None,
}
_IP_KEYS: Final[dict[str, tuple[int, str] | None]] = {
    "connection_creation_rate": (2**31 - 1, "an INT")
}
_HOST_CHARACTERS: Final = frozenset(ascii_letters + digits + "-.")
_FRACTION: Final = 1e-6


def decide(
    state: ControllerState, request: AlterClientQuotasRequest, version: int
) -> Decision[AlterClientQuotasResponse]:
    """Set and remove quotas; an entity that comes twice is refused, not applied twice."""
    asked: dict[QuotaEntity, list[OpData]] = {}
    repeated: set[QuotaEntity] = set()
    for entry in request.entries:
        entity = tuple(sorted({e.entity_type: e.entity_name for e in entry.entity}.items()))
        if entity in asked or len({op.key for op in entry.ops}) < len(entry.ops):
            repeated.add(entity)
        asked.setdefault(entity, entry.ops)
    records: list[MetadataRecord] = []
    entries = []
    for entity, operations in asked.items():
        answer = AlterClientQuotasResponseEntryData(
            error_message=None,
            entity=[EntityData(entity_type=kind, entity_name=name) for kind, name in entity],
        )
        try:
            if entity in repeated:
                raise _invalid(f"Ignoring duplicate entity {_as_java_says(entity)}")
            changes = _changes(state, entity, operations)
        except KafkaError as error:
            answer.error_code, answer.error_message = error.code, error.message
        else:
            records += [] if request.validate_only else changes
        entries.append(answer)
    return Decision(records, AlterClientQuotasResponse(entries=entries))


def _changes(
    state: ControllerState, entity: QuotaEntity, operations: list[OpData]
) -> list[ClientQuotaRecord]:
    keys = _keys_of(entity)
    present = state.image.client_quotas.get(entity, {})
    records = []
    for operation in operations:
        if not operation.remove:
            _check_value(keys, operation)
        if (
            operation.key in present
            if operation.remove
            else present.get(operation.key) != operation.value
        ):
            records.append(
                ClientQuotaRecord(
                    entity=[
                        client_quota_record.EntityData(entity_type=kind, entity_name=name)
                        for kind, name in entity
                    ],
                    key=operation.key,
                    value=0.0 if operation.remove else operation.value,
                    remove=operation.remove,
                )
            )
    return records


def _keys_of(entity: QuotaEntity) -> dict[str, tuple[int, str] | None]:
    """The quotas that such an entity can have. KafkaError 42 if there is no such entity."""
    if not entity:
        raise _invalid("Invalid empty client quota entity")
    for kind, name in entity:
        if kind not in (USER, CLIENT_ID, IP):
            raise _invalid(f"Unhandled client quota entity type: {kind}")
        if name == "":
            raise _invalid(f"Empty {kind} not supported")
    names = dict(entity)
    if IP not in names:
        return _USER_AND_CLIENT_KEYS
    if len(names) > 1:
        raise _invalid(
            "Invalid quota entity combination, IP entity shouldnot be combined with User or "
            "ClientId"
        )
    address = names[IP]
    if address is not None and not _is_address(address):
        raise _invalid(f"{address} is not a valid IP or resolvable host.")
    return _IP_KEYS


def _is_address(text: str) -> bool:
    """An address, or what could be a host's name; unlike Kafka we do not ask the DNS for it."""
    if _HOST_CHARACTERS.issuperset(text):
        return True
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _check_value(keys: dict[str, tuple[int, str] | None], operation: OpData) -> None:
    key, value = operation.key, operation.value
    if key not in keys:
        raise _invalid(f"Invalid configuration key {key}")
    if isnan(value) or value <= 0:
        raise _invalid(f"Quota {key} must be greater than 0")
    whole = keys[key]
    if whole is None:
        return
    largest, kind = whole
    if value > largest:
        raise _invalid(f"Proposed value for {key} is too large for {kind}.")
    if abs(value - round(value)) > _FRACTION:
        raise _invalid(f"{key} cannot be a fractional value.")


def _as_java_says(entity: QuotaEntity) -> str:
    parts = ", ".join(f"{kind}={'null' if name is None else name}" for kind, name in entity)
    return f"ClientQuotaEntity(entries={{{parts}}})"


def _invalid(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, text)
