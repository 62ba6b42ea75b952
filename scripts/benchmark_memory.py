"""Peak memory of every transform of cardiac_transforms.mri, in copies of its input.

    python scripts/benchmark_memory.py

Each transform is called on one float32 MetaTensor, the random form with several seeds, mostly with default arguments; the
largest peak counts. It includes the result but not the input, which is the caller's. Linux only. Prints a Markdown table.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from monai.data import MetaTensor
from tqdm import tqdm

from cardiac_transforms import mri
from cardiac_transforms.image_transform import ImageTransform, RandomImageTransform

SIZES = ((1, 256, 256, 1), (1, 256, 256, 12), (1, 256, 256, 64))
SEEDS = range(4)
LIMIT = 6.0
STATUS = Path("/proc/self/status")
# The kernel's high-water mark counts every library's memory, which a profiler of torch would not. It is exact only where freed
# blocks return to the system at once: with a fixed threshold malloc maps each large block on its own.
ENVIRONMENT = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
T1 = {1: 330.0, 2: 480.0, 3: 310.0}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "RandThickSlices": {"misalignment": 1.0},
    "RandMagnitudeNoise": {"coils": 4},
    "RandInversionTimeError": {"t1_ms": T1},
    "RandLGEDisplay": {"t1_ms": T1, "ti_ms": 316.0},
    "NyulStandardize": {"landmarks": [n / 10 for n in range(11)]},
    "StandardizeToReference": {"reference": "remote", "labels": [2]},
}
"""Arguments without which a transform does less."""


def resident(field: str) -> int:
    """Bytes of ``VmRSS`` (held now) or ``VmHWM`` (most since the last reset)."""
    (kilobytes,) = re.findall(rf"{field}:\s+(\d+)", STATUS.read_text())
    return 1024 * int(kilobytes)


def peak_copies(transform: RandomImageTransform, image: MetaTensor, companions: dict[str, torch.Tensor]) -> float:
    """Most memory that one call holds beyond what was held before, over the size of ``image``."""
    Path("/proc/self/clear_refs").write_text("5")  # sets VmHWM back to VmRSS
    before = resident("VmRSS")
    result = transform(image, **companions)
    assert result.shape == image.shape
    return (resident("VmHWM") - before) / image.nbytes


def measure(size: tuple[int, ...]) -> dict[str, float]:
    """Largest peak of each transform, in copies of its input."""
    image = MetaTensor(torch.rand(size, generator=torch.Generator().manual_seed(0)))
    label = heart(size)
    corner = (slice(None), *[slice(0, 48)] * 2, slice(0, 4))
    found = {}
    for name in tqdm(names(), "memory"):
        kind = getattr(mri, name)
        companions = {"mask": label} if "mask" in kind.companions else {}
        found[name] = 0.0
        if issubclass(kind, RandomImageTransform):
            calls = [kind(prob=1.0, **ARGUMENTS.get(name, {})).set_random_state(seed) for seed in SEEDS]
        else:
            calls = [kind(**ARGUMENTS.get(name, {}))]
        for transform in calls:
            transform(image[corner], **{key: mask[corner] for key, mask in companions.items()})  # loads libraries
            found[name] = max(found[name], peak_copies(transform, image, companions))
    return found


def heart(size: tuple[int, ...]) -> torch.Tensor:
    """Label map of a ventricle in every slice: 1 cavity, 2 myocardium, 3 scar."""
    x, y = torch.meshgrid(*(torch.arange(n) - n / 2 for n in size[1:3]), indexing="ij")
    radius = torch.hypot(x, y) / min(size[1:3])
    wall = (radius >= 0.1) & (radius < 0.15)
    plane = torch.where(wall, torch.where(x > 0, 3, 2), (radius < 0.1).long())
    return plane.to(torch.uint8)[None, ..., None].expand(size).contiguous()


def names() -> list[str]:
    """The array transforms: the random form, the fixed one where there is no other."""
    kinds = {name: getattr(mri, name) for name in mri.__all__ if isinstance(getattr(mri, name), type)}
    random = [name for name, kind in kinds.items() if issubclass(kind, RandomImageTransform)]
    fixed = [name for name, kind in kinds.items() if issubclass(kind, ImageTransform) and f"Rand{name}" not in random]
    return sorted(random + fixed, key=lambda name: name.removeprefix("Rand"))


def table() -> str:
    """Markdown, each size from a process of its own."""
    found = []
    for size in SIZES:
        call = [sys.executable, __file__, json.dumps(size)]
        answer = subprocess.run(call, env=ENVIRONMENT, stdout=subprocess.PIPE, check=True)
        found.append(json.loads(answer.stdout))
    lines = [f"| transform | {' | '.join('x'.join(map(str, size[1:])) for size in SIZES)} |", "|---|---|---|---|"]
    for name in found[0]:
        cells = (f"{copies[name]:.1f}" if copies[name] <= LIMIT else f"**{copies[name]:.1f}**" for copies in found)
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        print(json.dumps(measure(tuple(json.loads(sys.argv[1])))))
    else:
        print(table())
