"""`minikafka groups`: who is in a group, how far behind it is; setting and forgetting offsets."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from minikafka.cli.administration import Action, places_named, run_admin
from minikafka.cli.exits import OK, ToolError, UsageError
from minikafka.cli.output import print_json, print_table
from minikafka_client import EARLIEST, LATEST, Admin, GroupDescription, TopicPartition

Offsets = Mapping[TopicPartition, int]
_DEAD: Final = "Dead"


def run(options: Namespace) -> int:
    """Run the action."""
    return run_admin(options, _ACTIONS)


async def _list(admin: Admin, options: Namespace) -> int:
    found = await admin.list_groups(states=options.states)
    if options.json:
        names = ("group", "protocolType", "state", "type")
        print_json([dict(zip(names, each, strict=True)) for each in found])
        return OK
    rows = [(each.group_id, each.group_type, each.protocol_type, each.state) for each in found]
    print_table(("group", "type", "protocol", "state"), rows)
    return OK


async def _describe(admin: Admin, options: Namespace) -> int:
    documents = []
    for name in options.groups:
        group = await _existing(admin, name)
        offsets = await _offset_rows(admin, group)
        documents.append(_as_json(group, offsets))
        if options.json:
            continue
        if options.members:
            print_table(
                ("group", "member", "instance", "client", "host", "partitions"),
                [
                    (
                        group.group_id,
                        each.member_id,
                        each.instance_id,
                        each.client_id,
                        each.client_host,
                        _shown(each.assignment),
                    )
                    for each in group.members
                ],
            )
        else:
            print_table(("group", "state", "assignor", "members"), [_headline(group)])
            print_table(
                ("topic", "partition", "offset", "end", "lag", "member"),
                [tuple(row.values()) for row in offsets],
            )
    if options.json:
        print_json(documents)
    return OK


def _headline(group: GroupDescription) -> tuple[object, ...]:
    return group.group_id, group.state, group.protocol or None, len(group.members)


def _as_json(group: GroupDescription, offsets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "group": group.group_id,
        "state": group.state,
        "protocolType": group.protocol_type,
        "assignor": group.protocol,
        "members": [
            {
                "memberId": each.member_id,
                "instanceId": each.instance_id,
                "clientId": each.client_id,
                "host": each.client_host,
                "partitions": [list(place) for place in each.assignment],
            }
            for each in group.members
        ],
        "offsets": offsets,
    }


async def _existing(admin: Admin, name: str) -> GroupDescription:
    group = await admin.describe_group(name)
    if group.state == _DEAD:
        raise ToolError(f"there is no group {name}")
    return group


async def _offset_rows(admin: Admin, group: GroupDescription) -> list[dict[str, Any]]:
    """Committed offsets and lag, also of partitions that are assigned but have no offset."""
    stored = await admin.list_group_offsets(group.group_id)
    owners = {place: each.member_id for each in group.members for place in each.assignment}
    places = sorted({*stored, *owners})
    ends = await _offsets_at(admin, await _there(admin, places), LATEST)
    rows = []
    for place in places:
        offset, end = stored.get(place), ends.get(place)
        lag = None if offset is None or end is None else max(0, end - offset)
        rows.append(
            {
                "topic": place.topic,
                "partition": place.partition,
                "offset": offset,
                "end": end,
                "lag": lag,
                "member": owners.get(place),
            }
        )
    return rows


async def _there(admin: Admin, places: list[TopicPartition]) -> list[TopicPartition]:
    """Those of topics that exist: groups keep offsets of deleted ones for a while."""
    names = set(await admin.list_topics(internal=True))
    return [place for place in places if place.topic in names]


async def _offsets_at(
    admin: Admin, places: list[TopicPartition], time: int
) -> dict[TopicPartition, int]:
    found = await admin.list_offsets(dict.fromkeys(places, time))
    return {place: each.offset for place, each in found.items()}


def _shown(places: list[TopicPartition]) -> str | None:
    topics: dict[str, list[str]] = {}
    for topic, partition in sorted(places):
        topics.setdefault(topic, []).append(str(partition))
    return " ".join(f"{topic}:{','.join(numbers)}" for topic, numbers in topics.items()) or None


async def _delete(admin: Admin, options: Namespace) -> int:
    for name in options.groups:
        await admin.delete_group(name)
    if options.json:
        print_json(options.groups)
    return OK


# --- offsets


async def _reset(admin: Admin, options: Namespace) -> int:
    stored = await admin.list_group_offsets(options.group)
    if options.topics:
        places = await places_named(admin, options.topics)
    else:
        places = await _there(admin, sorted(stored))
    if not places:
        raise ToolError(f"{options.group} has no offsets: name topics with --topic")
    new = await _new_offsets(admin, options, stored, places)
    if options.execute:
        if (await admin.describe_group(options.group)).members:
            raise ToolError(f"{options.group} has members: offsets can be set when they have left")
        await admin.alter_group_offsets(options.group, new)
    rows = [(*place, stored.get(place), offset) for place, offset in new.items()]
    if options.json:
        names = ("topic", "partition", "before", "after")
        table = [dict(zip(names, row, strict=True)) for row in rows]
        print_json({"group": options.group, "executed": options.execute, "offsets": table})
        return OK
    title = "after" if options.execute else "would be"
    print_table(("topic", "partition", "before", title), rows)
    return OK


async def _new_offsets(
    admin: Admin, options: Namespace, stored: Offsets, places: list[TopicPartition]
) -> dict[TopicPartition, int]:
    """What the options say, kept within each partition's log."""
    first = await _offsets_at(admin, places, EARLIEST)
    end = await _offsets_at(admin, places, LATEST)
    if options.to_earliest:
        return first
    if options.to_latest:
        return end
    time = _time_ms(options)
    if time is not None:
        found = await _offsets_at(admin, places, time)
        return {each: found[each] if found[each] >= 0 else end[each] for each in places}
    wanted = {}
    for place in places:
        if options.to_offset is not None:
            offset = options.to_offset
        elif place not in stored:
            if options.shift_by is not None:
                raise ToolError(f"{place.topic}-{place.partition}: no stored offset to shift")
            offset = end[place]
        else:
            offset = stored[place] + (options.shift_by or 0)
        wanted[place] = min(max(offset, first[place]), end[place])
    return wanted


def _time_ms(options: Namespace) -> int | None:
    if options.to_datetime is None:
        return None if options.to_timestamp is None else int(options.to_timestamp)
    try:
        time = datetime.fromisoformat(options.to_datetime)
    except ValueError as error:
        raise UsageError(f"--to-datetime: {error}") from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return int(time.timestamp() * 1000)


async def _delete_offsets(admin: Admin, options: Namespace) -> int:
    places = await places_named(admin, options.topics)
    await admin.delete_group_offsets(options.group, places)
    if options.json:
        print_json({"group": options.group, "deleted": [list(place) for place in places]})
    return OK


_ACTIONS: Final[dict[str, Action]] = {
    "list": _list,
    "describe": _describe,
    "delete": _delete,
    "reset-offsets": _reset,
    "delete-offsets": _delete_offsets,
}
