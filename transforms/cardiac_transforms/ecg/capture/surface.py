"""Shape of a page in space: bends (curl and folds) and ridges (crumples) of a sheet of paper.

Lengths are shares of the page's longer side, counted from its centre: x to the right, y down, z towards the viewer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Bend:
    """The page turns by ``turn`` degrees along a line: narrow for a fold, as wide as the page for a curl.

    Across the line the paper follows an arc of constant curvature and goes on straight, so lengths on the paper stay.

    Attributes:
        direction: of the line's normal, degrees from x towards y.
        position: distance of the line from the page's centre along that direction.
        turn: degrees between the two sides; positive: they come towards the viewer.
        width: half the width of the strip that is curved, above 0.
    """

    direction: float
    position: float
    turn: float
    width: float


@dataclass(frozen=True)
class Ridge:
    """A crumple: a short crest or, with a negative height, a groove, that fades away around it.

    Its height is ``height * exp(-sqrt(s^2 + r^2) / width) * exp(-(t / length)^2)`` with s across and t along it, r = width / 6.

    Attributes:
        x: centre.
        y: centre.
        direction: of its normal, degrees from x towards y.
        height: of the crest above the page.
        width: distance over which it falls by 1 / e.
        length: half its length.
    """

    x: float
    y: float
    direction: float
    height: float
    width: float
    length: float


class Surface:
    """A page with all its bends and ridges.

    Displacements of several are added, which is exact for parallel bends and to first order in the angles otherwise.

    Args:
        shapes: the bends and ridges.
        half: half the width and height within which the shapes are followed; outside, the nearest point counts.
    """

    def __init__(self, shapes: Sequence[Bend | Ridge], half: tuple[float, float]) -> None:
        self.flat = not shapes
        self.half = torch.tensor(half, dtype=torch.float64)
        self.bends = _columns([(b.direction, b.position, b.turn, b.width) for b in shapes if isinstance(b, Bend)], 4)
        self.ridges = _columns(
            [(r.direction, r.x, r.y, r.height, r.width, r.length) for r in shapes if isinstance(r, Ridge)], 6
        )
        self.origin = torch.zeros(3, dtype=torch.float64)
        self.origin = self.displacement(torch.zeros(1, 2, dtype=torch.float64))[0]

    def displacement(self, points: Tensor) -> Tensor:
        """Where flat points ``(N, 2)`` move to: in x, y and z, ``(N, 3)``; the centre of the page stays.

        Computed in the type of ``points``.
        """
        if self.flat:
            return points.new_zeros(len(points), 3)
        x, y = self._within(points)
        normal_x, normal_y, across, curvature, width = self._bent(x, y)
        curved = torch.minimum(across.abs(), width)
        straight, angle = across.abs() - curved, curvature * curved
        inward = across.sign() * (curved * torch.sinc(angle / math.pi) + straight * angle.cos()) - across
        height = curved * angle / 2 * torch.sinc(angle / (2 * math.pi)).square() + straight * angle.sin()
        crest = self._crest(x, y)[0]
        parts = (inward * normal_x).sum(0), (inward * normal_y).sum(0), height.sum(0) + crest.sum(0)
        return torch.stack(parts, dim=1) - self.origin.to(points.dtype)

    def slopes(self, points: Tensor) -> Tensor:
        """Rise of the page per length along x and y, ``(N, 2)``."""
        if self.flat:
            return torch.zeros_like(points)
        x, y = self._within(points)
        normal_x, normal_y, across, curvature, width = self._bent(x, y)
        slope = (curvature * torch.maximum(torch.minimum(across, width), -width)).tan()
        rise_x, rise_y = (slope * normal_x).sum(0), (slope * normal_y).sum(0)
        crest, fall, fade, normal_x, normal_y = self._crest(x, y)
        fall, fade = crest * fall, crest * fade
        rise_x = rise_x + (fall * normal_x - fade * normal_y).sum(0)
        rise_y = rise_y + (fall * normal_y + fade * normal_x).sum(0)
        return torch.stack([rise_x, rise_y], dim=1)

    def _within(self, points: Tensor) -> tuple[Tensor, Tensor]:
        half = self.half.to(points.dtype)
        x, y = torch.minimum(torch.maximum(points, -half), half).T.contiguous()
        return x, y

    def _bent(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Of the bends: their normals, the distances across them, curvature and width."""
        direction, position, turn, width = (column.to(x.dtype) for column in self.bends)
        normal_x, normal_y = (direction * math.pi / 180).cos(), (direction * math.pi / 180).sin()
        return normal_x, normal_y, normal_x * x + normal_y * y - position, turn * math.pi / 360 / width, width

    def _crest(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Of the ridges: their heights, the relative rise across and along them, and their normals."""
        direction, centre_x, centre_y, height, width, length = (column.to(x.dtype) for column in self.ridges)
        normal_x, normal_y = (direction * math.pi / 180).cos(), (direction * math.pi / 180).sin()
        across = normal_x * x + (normal_y * y - (normal_x * centre_x + normal_y * centre_y))
        along = normal_x * y - (normal_y * x + (normal_x * centre_y - normal_y * centre_x))
        rounded = (across.square() + (width / 6).square()).sqrt_()
        fall, fade = -across / (width * rounded), -2 * along / length.square()
        return height * (-rounded / width + along * fade / 2).exp_(), fall, fade, normal_x, normal_y


def _columns(rows: list[tuple[float, ...]], width: int) -> tuple[Tensor, ...]:
    """Each value of all shapes as a column ``(shapes, 1)``."""
    return torch.tensor(rows, dtype=torch.float64).view(-1, width, 1).unbind(1)
