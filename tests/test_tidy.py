"""The shape of the code is checked like any other property; a rule that cannot fail is no rule."""

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
import tidy_rules as rules
from tidy_rules import Module, Rule

ROOT = Path(__file__).parents[1]
NOT_OURS = {".git", ".venv", "data", "dist", "build", "results", "__pycache__"}

EVERYWHERE: tuple[Rule, ...] = (rules.sizes, rules.names)
PRODUCT: tuple[Rule, ...] = (
    *EVERYWHERE,
    rules.docstring,
    rules.repeatable,
    rules.supervised,
    rules.waiting,
    rules.exceptions,
    rules.imports,
    rules.module_state,
)
# The first pattern that matches a file's path decides.
RULES: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    ("minikafka/*", PRODUCT),
    ("clients/*", PRODUCT),
    ("bench/*", (*EVERYWHERE, rules.docstring, rules.exceptions)),
    ("tests/unit/*/test_*.py", (*EVERYWHERE, rules.honest_tests)),
    ("tests/property/test_*.py", (*EVERYWHERE, rules.honest_tests)),
    ("tests/scenarios/test_*.py", (*EVERYWHERE, rules.honest_tests)),
    ("*", EVERYWHERE),
)

# (file pattern, rule, a part of what is said, why it is right there)
_SUPERVISION = "the connection is what supervises its requests: it answers or closes, and logs"
_PARKED = "the purgatory supervises the requests parked in it: one that fails is told so"
_COMPILED = "what is compiled of a class, once: never changes and belongs to no broker"
_BY_NAME = "message modules load when first used: the start-up budget"
_OPTIONAL = "an optional or costly package, loaded when first needed: the start-up budget"
_PERIODIC = "supervision: one failure must not end the periodic work for ever"
_OFTEN_ALONE = "what speaks to other nodes loads when there is one"
EXCUSED: tuple[tuple[str, Rule, str, str], ...] = (
    ("minikafka/runtime/*", rules.repeatable, "", "where time and randomness enter the program"),
    ("minikafka/runtime/*", rules.supervised, "", "the scopes and executors themselves"),
    ("minikafka/runtime/clock.py", rules.waiting, "sleep(0)", "after a jump the loop settles"),
    ("minikafka/runtime/local_disk.py", rules.imports, "ThreadPoolExecutor", _OPTIONAL),
    ("minikafka/api/dispatch.py", rules.exceptions, "Exception", _SUPERVISION),
    ("minikafka/api/context.py", rules.imports, "import_module", "as handlers do"),
    ("minikafka/api/dispatch.py", rules.imports, "import_module", "handlers load when asked for"),
    ("minikafka/api/dispatch.py", rules.module_state, "_registered", _COMPILED),
    ("minikafka/network/connection.py", rules.exceptions, "Exception", _SUPERVISION),
    ("minikafka/replication/purgatory.py", rules.exceptions, "Exception", _PARKED),
    ("minikafka/replication/cleaning.py", rules.exceptions, "Exception", _PERIODIC),
    ("minikafka/replication/maintenance.py", rules.exceptions, "Exception", _PERIODIC),
    ("minikafka/cli/main.py", rules.imports, "import_module", "a tool loads when it is called"),
    ("minikafka/sim/*", rules.supervised, "", "it is the loop itself"),
    ("minikafka/sim/__main__.py", rules.repeatable, "perf_counter", "how fast seeds really run"),
    ("minikafka/sim/*", rules.exceptions, "Exception", "the loop outlives what runs on it"),
    ("minikafka/broker/main.py", rules.imports, "TemporaryDirectory", _OPTIONAL),
    ("minikafka/broker/process.py", rules.imports, "uvloop", _OPTIONAL),
    ("minikafka/broker/process.py", rules.supervised, ".create_task", "the start itself: awaited"),
    ("minikafka/broker/broker.py", rules.imports, "import_module", _OFTEN_ALONE),
    ("minikafka/broker/controller.py", rules.imports, "import_module", "as handlers do"),
    ("minikafka/broker/controller_gateway.py", rules.imports, "import_module", _OFTEN_ALONE),
    ("minikafka/broker/quorum_driver.py", rules.imports, "import_module", _OFTEN_ALONE),
    ("minikafka/replication/cleaning.py", rules.imports, "import_module", "once there is work"),
    ("minikafka/replication/following.py", rules.imports, "import_module", _OFTEN_ALONE),
    ("minikafka/controller/controller.py", rules.imports, "import_module", "as handlers do"),
    ("minikafka/controller/administration.py", rules.imports, "import_module", "as handlers do"),
    ("minikafka/protocol/apis.py", rules.imports, "import_module", _BY_NAME),
    ("minikafka/protocol/catalogue.py", rules.imports, "import_module", _BY_NAME),
    ("minikafka/protocol/*_records.py", rules.imports, "import_module", _BY_NAME),
    ("minikafka/protocol/codec.py", rules.module_state, "", _COMPILED),
    ("minikafka/protocol/schema.py", rules.module_state, "_fields", _COMPILED),
    ("minikafka/protocol/source.py", rules.module_state, "_structs", _COMPILED),
    ("minikafka/records/compression.py", rules.imports, "", _OPTIONAL),
    ("minikafka/records/crc.py", rules.imports, "crc32c", _OPTIONAL),
    ("minikafka/settings/broker.py", rules.imports, "difflib", _OPTIONAL),
)


def source_files() -> list[str]:
    return [name for name in text_files() if name.endswith(".py")]


def text_files() -> list[str]:
    found = []
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part != ".ci" for part in parts[:-1])
        if path.is_file() and not hidden and not NOT_OURS.intersection(parts):
            found.append("/".join(parts))
    return found


def rules_for(path: str) -> tuple[Rule, ...]:
    return next(applied for pattern, applied in RULES if fnmatch(path, pattern))


def offences(module: Module) -> Iterator[str]:
    for rule in rules_for(module.path):
        for line, text in rule(module):
            if not any(
                rule is excused_rule and fnmatch(module.path, pattern) and part in text
                for pattern, excused_rule, part, _reason in EXCUSED
            ):
                yield f"{module.path}:{line}: {text}"


@pytest.mark.parametrize("path", source_files())
def test_the_code_keeps_its_rules(path: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert list(offences(Module(path, source))) == []


def test_nothing_names_a_private_place() -> None:
    found = []
    for name in text_files():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            text = content.decode(errors="replace")
            found += [f"{name}:{line}: {what}" for line, what in rules.private_names(text)]
    assert found == []


def test_every_excuse_is_still_needed() -> None:
    """An excuse for something that is no longer there would cover the next mistake."""
    for pattern, rule, part, reason in EXCUSED:
        assert reason
        needed = any(
            part in text
            for path in source_files()
            if fnmatch(path, pattern)
            for _, text in rule(Module(path, (ROOT / path).read_text(encoding="utf-8")))
        )
        assert needed, f"{pattern} no longer needs to be excused from {rule.__name__} {part}"


PLANTED = {
    "a file of 601 lines": "'''doc'''\n" + "\n" * 600,
    "a function of 71 lines": "'''doc'''\ndef f():\n" + "    pass\n" * 70,
    "a class of 26 methods": "'''doc'''\nclass C:\n" + "    def f(self): pass\n" * 26,
    "no docstring": "x = 1\n",
    "wall time": "'''doc'''\nimport time\nx = time.time()\n",
    "monotonic time under another name": "'''doc'''\nfrom time import monotonic as m\nx = m()\n",
    "a clock handed on, not called": "'''doc'''\nimport time as t\nclock = t.perf_counter\n",
    "the date": "'''doc'''\nfrom datetime import datetime\nx = datetime.now()\n",
    "module random": "'''doc'''\nimport random\nx = random.choice([1])\n",
    "a random uuid": "'''doc'''\nimport uuid\nx = uuid.uuid4()\n",
    "bytes of the system": "'''doc'''\nimport os\nx = os.urandom(4)\n",
    "a secret": "'''doc'''\nfrom secrets import token_hex\nx = token_hex()\n",
    "a bare task": "'''doc'''\nimport asyncio\nx = asyncio.create_task(f())\n",
    "a task of the loop": "'''doc'''\ndef f(loop):\n    loop.create_task(g())\n",
    "a thread": "'''doc'''\nimport threading\nthreading.Thread(target=f)\n",
    "wait_for": "'''doc'''\nimport asyncio\nx = asyncio.wait_for\n",
    "sleep(0)": "'''doc'''\nfrom asyncio import sleep\nasync def f(): await sleep(0)\n",
    "a finalizer": "'''doc'''\nclass C:\n    def __del__(self): pass\n",
    "a bare except": "'''doc'''\ntry:\n    f()\nexcept:\n    pass\n",
    "except Exception": "'''doc'''\ntry:\n    f()\nexcept (OSError, Exception):\n    pass\n",
    "suppress(Exception)": "'''doc'''\nimport contextlib as c\nx = c.suppress(Exception)\n",
    "a hidden import": "'''doc'''\ndef f():\n    import json\n",
    "a hidden load": "'''doc'''\nimport importlib\nx = importlib.import_module('json')\n",
    "a registry": "'''doc'''\nhandlers: dict[str, int] = {}\n",
    "a queue": "'''doc'''\nimport collections\nQUEUE = collections.deque()\n",
    "a global": "'''doc'''\ndef f():\n    global x\n    x = 1\n",
}
INNOCENT = """'''doc'''
import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress

TABLE = {"a": 1}
NAMES = frozenset({"a"})
NOTHING: Mapping[str, str] = {}


class C:
    async def f(self, source: random.Random, now_ms: int) -> float:
        '''Docstrings may be long.'''
        async with asyncio.timeout(1):
            try:
                await self.wait(asyncio.get_running_loop().time())
            except BaseException:
                self.close()
                raise
            with suppress(OSError):
                return source.random()
"""


@pytest.mark.parametrize("what", PLANTED)
def test_the_rules_find_what_was_planted(what: str) -> None:
    assert list(offences(Module("minikafka/api/planted.py", PLANTED[what]))) != []


def test_shapeless_names_are_found() -> None:
    for path in ("minikafka/api/utils.py", "bench/base.py", "minikafka/log_helpers/index.py"):
        assert list(offences(Module(path, "'''doc'''\n"))) != []


def test_mocks_and_sleeps_in_unit_tests_are_found() -> None:
    for line in ("from unittest.mock import Mock\nMock()", "import time\ntime.sleep(1)"):
        assert list(offences(Module("tests/unit/log/test_x.py", line))) != []


def test_private_places_are_found() -> None:
    for text in ("see /wo" + "rk/x", "in ../.lib" + "rary"):
        assert list(rules.private_names(text)) != []
    assert list(rules.private_names("a framework/ and net/work/ and standard.libraries")) == []


def test_code_that_keeps_the_rules_passes() -> None:
    assert list(offences(Module("minikafka/api/innocent.py", INNOCENT))) == []
