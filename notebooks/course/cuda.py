"""Kernels that a student has written, run on the processor: their numbers, their accesses, their races."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course.checking import WORKED, Wrong, expect, expect_close
from course.figures import show
from kernels.cuda import on_host
from kernels.cuda.launch import launch
from kernels.cuda.watchers.traffic import Moved, Touch, last_launch, last_touches
from minieqt.plots import BLACK, BLUE, VERMILION, new_figure

Array = Any

GUARD = 256  # numbers before and behind each array that nobody may touch
UNTOUCHED = -(2.0**100)  # what they are around y; around the inputs they are NaN
SIZE = 4  # bytes of a float
FILE = "kernel.cu"
PLACE = re.compile(rf"{FILE}:(\d+)")
RACE = re.compile(r"a race in (.+), number (\d+): thread (\d+) of block (\d+) .*thread (\d+) of block (\d+) ")


class Task(NamedTuple):
    """A launch that an exercise asks for: the kernel's input arrays, its output y as it should be, then its numbers."""

    kernel: str
    inputs: dict[str, Array]
    right: Array
    numbers: tuple[float, ...] = ()
    blocks: int = 1
    threads: int = 32


class Launched(NamedTuple):
    """What a kernel did: what each line moved, every access in its order, and what was said of a race."""

    task: Task
    lines: list[str]
    moved: list[Moved]
    touches: list[Touch]
    race: str = ""

    @property
    def names(self) -> list[str]:
        """Of the memories, by their number."""
        return ["shared memory", *self.task.inputs, "y"]

    def reads(self, name: str) -> int:
        """How many numbers of one memory were read, by all threads together."""
        number = self.names.index(name)
        return sum(touch.bytes // SIZE for touch in self.touches if touch.memory == number and not touch.writes)

    def most_reads(self, name: str) -> int:
        """How many numbers of one memory the thread that reads most of them has read."""
        number = self.names.index(name)
        reads = [touch for touch in self.touches if touch.memory == number and not touch.writes]
        return max(Counter((touch.block, touch.thread) for touch in reads).values(), default=0)

    def sectors(self) -> tuple[int, int]:
        """Sectors of device memory that were moved, and how many the same numbers take side by side."""
        device = [moved for moved in self.moved if not moved.shared]
        return sum(moved.units for moved in device), sum(moved.least for moved in device)

    def show(self, whose: str) -> None:
        """What each line moved, and a picture of which thread touches what. A worked answer's code is not shown."""
        for moved in sorted(self.moved, key=lambda moved: (line_number(moved.line), moved.writes, moved.shared)):
            what = f"{'writes' if moved.writes else 'reads'} {'shared' if moved.shared else 'device'} memory"
            unit = "passes" if moved.shared else "sectors"
            number = line_number(moved.line)
            cost = f"{moved.requests:3} requests, {moved.units:3} {unit}, at best {moved.least:3}"
            code = "" if whose == WORKED else self.lines[number - 1].strip()
            print(f"line {number:2} {what:20} {cost:38}  {code}".rstrip())
        show(plot_touches(self, whose))


def line_number(place: str) -> int:
    """kernel.cu:5 -> 5."""
    return int(place.split(":")[1])


def launched(text: str, task: Task) -> Launched:
    """Run a kernel, watched. Wrong if it does not compile, writes outside of y, races, or gives other numbers."""
    expect(on_host.available(), f"this machine has no {on_host.COMPILER}, which compiles the kernels")
    lines = text.splitlines()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_text(text, encoding="utf-8")
        seen: list[Launched] = []

        def keep(_: str, kernel: str, library: Any) -> None:
            seen.append(Launched(task, lines, last_launch(kernel, library).moved, last_touches(library)))

        with on_host.watched("traffic", keep):
            y = run(path, task, lines)
        evidence = seen[0]
        wrong = trouble(y, task)
        try:
            with on_host.watched("races"):
                run(path, task, lines)
        except Wrong as race:
            luck = (
                ""
                if wrong
                else ". The numbers are right all the same, thanks to the order in which the threads ran here"
            )
            raise Wrong(f"{race}{luck}", evidence._replace(race=str(race))) from None
    expect(not wrong, wrong, evidence)
    return evidence


def run(path: Path, task: Task, lines: list[str]) -> Array:
    """One launch on fresh memory: y with its guards. Wrong if it fails."""
    buffers = [np.full(2 * GUARD + array.size, np.nan, np.float32) for array in (*task.inputs.values(), task.right)]
    buffers[-1][:GUARD] = buffers[-1][-GUARD:] = UNTOUCHED
    arrays = [buffer[GUARD:-GUARD] for buffer in buffers]
    for array, values in zip(arrays, task.inputs.values(), strict=False):
        array[:] = values
    try:
        launch(str(path), task.kernel, task.blocks, task.threads, (*arrays, *task.numbers))
    except AttributeError:
        raise Wrong(f"there is no kernel called {task.kernel}") from None
    except TypeError as error:
        raise Wrong(f"the kernel's parameters are others: {str(error).split(' takes ')[-1]}") from None
    except RuntimeError as error:
        raise Wrong(explained(str(error), task, lines)) from None
    return buffers[-1]


def explained(message: str, task: Task, lines: list[str]) -> str:
    """What the compiler or a watcher said, in terms of the student's own lines and arrays."""
    if "does not compile" in message:
        error = re.search(rf"{FILE}:(\d+):\d+: error: (.*)", message)
        return f"it does not compile, {quoted(error[1], lines)}: {error[2]}" if error else message
    message = message.split(": ", 1)[1]
    message = re.sub(r"byte (\d+)", lambda byte: f"number {int(byte[1]) // SIZE}", message)
    names = [*task.inputs, "y"]
    message = re.sub(r"array (\d+)", lambda array: names[int(array[1]) - 1], message)
    return PLACE.sub(lambda place: quoted(place[1], lines), message)


def quoted(number: str, lines: list[str]) -> str:
    """A line's number and its text."""
    return f"line {number} `{lines[int(number) - 1].strip()}`"


def trouble(buffer: Array, task: Task) -> str:
    """What is wrong with y, which lies between its guards; "" if nothing is."""
    places = np.arange(len(buffer)) - GUARD
    y, inside = buffer[GUARD:-GUARD], (places >= 0) & (places < task.right.size)
    outside = places[~inside & (buffer != np.float32(UNTOUCHED))]
    if outside.size:
        return f"a thread wrote y[{outside[0]}], and y has {task.right.size} numbers: which threads may write?"
    missing = np.flatnonzero(np.isnan(y))
    if missing.size:
        return f"y[{missing[0]}] is not a number: was it not written, or was something read that nobody had written?"
    try:
        expect_close(y, task.right, "y", rtol=1e-4, atol=1e-5)
    except Wrong as reason:
        return str(reason)
    return ""


def raced(launch: Launched, name: str) -> list[tuple[int, int]]:
    """(number, thread) of both sides of a race in one memory, if there was one."""
    found = RACE.search(launch.race)
    if not found or found[1] != name:
        return []
    number, *threads = map(int, found.groups()[1:])
    return [(number, block * launch.task.threads + thread) for thread, block in (threads[:2], threads[2:])]


def plot_touches(launch: Launched, whose: str) -> Any:
    """Which thread touches what: a panel for each memory, a row for each thread, a column for each number."""
    task = launch.task
    used = [n for n in (*range(1, len(launch.names)), 0) if any(touch.memory == n for touch in launch.touches)]
    used.sort(key=lambda n: (n == len(launch.names) - 1, n == 0))  # inputs, shared memory, y
    count, labels = task.blocks * task.threads, {}
    figure = new_figure(figsize=(9, 2.2 + 0.016 * count))
    for axes, n in zip(figure.subplots(1, len(used), sharey=True, squeeze=False)[0], used, strict=True):
        mine = [touch for touch in launch.touches if touch.memory == n]
        for writes, marker, colour in ((False, "o", BLUE), (True, "s", VERMILION)):
            places = [
                (place, touch.block * task.threads + touch.thread)
                for touch in mine
                if touch.writes == writes
                for place in range(touch.offset // SIZE, (touch.offset + touch.bytes) // SIZE)
            ]
            style = {"markersize": 2.5 if writes else 4, "color": colour, "markeredgewidth": 0.6}
            if places:
                name, fill = ("write", colour) if writes else ("read", "none")
                labels[name] = axes.plot(*np.transpose(places), marker, markerfacecolor=fill, **style)[0]
        for place, thread in raced(launch, launch.names[n]):
            style = {"markersize": 13, "markeredgewidth": 1.5, "markerfacecolor": "none", "color": BLACK}
            labels["race"] = axes.plot(place, thread, "o", clip_on=False, **style)[0]
        for block in range(1, task.blocks):
            axes.axhline(block * task.threads - 0.5, color="grey", linewidth=0.6)
        axes.set(title=launch.names[n], xlabel="number", ylim=(count - 0.5, -0.5))
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.axes[0].set_ylabel("thread, block after block")
    figure.legend(labels.values(), labels, loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    figure.suptitle(f"{task.kernel}, {whose}: which thread touches what")
    return figure
