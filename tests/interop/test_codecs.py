"""Every codec in both directions: each client produces with it, every other client reads it."""

import pytest
from harness.broker import RunningBroker
from harness.clients import CODECS, PYTHON_CLIENTS, Client, Keyed, by_partition
from harness.java import JavaConsole
from harness.kcat import Kcat
from harness.segments import stored_codecs

CLIENTS: tuple[Client, ...] = (Kcat(), *PYTHON_CLIENTS, JavaConsole())


def records_of(client: Client, codec: str) -> list[Keyed]:
    """Text that compresses, sizes from nothing to 20 kB, who sent it and how."""
    return [
        Keyed(f"{client.name}-{n % 7}".encode(), f"{codec} {n} ".encode() * (n * n % 1000))
        for n in range(120)
    ]


@pytest.fixture(scope="module", params=CODECS)
def codec(request: pytest.FixtureRequest, broker: RunningBroker) -> str:
    """A codec whose topic holds, one after the other, what every client produced with it."""
    codec = str(request.param)
    with broker.connect() as wire:
        wire.create_topic(f"codec-{codec}")
    for client in CLIENTS:
        records = records_of(client, codec)
        client.produce(broker.bootstrap, f"codec-{codec}", records, codec)
    return codec


def test_batches_are_stored_as_they_were_compressed(broker: RunningBroker, codec: str) -> None:
    stored = stored_codecs(broker.log_dir, f"codec-{codec}")
    # librdkafka sends a batch plain when compressing made it larger.
    assert stored - {"none"} == {codec} - {"none"}


@pytest.mark.parametrize("reader", CLIENTS, ids=lambda client: client.name)
def test_every_client_reads_what_all_wrote(
    broker: RunningBroker, codec: str, reader: Client
) -> None:
    read = by_partition(reader.read(broker.bootstrap, f"codec-{codec}"))[0]
    expected = [record for client in CLIENTS for record in records_of(client, codec)]
    assert read == expected
