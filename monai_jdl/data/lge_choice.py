"""Which series of a study is the LGE short-axis stack.

The rule, applied in this order (:func:`choose_part`):

0. ``series`` narrows the study to what it names: a SeriesInstanceUID, a SeriesNumber, or text in the description
   (``psir`` and ``magnitude`` also name the display). Points 1 and 2 then do not apply.
1. Only stacks of at least three parallel slices count, and phase images do not. Scouts, cines, maps, perfusion and
   the like are left out by name.
2. Of several stacks, those with signs of LGE count: a name such as LGE, DE, MDE, PSIR, delayed, late, enhancement,
   viability; or an inversion recovery (InversionTime 100-800 ms, or ScanningSequence IR). None: the study is refused.
   Those with one image per position go before those with several (cine, multi-phase).
3. Short axis by name before no name, before other views (LAX, 2ch, 3ch, 4ch, axial).
4. PSIR before magnitude: its remote myocardium stays dark when the inversion time is off.
5. More slices, then the larger series number (the later acquisition).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from monai_jdl.data.dicom_headers import DicomFrame
from monai_jdl.data.dicom_series import MIN_STACK, SeriesPart, split_series, stack_frames
from monai_jdl.errors import InputError

logger = logging.getLogger(__name__)

_LGE = {
    "lge", "de", "dhe", "mde", "ce", "psir", "delayed", "delay", "late", "enh", "enhancement", "viab", "viability",
    "scar", "fibrosis", "gad", "gadolinium", "10min", "15min", "20min",
}  # fmt: skip
_NOT_LGE = {
    "scout", "tiscout", "localizer", "localiser", "loc", "survey", "cine", "molli", "shmolli", "sasha", "map", "t1map",
    "t2map", "t2", "t2star", "ecv", "perf", "perfusion", "rest", "stress", "flow", "venc", "tag", "tagging", "haste",
    "lookerlocker", "looklocker", "angio", "mra",
}  # fmt: skip
_SHORT_AXIS = {"sa", "sax", "short", "shortaxis", "sao"}
_OTHER_VIEW = {"la", "lax", "long", "2ch", "3ch", "4ch", "2c", "3c", "4c", "hla", "vla", "lvot", "rvot", "axial", "tra"}
_INVERSION_MS = (100.0, 800.0)


def choose_part(frames: Sequence[DicomFrame], series: str | None = None) -> SeriesPart:
    """The LGE stack among the images of one study, by the rule above.

    Args:
        frames: images of any number of series.
        series: see point 0.

    Raises:
        InputError: nothing is a stack, no series has signs of LGE, or ``series`` names none.
    """
    parts = split_series(frames)
    if series is not None:
        parts = [part for part in parts if _named(part, str(series))]
        if not parts:
            raise InputError(f"No series matches '{series}'; there are {_listed(split_series(frames))}.")
    stacks = [part for part in parts if len(part.positions) >= (MIN_STACK if series is None else 2)]
    if not stacks:
        raise _no_stack(parts)
    candidates = [part for part in stacks if part.display != "phase" and not _words(part) & _NOT_LGE]
    if series is not None:
        candidates = stacks
    elif len(stacks) == 1:
        candidates = stacks  # nothing to choose from
    elif len(candidates) > 1:
        candidates = [part for part in candidates if _looks_like_lge(part)]
    if not candidates:
        raise InputError(
            f"No LGE short-axis stack is recognised among {_listed(stacks)}; choose one with --series NUMBER (or a "
            "SeriesInstanceUID, or text of its description)."
        )
    chosen = max(candidates, key=_rank)
    if len(parts) > 1:
        logger.info("Chose %s of %s.", chosen.name, _listed(parts))
    return chosen


def _named(part: SeriesPart, series: str) -> bool:
    first = part.frames[0]
    if series == first.series_uid or (series.isdecimal() and int(series) == first.series_number):
        return True
    return not series.isdecimal() and series.lower() in f"{first.description} {part.display}".lower()


def _words(part: SeriesPart) -> frozenset[str]:
    return part.frames[0].words | {word.lower() for word in part.frames[0].image_type}


def _looks_like_lge(part: SeriesPart) -> bool:
    low, high = _INVERSION_MS
    inverted = any(low <= frame.inversion_time <= high or frame.inversion_recovery for frame in part.frames)
    return bool(part.frames[0].words & _LGE) or part.display == "psir" or inverted


def _rank(part: SeriesPart) -> tuple:
    words = part.frames[0].words
    view = 0 if words & _OTHER_VIEW else 2 if words & _SHORT_AXIS else 1
    return part.phases == 1, view, part.display == "psir", len(part.positions), part.frames[0].series_number


def _no_stack(parts: Sequence[SeriesPart]) -> InputError:
    """Why none of the parts is a stack."""
    if not parts:
        return InputError("There is no image among the files; give the MR series.")
    if len(parts) == 1:
        try:
            stack_frames(parts[0], phase=0)
        except InputError as reason:
            return reason
        return InputError(f"{parts[0].name} is too few for a short-axis stack; choose it with --series if it is meant.")
    folder = parts[0].frames[0].path.parent
    if len({part.frames[0].series_uid for part in parts}) == 1:
        return InputError(
            f"{parts[0].name} holds {len(parts)} images or groups of different orientation (long-axis or radial views?), "
            "not a stack of parallel slices; give the short-axis series."
        )
    return InputError(
        f"{folder} holds no stack of {MIN_STACK} or more parallel slices, only {_listed(parts)}; give the short-axis "
        "LGE series."
    )


def _listed(parts: Sequence[SeriesPart], most: int = 8) -> str:
    names = [
        f"#{part.frames[0].series_number} '{part.frames[0].description}' ({part.display}, {len(part.positions)} slices)"
        for part in parts
    ]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
