"""The project's rules for the shape of code, as functions from a parsed module to its offences.

A rule looks at one `Module` and yields (line, sentence). Which rules apply to which folder, and who
is excused for what reason, stands in the tables of `test_tidy.py`.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70  # Without its docstring.
CLASS_METHODS_MAX = 25

Function = ast.FunctionDef | ast.AsyncFunctionDef
SHAPELESS_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base"}


class Offence(NamedTuple):
    line: int
    text: str


Rule = Callable[["Module"], Iterator[Offence]]


class Module:
    """One source file: its path in the project, its text, its tree, and what its names mean."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.source = source
        self.tree = ast.parse(source)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def imported(self) -> dict[str, str]:
        """Local name to the dotted name it was imported from, wherever in the file that is."""
        names: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for each in node.names:
                    top = each.name.partition(".")[0]
                    names[each.asname or top] = each.name if each.asname else top
            elif isinstance(node, ast.ImportFrom) and node.module:
                for each in node.names:
                    names[each.asname or each.name] = f"{node.module}.{each.name}"
        return names

    def dotted(self, node: ast.AST) -> str | None:
        """`time.monotonic` for a reference to it under whatever name it was imported."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else None
        return None

    def functions(self) -> Iterator[Function]:
        return (node for node in self.nodes if isinstance(node, Function))


def sizes(module: Module) -> Iterator[Offence]:
    """Files, functions and classes that nobody can hold in their head."""
    lines = module.source.count("\n")
    if lines > FILE_LINES_MAX:
        yield Offence(1, f"{lines} lines in a file, at most {FILE_LINES_MAX}")
    for node in module.nodes:
        if isinstance(node, Function):
            lines = _lines_of(node)
            if lines > FUNCTION_LINES_MAX:
                yield Offence(node.lineno, f"{node.name} has {lines} lines, {FUNCTION_LINES_MAX=}")
        elif isinstance(node, ast.ClassDef):
            methods = sum(isinstance(child, Function) for child in node.body)
            if methods > CLASS_METHODS_MAX:
                what = f"{node.name} has {methods} methods, {CLASS_METHODS_MAX=}"
                yield Offence(node.lineno, what)


def _lines_of(function: Function) -> int:
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


def docstring(module: Module) -> Iterator[Offence]:
    """Every room and every file says what it is for. An empty file needs no words."""
    if module.source.strip() and not ast.get_docstring(module.tree):
        yield Offence(1, "no module docstring")


def names(module: Module) -> Iterator[Offence]:
    """A module called utils takes in whatever nobody found a place for."""
    for part in PurePosixPath(module.path).with_suffix("").parts:
        words = part.strip("_").split("_")
        if words[-1] in SHAPELESS_NAMES:
            yield Offence(1, f"a file or folder named {part} says nothing about what is in it")


def repeatable(module: Module) -> Iterator[Offence]:
    """Time, randomness and identity come from the runtime, or a seeded run cannot be replayed."""
    clocks = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
    banned = {f"time.{clock}{unit}" for clock in clocks for unit in ("", "_ns")}
    banned |= {"time.sleep", "uuid.uuid1", "uuid.uuid4", "uuid.getnode"}
    banned |= {"os.urandom", "os.getrandom", "datetime.date.today"}
    banned |= {f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")}
    for node in module.nodes:
        name = module.dotted(node)
        if name is None:
            continue
        if name in banned or name.startswith("secrets."):
            yield Offence(_line(node), f"{name} makes a run unrepeatable")
        elif name.startswith("random.") and name != "random.Random":
            yield Offence(_line(node), f"{name} is not the random.Random that was handed in")


def supervised(module: Module) -> Iterator[Offence]:
    """Tasks belong to a Scope, threads to the runtime; a bare task fails unheard."""
    threads = {
        "asyncio.to_thread",
        "threading.Thread",
        "threading.Timer",
        "_thread.start_new_thread",
    }
    for node in module.nodes:
        name = module.dotted(node) or ""
        if name in {"asyncio.create_task", "asyncio.ensure_future", "asyncio.TaskGroup"}:
            yield Offence(_line(node), f"{name}: tasks are spawned in a runtime.tasks.Scope")
        elif name in threads or name.startswith("concurrent.futures."):
            yield Offence(_line(node), f"{name}: threads live in the runtime only")
        elif isinstance(node, ast.Attribute) and node.attr in {"create_task", "run_in_executor"}:
            yield Offence(_line(node), f".{node.attr}: tasks and threads live in the runtime")


def waiting(module: Module) -> Iterator[Offence]:
    """`asyncio.timeout` instead of `wait_for`; no polling by sleep(0); no work in finalizers."""
    for node in module.nodes:
        if module.dotted(node) == "asyncio.wait_for":
            yield Offence(_line(node), "asyncio.wait_for: use asyncio.timeout")
        elif isinstance(node, ast.Call) and module.dotted(node.func) == "asyncio.sleep":
            if [ast.unparse(argument) for argument in node.args] in (["0"], ["0.0"]):
                yield Offence(node.lineno, "asyncio.sleep(0) polls: wait for a future or an event")
        elif isinstance(node, Function) and node.name == "__del__":
            yield Offence(node.lineno, "__del__ runs when it pleases: close explicitly")


def exceptions(module: Module) -> Iterator[Offence]:
    """Only supervision catches what it does not know; catching to raise again is no catching."""
    for node in module.nodes:
        if isinstance(node, ast.ExceptHandler) and not _raises_again(node):
            caught = _exception_names(node.type)
            for name in caught & {"everything", "Exception", "BaseException"}:
                yield Offence(
                    node.lineno, f"an except clause for {name} hides what nobody expected"
                )
        elif isinstance(node, ast.Call) and module.dotted(node.func) == "contextlib.suppress":
            for argument in node.args:
                if _exception_names(argument) & {"Exception", "BaseException"}:
                    yield Offence(node.lineno, "suppress() hides what nobody expected")


def _exception_names(node: ast.expr | None) -> set[str]:
    if node is None:
        return {"everything"}
    if isinstance(node, ast.Tuple):
        return set().union(*map(_exception_names, node.elts))
    return {node.id} if isinstance(node, ast.Name) else set()


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def imports(module: Module) -> Iterator[Offence]:
    """Imports stand at the top, where they are seen; a lazy one is a decision with a reason."""
    for function in module.functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield Offence(node.lineno, f"{ast.unparse(node)} inside {function.name}")
    for node in module.nodes:
        if isinstance(node, ast.Call):
            if module.dotted(node.func) == "importlib.import_module":
                yield Offence(node.lineno, "importlib.import_module loads behind the reader's back")
            elif isinstance(node.func, ast.Name) and node.func.id == "__import__":
                yield Offence(node.lineno, "__import__ loads behind the reader's back")


def module_state(module: Module) -> Iterator[Offence]:
    """Several brokers share an interpreter: nothing that changes lives at module level.

    A container that begins empty is there to be filled, whatever its name, unless its type says
    that nobody may (`Mapping`); a table is not empty.
    """
    makers = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "OrderedDict", "Counter"}
    for statement in module.tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            value = statement.value
            empty = isinstance(value, ast.List | ast.Dict | ast.Set) and not ast.unparse(
                value
            ).strip("[]{}")
            made = (
                isinstance(value, ast.Call)
                and ast.unparse(value.func).rpartition(".")[2].partition("[")[0] in makers
                and not (value.args and isinstance(value.args[0], ast.List | ast.Dict))
            )
            annotation = getattr(statement, "annotation", None)
            read_only = annotation is not None and "Mapping[" in ast.unparse(annotation)
            if (empty or made) and not read_only:
                yield Offence(statement.lineno, f"module state: {ast.unparse(statement)[:60]}")
    for node in module.nodes:
        if isinstance(node, ast.Global):
            yield Offence(node.lineno, f"global {', '.join(node.names)}")


def honest_tests(module: Module) -> Iterator[Offence]:
    """Unit tests use the real thing and wait for conditions, never for the clock alone."""
    loops = [node for node in module.nodes if isinstance(node, ast.While)]
    polled = {inner for loop in loops for inner in ast.walk(loop)}
    for node in module.nodes:
        name = module.dotted(node) or ""
        if name.startswith("unittest.mock"):
            yield Offence(_line(node), "a mock proves nothing about our code")
        elif name == "time.sleep":
            yield Offence(_line(node), "time.sleep: wait for what is to happen, not for a while")
        elif _sleeps_a_while(module, node) and node not in polled:
            yield Offence(_line(node), "asyncio.sleep: wait for what is to happen, in a loop")


def _sleeps_a_while(module: Module, node: ast.AST) -> bool:
    """Whether this calls asyncio.sleep with more than 0, which is but a turn of the loop."""
    return (
        isinstance(node, ast.Call)
        and module.dotted(node.func) == "asyncio.sleep"
        and ast.unparse(node.args[0]) != "0"
    )


# Folders of the workshop this was made in; put together here so that this file does not match.
_PRIVATE = re.compile("|".join((r"\." + r"library\b", r"(?<![\w.~-])/" + r"work/")))


def private_names(text: str) -> Iterator[Offence]:
    """For any text, not only Python: places that exist on no reader's machine."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _PRIVATE.search(line):
            yield Offence(number, f"mentions {found[0]}")


def _line(node: ast.AST) -> int:
    line = getattr(node, "lineno", 0)
    assert isinstance(line, int)
    return line
