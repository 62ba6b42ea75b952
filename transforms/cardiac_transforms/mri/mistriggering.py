"""Mistriggering and arrhythmia: some shots see the heart in another cardiac phase."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from cardiac_transforms.image_transform import (
    ImageTransform,
    RandomImageTransform,
    check_axes,
    check_choices,
    dictionary_form,
    draw_range,
    need_spacing,
)
from cardiac_transforms.mri.kernels.contraction import contract, wall_of_mask
from cardiac_transforms.mri.kernels.frames import mix_frames
from cardiac_transforms.mri.kernels.shots import ORDERS, shot_of_line

__all__ = [
    "Mistriggering",
    "MistriggeringD",
    "MistriggeringDict",
    "Mistriggeringd",
    "RandMistriggering",
    "RandMistriggeringD",
    "RandMistriggeringDict",
    "RandMistriggeringd",
]

KINDS = ("mistriggering", "arrhythmia")
LEVELS = 4
"""Contractions that arrhythmia tells apart; each costs a frame."""
BLOCK = 2**17
"""Samples worked on at a time, at least a slice: a frame and its spectra take a dozen times the memory of the image."""


def _central_shots(shot: Tensor) -> Tensor:
    """Shots that read frequency -1, 0 or 1, from the shot of each line."""
    centre = len(shot) // 2
    return shot[max(centre - 1, 0) : centre + 2].unique()


def _phases(
    image: Tensor, levels: list[float], centre: Tensor, inner: Tensor, outer: Tensor, mm: tuple[float, float]
) -> Iterator[Tensor]:
    """The heart as it is and at each level of contraction, one after the other."""
    yield image
    for level in levels:
        yield contract(image, centre, inner, outer, (0.6 * inner).clamp(max=level), mm)


class Mistriggering(ImageTransform):
    """Shots that are read in another cardiac phase than the others.

    With a second ``frame`` the shots that are contracted at all take their k-space lines from it. Without one, the left
    ventricle is contracted in plane: its inner wall moves inwards by ``contraction_mm`` of the shot, at most 60 % of its
    radius, the wall keeps its area, and nothing moves beyond twice its outer radius. Centre and radii are those of ``mask``
    (the myocardium, with or without the cavity) slice by slice, slices without mask staying as they are; without ``mask``
    they are the image's centre, ``radius_mm`` and a wall of 10 mm. The object is taken as a magnitude image of phase zero:
    negative values (PSIR) come back as magnitude.

    Args:
        contraction_mm: inward displacement of the inner wall in each shot, 0 for shots in the phase of the image; its length is
            the number of shots. Shots of one value share a frame, so few different values are fast.
        phase_axis: phase-encode axis, 0 (X) or 1 (Y).
        order: ``sequential``, ``interleaved``, ``centric`` or ``segmented``, see
            :func:`~cardiac_transforms.mri.kernels.shots.shot_of_line`.
        radius_mm: inner radius of the ventricle where no ``mask`` is given.
        anchor: whether the shots that read the three lines at the k-space centre stay in the image's phase, so that labels
            still fit.
        spacing: mm along each axis, for images without affine; not needed with ``frame``.

    The record of the image has ``affected``, the share of k-space lines in another phase, and ``rms_mm``, the root mean
    square of ``contraction_mm`` over the lines (0 with ``frame``, whose displacement is unknown).

    Reference:
        Oksuz et al., Med Image Anal 2019;55:136: mistriggering as k-space lines from other cine frames.
    """

    recorded = ("rms_mm", "affected")
    companions = ("frame", "mask")

    def __init__(
        self,
        contraction_mm: Sequence[float] | np.ndarray,
        phase_axis: int = 1,
        order: str = "segmented",
        radius_mm: float = 24.0,
        anchor: bool = True,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(spacing)
        self.contraction_mm = np.asarray(contraction_mm, dtype=float)
        if self.contraction_mm.ndim != 1 or not len(self.contraction_mm):
            raise ValueError(f"contraction_mm must have one value for each shot, got {contraction_mm!r}.")
        if not (np.isfinite(self.contraction_mm) & (self.contraction_mm >= 0)).all():
            raise ValueError(f"contraction_mm must be 0 or more, got {contraction_mm!r}.")
        (self.phase_axis,) = check_axes([phase_axis], "phase_axis")
        (self.order,) = check_choices([order], "order", ORDERS)
        if not 0 < radius_mm < math.inf:
            raise ValueError(f"radius_mm must be positive, got {radius_mm!r}.")
        self.radius_mm, self.anchor = float(radius_mm), anchor
        self._severity = dict.fromkeys(self.recorded, 0.0)

    def contraction_of_line(self, lines: int) -> Tensor:
        """Contraction in mm while each of ``lines`` k-space lines is read, ``(lines,)``, float64."""
        shot = shot_of_line(lines, len(self.contraction_mm), self.order)
        mm = torch.from_numpy(self.contraction_mm.copy())
        if self.anchor:
            mm[_central_shots(shot)] = 0
        return mm[shot]

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """The image of the heart in several phases."""
        axis = self.phase_axis + 1
        mm = self.contraction_of_line(image.shape[axis])
        frame = companions.get("frame")
        if frame is not None and frame.shape != image.shape:
            raise ValueError(f"frame must have the image's shape {tuple(image.shape)}, got {tuple(frame.shape)}.")
        rms = 0.0 if frame is not None else float(mm.square().mean().sqrt())
        self._severity = {"rms_mm": rms, "affected": float((mm > 0).double().mean())}
        levels, level_of_line = torch.cat([mm.new_zeros(1), mm]).unique(return_inverse=True)
        level_of_line = level_of_line[1:]  # the zero in front makes level 0 the image itself
        wall: tuple[Tensor, Tensor, Tensor] | None = None
        if frame is not None:
            level_of_line = level_of_line.clamp(max=1)
        elif len(levels) > 1:
            plane = need_spacing(spacing, type(self).__name__)[:2]
            wall = self._wall(image, companions.get("mask"), plane)
        out = torch.empty_like(image)
        step = max(1, BLOCK * image.shape[3] // image.numel())
        for first in range(0, image.shape[3], step):
            block = slice(first, first + step)
            now = image[..., block]
            frames: Iterable[Tensor] = [now]
            if frame is not None:
                frames = (now, frame[..., block].to(image.dtype))
            elif wall is not None:
                centre, inner, outer = (part[block] for part in wall)
                frames = _phases(now, levels[1:].tolist(), centre, inner, outer, plane)
            out[..., block] = mix_frames(frames, level_of_line, axis)
        return out

    def _wall(self, image: Tensor, mask: Tensor | None, mm: tuple[float, float]) -> tuple[Tensor, Tensor, Tensor]:
        """Centre and radii of the wall in every slice."""
        if mask is not None:
            return wall_of_mask(mask, mm)
        centre = torch.tensor([[(n - 1) / 2 for n in image.shape[1:3]]], dtype=torch.float64).expand(image.shape[3], 2)
        inner = torch.full((image.shape[3],), self.radius_mm, dtype=torch.float64)
        return centre, inner, inner + 10

    def severity(self) -> dict[str, float]:
        """``rms_mm`` and ``affected`` of the last image."""
        return self._severity


class RandMistriggering(RandomImageTransform):
    """:class:`Mistriggering` of random shots.

    Args:
        prob: probability that the image is changed.
        contraction_mm: range of the inward displacement of the inner wall, mm; a number f means (0, f).
        affected: range of the number of affected shots; a number n means (1, n). At least one shot stays as it is.
        kinds: ``mistriggering`` (the affected shots see one other phase) and ``arrhythmia`` (each its own, up to the
            one drawn).
        phase_axes: axes to choose the phase-encode axis from.
        orders: orders of lines to choose from.
        shots: range of the number of shots; a number n means (2, n). Never more than there are lines.
        radius_mm: as in :class:`Mistriggering`.
        anchor: as in :class:`Mistriggering`; the shots at the k-space centre are then not among the affected.
        spacing: mm along each axis, for images without affine; not needed with ``frame``.
    """

    recorded = Mistriggering.recorded
    companions = Mistriggering.companions

    def __init__(
        self,
        prob: float = 0.1,
        contraction_mm: float | Sequence[float] = (2.0, 8.0),
        affected: int | Sequence[int] = (1, 3),
        kinds: Sequence[str] = KINDS,
        phase_axes: Sequence[int] = (0, 1),
        orders: Sequence[str] = ("sequential", "segmented"),
        shots: int | Sequence[int] = (5, 16),
        radius_mm: float = 24.0,
        anchor: bool = True,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(prob, spacing)
        self.contraction_mm = draw_range(contraction_mm, "contraction_mm", low=0)
        self.affected = draw_range(affected, "affected", low=1)
        self.phase_axes = check_axes(phase_axes, "phase_axes")
        self.shots = draw_range(shots, "shots", low=2)
        self.kinds, self.orders = check_choices(kinds, "kinds", KINDS), check_choices(orders, "orders", ORDERS)
        self.radius_mm, self.anchor = radius_mm, anchor

    def draw(self, shape: tuple[int, int, int, int]) -> Mistriggering:
        """Axis, order, shots, the affected among them and how far the heart is contracted in each."""
        axis, order = int(self.R.choice(self.phase_axes)), str(self.R.choice(self.orders))
        lines = shape[axis + 1]
        shots = min(int(self.R.randint(int(self.shots[0]), int(self.shots[1]) + 1)), lines)
        held = _central_shots(shot_of_line(lines, shots, order)).tolist() if self.anchor else []
        others = [s for s in range(shots) if s not in held]
        count = min(int(self.R.randint(int(self.affected[0]), int(self.affected[1]) + 1)), len(others), shots - 1)
        mm = self.R.uniform(*self.contraction_mm)
        strength = np.ones(count)
        if str(self.R.choice(self.kinds)) == "arrhythmia":
            strength = self.R.randint(1, LEVELS + 1, size=count) / LEVELS
        contraction = np.zeros(shots)
        contraction[self.R.choice(others, size=count, replace=False) if count else []] = mm * strength
        return Mistriggering(contraction, axis, order, self.radius_mm, self.anchor, self.spacing)


Mistriggeringd = MistriggeringD = MistriggeringDict = dictionary_form(Mistriggering)
RandMistriggeringd = RandMistriggeringD = RandMistriggeringDict = dictionary_form(RandMistriggering)
