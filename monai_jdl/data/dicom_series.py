"""From the images of a DICOM series to stacks of parallel slices: split, sort, geometry, cardiac phases.

Slices are sorted by ImagePositionPatient along the normal of ImageOrientationPatient, never by name or instance
number. Several images at one position are either repeats (the slice was acquired again, after a bad breath-hold
say: the last acquired is kept) or cardiac phases (one must be chosen):

- most positions hold one image: additional images are repeats;
- most positions hold n > 1 images: they are phases, unless they were acquired at different times while their trigger
  times and temporal positions agree; then the whole stack was repeated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from monai_jdl.data.dicom_headers import DicomFrame
from monai_jdl.errors import InputError

MIN_STACK = 3  # slices that make a stack when nothing else says so
_SAME_PLACE_MM = 0.1
_SAME_ANGLE = float(np.cos(np.deg2rad(1.0)))
_UNEVEN = 0.1  # of the slice distance
_SAME_TRIGGER_MS = 10.0


@dataclass(frozen=True)
class SeriesPart:
    """Images of one series that share display, orientation and (where each makes a stack) image type and matrix.

    Attributes:
        frames: the images, unsorted.
        display: ``magnitude``, ``psir`` or ``phase``.
        positions: the same images by place along the slice normal, ascending; several at one place in order of trigger time.
    """

    frames: tuple[DicomFrame, ...]
    display: str
    positions: tuple[tuple[DicomFrame, ...], ...]

    @property
    def phases(self) -> int:
        """Cardiac phases at each position; 1 for a plain stack, repeats left out."""
        counts = Counter(map(len, self.positions))
        return min(counts, key=lambda images: (-counts[images], images))

    @property
    def name(self) -> str:
        """How sentences call it: number, description, display, slices and folder."""
        first = self.frames[0]
        number = f"series {first.series_number}" if first.series_number >= 0 else f"series {first.series_uid or '?'}"
        title = f" '{first.description}'" if first.description else ""
        return f"{number}{title} ({self.display}, {len(self.positions)} slices) in {first.path.parent}"


def split_series(frames: Sequence[DicomFrame]) -> list[SeriesPart]:
    """Split images of any number of series into parts that may each be a stack.

    Always split: series, display (magnitude, PSIR, phase), orientation. Split only where every piece has at least
    :data:`MIN_STACK` slices: image type, matrix with pixel spacing (a few slices of another matrix are no stack of
    their own; :func:`stack_frames` refuses such a series).
    """
    parts = []
    for series in _grouped(frames, lambda frame: frame.series_uid or (frame.path.parent, frame.series_number)):
        displays = {frame.display for frame in series}
        for shown in _grouped(series, lambda frame: frame.display):
            display = shown[0].display
            words = shown[0].words
            # Siemens exports PSIR as a series of its own whose ImageType may say M only.
            if displays == {"magnitude"} and "psir" in words and not words & {"mag", "magnitude"}:
                display = "psir"
            for parallel in _by_orientation(shown):
                for typed in _split_where_whole(parallel, lambda frame: frame.image_type):
                    for piece in _split_where_whole(typed, lambda frame: (frame.shape, frame.spacing)):
                        parts.append(SeriesPart(tuple(piece), display, _positions(piece)))
    return parts


def stack_frames(part: SeriesPart, phase: int | None = None) -> list[DicomFrame]:
    """One image per position, sorted along the normal.

    Args:
        part: a part of a series.
        phase: cardiac phase from 0, in order of trigger time; ignored where there is one.

    Raises:
        InputError: a single slice, mixed matrices, a missing slice, uneven distances, slices off one axis,
            several phases and none chosen, a phase that is not there.
    """
    if any(frame.colour for frame in part.frames):
        raise InputError(f"{part.name} holds colour pictures; give the grey-scale series of the scanner.")
    if len({(frame.shape, frame.spacing) for frame in part.frames}) > 1:
        sizes = ", ".join(f"{columns} x {rows}" for rows, columns in sorted({frame.shape for frame in part.frames}))
        raise InputError(
            f"{part.name} mixes matrix or pixel sizes ({sizes}); export the series again or choose another."
        )
    if len(part.positions) < 2:
        raise InputError(f"{part.name} is a single slice, not a stack; give a series of parallel short-axis slices.")
    _check_places(part)
    if part.phases == 1 or _repeated(part):
        return [max(frames, key=lambda frame: (frame.acquired, frame.instance_number)) for frames in part.positions]
    return [frames[_phase_index(part, phase)] for frames in part.positions]


def stack_affine(frames: Sequence[DicomFrame]) -> np.ndarray:
    """Affine of sorted slices, float64 [4, 4], voxel (column, row, slice) to RAS+ mm.

    The third column is the mean step between slice positions, so that gaps count and a slanted stack stays slanted
    (DICOM PS3.3 C.7.6.2.1.1).
    """
    first, last = np.array(frames[0].position), np.array(frames[-1].position)
    between_rows, between_columns = frames[0].spacing
    affine = np.eye(4)
    affine[:3, 0] = np.array(frames[0].orientation[:3]) * between_columns
    affine[:3, 1] = np.array(frames[0].orientation[3:]) * between_rows
    affine[:3, 2] = (last - first) / (len(frames) - 1)
    affine[:3, 3] = first
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _grouped(frames: Sequence[DicomFrame], key: Callable[[DicomFrame], Hashable]) -> list[list[DicomFrame]]:
    groups: dict[Hashable, list[DicomFrame]] = {}
    for frame in frames:
        groups.setdefault(key(frame), []).append(frame)
    return list(groups.values())


def _split_where_whole(frames: list[DicomFrame], key: Callable[[DicomFrame], Hashable]) -> list[list[DicomFrame]]:
    groups = _grouped(frames, key)
    return groups if all(len(_positions(group)) >= MIN_STACK for group in groups) else [frames]


def _by_orientation(frames: list[DicomFrame]) -> list[list[DicomFrame]]:
    groups: list[list[DicomFrame]] = []
    for frame in frames:
        axes = np.reshape(frame.orientation, (2, 3))
        for group in groups:
            if np.all((axes * np.reshape(group[0].orientation, (2, 3))).sum(1) > _SAME_ANGLE):
                group.append(frame)
                break
        else:
            groups.append([frame])
    return groups


def _positions(frames: Sequence[DicomFrame]) -> tuple[tuple[DicomFrame, ...], ...]:
    normal = frames[0].normal
    places = np.array([frame.position for frame in frames]) @ normal
    order = np.argsort(places, kind="stable")
    starts = np.flatnonzero(np.diff(places[order]) > _SAME_PLACE_MM) + 1
    return tuple(tuple(sorted((frames[index] for index in group), key=_phase_key)) for group in np.split(order, starts))


def _phase_key(frame: DicomFrame) -> tuple:
    trigger = frame.trigger_time if np.isfinite(frame.trigger_time) else -1.0
    return trigger, frame.temporal_position, frame.instance_number, str(frame.path)


def _check_places(part: SeriesPart) -> None:
    normal = part.frames[0].normal
    centres = np.array([frames[0].position for frames in part.positions])
    places = centres @ normal
    gaps = np.diff(places)
    step = float(np.median(gaps))
    uneven = np.abs(gaps - step) > max(_UNEVEN * step, _SAME_PLACE_MM)
    if uneven.any():
        worst = int(np.argmax(np.abs(gaps - step)))
        where = f"between slices {worst + 1} and {worst + 2} (counted along the normal)"
        if gaps[worst] > 1.5 * step:
            raise InputError(
                f"{part.name} has a slice missing {where}: they are {gaps[worst]:.1f} mm apart, the others "
                f"{step:.1f} mm; export the whole series again."
            )
        raise InputError(
            f"{part.name} is unevenly spaced: {gaps[worst]:.1f} mm {where}, {step:.1f} mm elsewhere; resample it to "
            "even spacing and give the NIfTI."
        )
    line = centres[0] + np.linspace(0, 1, len(centres))[:, None] * (centres[-1] - centres[0])
    off = np.linalg.norm((centres - line) - ((centres - line) @ normal)[:, None] * normal, axis=1)
    if off.max() > max(part.frames[0].spacing):
        raise InputError(
            f"{part.name} has slices shifted sideways by up to {off.max():.1f} mm, so they share no grid; resample it "
            "to one grid and give the NIfTI."
        )


def _repeated(part: SeriesPart) -> bool:
    """Whether the whole stack was acquired again, rather than in several phases."""

    def spread(frames: tuple[DicomFrame, ...]) -> float:
        times = [frame.trigger_time for frame in frames]
        return float(np.ptp(times)) if np.isfinite(times).all() else np.inf

    return all(
        len({frame.acquired for frame in frames}) == len(frames)
        and len({frame.temporal_position for frame in frames}) == 1
        and spread(frames) <= _SAME_TRIGGER_MS
        for frames in part.positions
    )


def _phase_index(part: SeriesPart, phase: int | None) -> int:
    counts = [len(frames) for frames in part.positions]
    if len(set(counts)) > 1:
        raise InputError(
            f"{part.name} has {part.phases} images at most positions but {min(counts)} to {max(counts)} at others; "
            "export the whole series again."
        )
    if phase is None or not 0 <= phase < part.phases:
        times = [[frames[index].trigger_time for frames in part.positions] for index in range(part.phases)]
        named = [f"{index}: {_range(phase_times)}" for index, phase_times in enumerate(times)]
        listed = "; ".join(named if len(named) <= 4 else [*named[:2], "...", named[-1]])
        wrong = "" if phase is None else f"; phase {phase} is not among them"
        raise InputError(
            f"{part.name} has {part.phases} cardiac phases at each position{wrong}; choose one with --phase N, N from 0 "
            f"to {part.phases - 1} ({listed})."
        )
    return phase


def _range(times: list[float]) -> str:
    if not np.isfinite(times).all():
        return "in order of instance number"
    first, last = round(min(times)), round(max(times))
    return f"trigger time {first} ms" if first == last else f"trigger times {first}-{last} ms"
