"""From a study file to an ordered list of tasks: each stage plans its own, ports join them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from benchside.core.errors import StudyError, listed
from benchside.core.stage import Files, From, Port, Stage, StageContext, Task
from benchside.study.file import StudyFile


@dataclass(frozen=True)
class Source:
    """One input of a task in its place: a file, or what another task makes."""

    role: str
    file: Path | None = None
    task: str | None = None


@dataclass(frozen=True)
class Node:
    """A task with its inputs settled."""

    task: Task
    sources: tuple[Source, ...]

    @property
    def reads_files_only(self) -> bool:
        """Whether the task can be tried before anything is written."""
        return all(source.file is not None for source in self.sources)


def order(study: StudyFile, stages: Mapping[str, Stage], exclusions: Sequence[Mapping[str, Any]] = ()) -> list[Node]:
    """Return the tasks of a study so that each comes after what it needs.

    Raises
    ------
    StudyError
        When a stage needs a quantity no stage of this study gives.
    """
    context = StageContext(study.root, frozenset(study.sections), study.study.seed, tuple(exclusions))
    tasks = {task.name: task for name, section in study.sections.items() for task in stages[name].plan(section, context)}
    givers: dict[str, list[str]] = {}
    for task in tasks.values():
        if task.gives is not None:
            givers.setdefault(task.gives, []).append(task.name)
    able = {exchange: [stage.name for stage in stages.values() if exchange in stage.gives] for exchange in ports(tasks.values())}
    nodes = {name: Node(task, tuple(_sources(task, givers, able))) for name, task in tasks.items()}
    sorter = TopologicalSorter({name: [one.task for one in node.sources if one.task is not None] for name, node in nodes.items()})
    return [nodes[name] for name in sorter.static_order()]


def ports(tasks: Iterable[Task]) -> set[str]:
    """Return the exchange types tasks ask for."""
    return {one.exchange for task in tasks for one in task.inputs if isinstance(one, Port)}


def _sources(task: Task, givers: Mapping[str, Sequence[str]], able: Mapping[str, Sequence[str]]) -> list[Source]:
    found: list[Source] = []
    for one in task.inputs:
        if isinstance(one, Files):
            found += [Source(one.role, file=path) for path in one.paths]
        elif isinstance(one, From):
            found += [Source(one.role, task=name) for name in one.tasks]
        else:
            found += [Source(one.role, task=name) for name in _givers(task, one, givers, able)]
    return found


def _givers(task: Task, port: Port, givers: Mapping[str, Sequence[str]], able: Mapping[str, Sequence[str]]) -> Sequence[str]:
    names = givers.get(port.exchange, [])
    if not names and not port.optional:
        sections = [f"[{name}]" for name in able[port.exchange]]
        remedy = f"Add the section {listed(sections)}." if sections else "No stage of benchside gives one yet."
        message = f"study.toml: {task.name} needs {port.exchange}, and no section of this study gives it. {remedy}"
        raise StudyError(message)
    return names
