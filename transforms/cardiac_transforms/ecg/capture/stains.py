"""Stains on paper: rings of cups, spots, mould."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from cardiac_transforms.ecg.capture.camera import between_nodes
from cardiac_transforms.ecg.capture.pipeline import PaperEffect
from cardiac_transforms.ecg.page_transform import RandomPageTransform, page_dictionary_form
from cardiac_transforms.image_transform import check_choices, draw_range

__all__ = [
    "RandStains",
    "RandStainsD",
    "RandStainsDict",
    "RandStainsd",
    "Stain",
    "Stains",
    "StainsD",
    "StainsDict",
    "Stainsd",
]

KINDS = ("ring", "spot", "mould")
COARSEST = 8
"""Most pixels between the nodes on which a stain is computed; small stains have finer edges and so closer nodes."""
COLOURS = {"ring": (150, 105, 55), "spot": (185, 150, 95), "mould": (75, 85, 60)}
"""What the paper looks like, RGB, where a stain of density 1 is."""


@dataclass(frozen=True)
class Stain:
    """One stain.

    Attributes:
        kind: ``ring`` (of a cup), ``spot`` (dried, darker at its edge) or ``mould`` (speckles that thin out).
        x: centre, in lengths of the page's longer side from its centre, to the right.
        y: the same downwards.
        radius: in the same lengths, above 0.
        density: of the dye, 0 and more; at 1 the paper has the colour in :data:`COLOURS`.
        seed: of its form.
    """

    kind: str
    x: float
    y: float
    radius: float
    density: float = 0.5
    seed: int = 0


class Stains(PaperEffect):
    """Stains on the paper; the dye's absorbance adds to that of the ink.

    Args:
        stains: each a :class:`Stain`, or its values in that order.
    """

    recorded = ("stains",)

    def __init__(self, stains: Sequence[Stain | Sequence] = (Stain("ring", 0.2, 0.1, 0.12),)) -> None:
        super().__init__()
        self.stains = tuple(stain if isinstance(stain, Stain) else Stain(*stain) for stain in stains)
        for stain in self.stains:
            check_choices((stain.kind,), "kind of a stain", KINDS)
            if not (stain.radius > 0 and stain.density >= 0):
                raise ValueError(f"A stain's radius must be above 0 and its density not negative, got {stain!r}.")

    def mark(self, page: Tensor) -> None:
        """Multiply the surroundings of each stain by what its dye lets through."""
        channels, height, width = page.shape
        longer = max(height, width)
        for stain in self.stains:
            centre = ((width - 1) / 2 + stain.x * longer, (height - 1) / 2 + stain.y * longer)
            reach = 1.6 * stain.radius * longer
            left, top = (max(0, math.floor(c - reach)) for c in centre)
            right, bottom = (min(n, math.ceil(c + reach) + 1) for c, n in zip(centre, (width, height), strict=True))
            if left >= right or top >= bottom:
                continue
            step = int(min(max(stain.radius * longer / 40, 1), COARSEST))
            # nodes up to beyond the last pixel
            y, x = (
                (torch.arange(start, stop + step, step) - middle) / (stain.radius * longer)
                for start, stop, middle in ((top, bottom, centre[1]), (left, right, centre[0]))
            )
            dye = stain.density * _form(stain, *torch.meshgrid(x.float(), y.float(), indexing="xy"))
            dye = between_nodes(between_nodes(dye[None], step).mT, step).mT[0]
            dye = dye[: bottom - top, : right - left].to(page.device)
            colour = np.log(np.asarray(COLOURS[stain.kind]) / 255)
            for channel, log in zip(page, colour if channels == 3 else [colour.mean()], strict=True):
                channel[top:bottom, left:right].mul_((dye * float(log)).exp_())

    def severity(self) -> dict[str, float]:
        """``stains``: how many."""
        return {"stains": float(len(self.stains))}


def _form(stain: Stain, x: Tensor, y: Tensor) -> Tensor:
    """Density of one stain of radius 1 at the origin, 0 beyond 1.6."""
    random = np.random.RandomState(stain.seed)
    radius, angle = torch.hypot(x, y), torch.atan2(y, x)
    order = torch.arange(1, 7)
    size = torch.from_numpy(random.normal(size=6)).float() / order * (0.015 if stain.kind == "ring" else 0.12)
    phase = torch.from_numpy(random.uniform(0, 2 * math.pi, 6)).float()
    outline = 1 + (size[:, None, None] * (order[:, None, None] * angle + phase[:, None, None]).cos()).sum(0)
    rho = radius / outline.clamp(0.6, 1.4)
    cloud = _cloud(random, x, y)
    if stain.kind == "ring":
        width = random.uniform(0.03, 0.06)
        around = (0.65 + 0.35 * (angle + random.uniform(-math.pi, math.pi)).cos()) * (0.8 + 0.2 * cloud).clamp(min=0)
        film = 0.15 * torch.sigmoid((1 - rho) / 0.02)
        return around * (-((rho - 1) / width).square()).exp() + film * (0.7 + 0.3 * cloud).clamp(min=0)
    inside = torch.sigmoid((1 - rho) / 0.03)
    if stain.kind == "spot":
        return inside * (0.4 + 0.06 * cloud + 0.5 * (-(rho - 0.97).abs() / 0.04).exp()).clamp(min=0)
    thin = (1 - (rho / 1.4).square()).clamp(min=0)
    return 2 * (0.5 * cloud + 0.5 * _cloud(random, 5 * x, 5 * y) - 0.3).clamp(min=0) * thin


def _cloud(random: np.random.RandomState, x: Tensor, y: Tensor) -> Tensor:
    """Smooth noise of mean 0 and SD about 1 in three octaves, each on a lattice of its own direction."""
    total = torch.zeros_like(x)
    for octave in range(3):
        grain = torch.from_numpy(random.normal(size=(1, 1, 24, 24))).float()
        angle = random.uniform(0, 2 * math.pi)
        turned = (x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle))
        grid = torch.stack(turned, dim=-1)[None] * (0.1 * 2**octave)
        found = grid_sample(grain, grid, mode="bicubic", padding_mode="reflection", align_corners=True)
        total += found[0, 0] * 0.75 / (1 + octave / 2)
    return total


class RandStains(RandomPageTransform):
    """:class:`Stains` of random kind, place and size.

    Args:
        prob: probability that the page is changed.
        count: range of the number of stains, at least 1; a number f means (1, f).
        density: range of their density, 0 to 3; a number f means (0, f).
        radius: range of their size as a share of the page's longer side, 0.002 to 1; a number f means (0.002, f).
        kinds: drawn from, as in :class:`Stain`.
    """

    recorded = Stains.recorded

    def __init__(
        self,
        prob: float = 0.1,
        count: int | Sequence[int] = (1, 4),
        density: float | Sequence[float] = (0.2, 0.8),
        radius: float | Sequence[float] = (0.02, 0.15),
        kinds: Sequence[str] = KINDS,
    ) -> None:
        super().__init__(prob)
        self.count = draw_range(count, "count", low=1)
        self.density = draw_range(density, "density", low=0, high=3)
        self.radius = draw_range(radius, "radius", low=0.002, high=1)
        self.kinds = check_choices(kinds, "kinds", KINDS)

    def draw(self, shape: tuple[int, int, int, int]) -> Stains:
        """Kinds, places, sizes and forms."""
        longer = max(shape[1:3])
        return Stains(
            [
                Stain(
                    kind=self.kinds[self.R.randint(len(self.kinds))],
                    x=self.R.uniform(-0.5, 0.5) * shape[2] / longer,
                    y=self.R.uniform(-0.5, 0.5) * shape[1] / longer,
                    radius=math.exp(self.R.uniform(*np.log(self.radius))),
                    density=self.R.uniform(*self.density),
                    seed=int(self.R.randint(2**31 - 1)),
                )
                for _ in range(self.R.randint(int(self.count[0]), int(self.count[1]) + 1))
            ]
        )


Stainsd = StainsD = StainsDict = page_dictionary_form(Stains)
RandStainsd = RandStainsD = RandStainsDict = page_dictionary_form(RandStains)
