"""Speed and memory of cardiac_transforms.mri beside TorchIO 1, the pre-release of TorchIO 2, and MONAI.

    python scripts/benchmark_transforms.py [--environments DIR] [--output docs/benchmark-transforms.md]

TorchIO is no dependency: both releases are installed into DIR (by default a temporary folder) and run in processes of their
own. Takes about ten minutes.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import monai
import numpy as np
import torch
from benchmark_memory import LIMIT
from benchmark_memory import table as memory_table
from monai.data import MetaTensor
from rival import RivalError
from torchio_rival import TorchIO
from tqdm import tqdm
from transform_rows import CUBE, SPACING, STACK, Row, Size, rows

SIZES: tuple[Size, ...] = ((256, 256, 1), STACK, CUBE)
RELEASES = {"TorchIO 1.2.1": "torchio", "TorchIO 2.0.0a2": "alpha"}
"""Release and the attribute of a row that says what to call."""
RIVALS = (*RELEASES, "MONAI")
WARM_UPS, ROUNDS = 1, 9
Times = dict[str, Any]
"""Milliseconds of ``kernel``, ``transform``, ``floor`` and each rival with the effect, or text that says why there are none."""


def processor_time(call: Callable[[], object]) -> float:
    """Seconds of processor time, all threads together, of one call."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def measure(row: Row, image: MetaTensor, releases: dict[str, TorchIO | str], rounds: int = ROUNDS) -> Times:
    """Median times of one row; in every round each contestant is called once, in turn."""
    plain = image.as_tensor()
    row.transform.set_random_state(0)
    calls: dict[str, Callable[[], float]] = {
        "kernel": lambda: processor_time(lambda: row.kernel(plain)),
        "transform": lambda: processor_time(lambda: row.transform(image)),
    }
    if row.floor is not None:
        least = row.floor[1]
        calls["floor"] = lambda: processor_time(lambda: least(plain))
    if (rival := row.monai) is not None:
        calls["MONAI"] = lambda: processor_time(lambda: rival(image))
    result: Times = {}
    single: dict[str, Callable[[], float]] = {}
    for release, process in releases.items():
        asked = getattr(row, RELEASES[release])
        if asked is None:
            continue
        if isinstance(process, str):
            result[release] = process
        else:
            (single if row.once else calls)[release] = partial(process.seconds, *asked)
    times: dict[str, list[float]] = {name: [] for name in (*calls, *single)}
    for turn in range(WARM_UPS + rounds):
        for name, call in ({**calls, **single} if turn == WARM_UPS else calls).items():
            try:
                if name in calls:
                    call()  # so that nobody pays for the caches that the one before has left
                seconds = call()
            except RivalError as error:
                result[name] = str(error)
                continue
            if turn >= WARM_UPS:
                times[name].append(seconds)
    return result | {name: 1e3 * statistics.median(values) for name, values in times.items() if values}


def name_of(size: Size) -> str:
    """``256x256x12``."""
    return "x".join(str(n) for n in size)


def number(value: float, digits: int = 3) -> str:
    """So many significant digits, no exponent."""
    return f"{float(f'{value:.{digits}g}'):g}" if value < 1e5 else f"{value:.0f}"


def ratio(times: Times, rival: str, ours: str) -> float | None:
    """Rival's time over ours; ``None`` where there is none."""
    theirs, own = times.get(rival), times[ours]
    return theirs / own if isinstance(theirs, float) and isinstance(own, float) else None


def times_table(found: dict[str, Times]) -> str:
    """Markdown: milliseconds and, beside each rival, how many times longer it takes than our kernel / our transform."""
    lines = [
        f"| effect | kernel | transform | {' | '.join(RIVALS)} |",
        f"|---|---|---|{'---|' * len(RIVALS)}",
    ]
    for effect, times in found.items():
        cells = [number(times["kernel"]), number(times["transform"])]
        for rival in RIVALS:
            time_taken = times.get(rival, "")
            if isinstance(time_taken, float):
                factors = " / ".join(number(ratio(times, rival, ours) or 0, 2) for ours in ("kernel", "transform"))
                cells.append(f"{number(time_taken)} ({factors})")
            else:
                cells.append(time_taken)
        lines.append(f"| {effect} | {' | '.join(cells)} |")
    return "\n".join(lines)


def bars_table(entries: list[tuple[Row, Size, Times]]) -> str:
    """Markdown: each bar with what was reached."""
    lines = ["| effect | size | against | kernel | bar | transform | bar | |", "|---|---|---|---|---|---|---|---|"]
    for row, size, times in entries:
        for (rival, where), bars in row.bars.items():
            if where != size:
                continue
            cells, missed, measured = [], [], True
            for ours, bar in zip(("kernel", "transform"), bars, strict=True):
                reached = ratio(times, rival, ours)
                measured = measured and reached is not None
                cells += [number(reached, 2) if reached else "", number(bar) if bar else ""]
                if bar and reached and reached < bar:
                    missed.append(ours)
            verdict = "not measured" if not measured else f"**missed** ({', '.join(missed)})" if missed else "met"
            lines.append(f"| {row.effect} | {name_of(size)} | {rival} | {' | '.join(cells)} | {verdict} |")
    return "\n".join(lines)


def floors_table(entries: list[tuple[Row, Size, Times]]) -> str:
    """Markdown: what cannot be saved, its time, and the ratio over the stable rival that it would allow."""
    lines = [
        "| effect | size | what cannot be saved | floor | kernel | ratio at the floor |",
        "|---|---|---|---|---|---|",
    ]
    for row, size, times in entries:
        for rival, where in row.bars:
            if row.floor is not None and where == size:
                best = ratio(times, rival, "floor")
                cells = [row.floor[0], number(times["floor"]), number(times["kernel"]), number(best, 2) if best else ""]
                lines.append(f"| {row.effect} | {name_of(size)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def processor() -> str:
    """Name of the processor."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


def page(sizes: tuple[Size, ...], releases: dict[str, TorchIO | str], rounds: int = ROUNDS) -> str:
    """Measure all and write the page, without the section on memory."""
    torch.set_num_threads(1)
    work = [(size, row) for size in sizes for row in rows(size)]
    entries: list[tuple[Row, Size, Times]] = []
    at = None
    for size, row in tqdm(work, "effects"):
        if size != at:
            at = size
            affine = np.diag([*SPACING, 1.0])
            image = MetaTensor(example(size), affine=torch.from_numpy(affine))
            for process in releases.values():
                if isinstance(process, TorchIO):
                    process.take(image.numpy(), affine)
        entries.append((row, size, measure(row, image, releases, rounds)))
    sections = []
    for size in sizes:
        found = {row.effect: times for row, at, times in entries if at == size}
        sections.append(f"### {name_of(size)}\n\n{times_table(found)}\n")
    versions = f"torch {torch.__version__}, MONAI {monai.__version__}, {', '.join(RELEASES)}"
    return INTRODUCTION.format(
        processor=processor(),
        versions=versions,
        rounds=rounds,
        bars=bars_table(entries),
        floors=floors_table(entries),
        times="\n".join(sections),
    )


def example(size: Size) -> torch.Tensor:
    """A bright textured ellipsoid on a dim ground, float32 ``(1, X, Y, Z)``, all positive."""
    axes = torch.meshgrid(*(torch.linspace(-1, 1, n) if n > 1 else torch.zeros(1) for n in size), indexing="ij")
    radius = sum(a.square() for a in axes)
    texture = torch.rand(size, generator=torch.Generator().manual_seed(0))
    return (radius < 0.6).float()[None] * (0.6 + 0.4 * texture) + 0.05


INTRODUCTION = """# Speed and memory of the MR transforms

Made by `python scripts/benchmark_transforms.py` on {processor} with {versions}.

All contestants run side by side in one run, each on one thread. Times are processor time in ms (all threads of a process),
medians of {rounds} rounds after a warm-up. In a round each is called in turn, twice, and the second call counts. *Kernel* is
the function on a plain tensor with given parameters; *transform* is the random transform with `prob=1` on a MetaTensor, draws
and metadata included. TorchIO is called on a `ScalarImage`, MONAI on a MetaTensor. In parentheses: how many times longer the
rival takes than our kernel / our transform. The settings of each are in `scripts/transform_rows.py`. One pose per line is a
single call in TorchIO. An empty cell: the library has no such transform.

TorchIO moves in 3-D and mixes slices; the transforms here move in plane and treat each slice by itself, as 2-D sequences do.

## Bars

The release that the bars are set against is the stable one.

{bars}

Where a bar was missed or was close, the least that any way of computing the effect must do was timed in the same run, without
blocks and without the effect itself (our kernels work in blocks that fit the cache, so they may be faster):

{floors}

## Times

{times}"""

MEMORY = """
## Memory

Most memory held during one call beyond its input, result included, in copies of the input (float32, 4 seeds). At most
{limit:g} are allowed. Measured by `scripts/benchmark_memory.py` as the process's high-water mark. A single slice is small, a
quarter of a megabyte; where it goes over, tables of one plane (phases and coordinates in float64) weigh more than the image.

{table}
"""


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, default=None, help="folder for the releases of TorchIO")
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "docs" / "benchmark-transforms.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        releases: dict[str, TorchIO | str] = {}
        for release in RELEASES:
            try:
                releases[release] = TorchIO(release.split()[1], options.environments or Path(temporary))
            except RivalError as error:
                releases[release] = str(error)
        text = page(SIZES, releases)
        for process in releases.values():
            if isinstance(process, TorchIO):
                process.close()
    text += MEMORY.format(limit=LIMIT, table=memory_table())
    options.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
