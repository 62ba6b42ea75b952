"""Scar burden: volumes and masses from a label map, and a score for the presence of scar from probabilities."""

from __future__ import annotations

import math

import numpy as np

MUSCLE_DENSITY = 1.05  # g/mL
SCAR_COLUMNS = (
    "case",
    "myocardium_ml",
    "myocardium_g",
    "scar_ml",
    "scar_g",
    "scar_percent",
    "slices",
    "slices_with_scar",
    "detection_score",
)

TOP_FRACTION = 0.02
TOP_VOXELS = 10


def voxel_volume_ml(affine: np.ndarray) -> float:
    """Volume in mL of one voxel of a 4x4 ``affine`` in mm; the distance between slices counts, gap included."""
    return abs(float(np.linalg.det(np.asarray(affine, dtype=float)[:3, :3]))) / 1000


def scar_burden(label: np.ndarray, affine: np.ndarray, detection_score: float | None = None) -> dict[str, float]:
    """Scar and myocardium of one case, with the columns of ``scar.csv`` but for ``case``.

    Args:
        label: label map [X, Y, Z] of scheme ``jdl``: 0 background, 1 myocardium without scar, 2 scar. Both together are
            the LV mass.
        affine: 4x4, mm.
        detection_score: see :func:`detection_score`; NaN where there are no probabilities.

    Returns:
        Volumes in mL, masses in g, scar in % of LV mass (NaN without myocardium), the number of slices of the stack and of
        those that hold scar, and the score.
    """
    scar = label == 2
    volume = voxel_volume_ml(affine)
    myocardium_ml = volume * int(((label == 1) | scar).sum())
    scar_ml = volume * int(scar.sum())
    return {
        "myocardium_ml": myocardium_ml,
        "myocardium_g": myocardium_ml * MUSCLE_DENSITY,
        "scar_ml": scar_ml,
        "scar_g": scar_ml * MUSCLE_DENSITY,
        "scar_percent": 100 * scar_ml / myocardium_ml if myocardium_ml else math.nan,
        "slices": label.shape[2],
        "slices_with_scar": int(scar.any(axis=(0, 1)).sum()),
        "detection_score": math.nan if detection_score is None else detection_score,
    }


def detection_score(scar_probability: np.ndarray, myocardium: np.ndarray) -> float:
    """How much a case, or one slice of it, looks as if it held scar: the mean of the highest 2 % of the probabilities.

    Two per cent of the LV is about the smallest infarct that readers report, so such an infarct still fills the whole
    mean, while a few stray voxels cannot. At least 10 voxels are averaged (one slice: 2 % are about as many). A probability
    that rises anywhere never lowers the score.

    Args:
        scar_probability: in [0, 1], any shape.
        myocardium: boolean of the same shape: the predicted wall.

    Returns:
        In [0, 1]; NaN without myocardium.
    """
    inside = scar_probability[myocardium]
    if not inside.size:
        return math.nan
    count = min(inside.size, max(TOP_VOXELS, math.ceil(TOP_FRACTION * inside.size)))
    return float(np.partition(inside, inside.size - count)[-count:].mean())
