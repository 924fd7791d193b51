"""CRC-32C, and what its import does not cost."""

import subprocess
import sys

from minikafka.records.crc import crc32c, load_extension, load_package

CHECK = b"123456789"


def test_it_is_castagnoli() -> None:
    assert crc32c(CHECK) == 0xE3069283


def test_it_continues_and_takes_any_buffer() -> None:
    view = memoryview(bytearray(b"--" + CHECK))[2:]
    assert crc32c(view[4:], crc32c(view[:4])) == 0xE3069283


def test_extension_and_package_agree() -> None:
    extension = load_extension()
    assert extension is not None, "the package has moved its extension: imports are slow again"
    assert extension(CHECK) == load_package()(CHECK)


def test_the_import_does_not_read_package_metadata() -> None:
    code = (
        "import sys, minikafka.records.validation\n"
        "slow = {'importlib.metadata', 'crc32c', 'cramjam', 'lz4', 'asyncio'}\n"
        "sys.exit(str(slow & set(sys.modules)) if slow & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
