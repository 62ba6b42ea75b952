"""What a predicted label map is worth against the truth, case by case.

Empty masks, for every metric of overlap and distance: where truth and prediction are both empty there is nothing to
overlap, the metric is NaN, stays out of means and is counted apart as a true negative; where one of them is empty, Dice is 0
and distances are NaN ("missed" or "false positive" in the summary).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection
from typing import Any

import numpy as np
import torch
from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance
from scipy import ndimage

from cardiac_transforms.mri.scar_label import TASKS
from monai_jdl.analysis.scar import detection_score, scar_burden, voxel_volume_ml

METRICS_COLUMNS = (
    "case",
    "dice_myocardium",
    "dice_scar",
    "hd95_myocardium_mm",
    "hd95_scar_mm",
    "assd_myocardium_mm",
    "assd_scar_mm",
    "volume_error_myocardium_ml",
    "volume_error_scar_ml",
    "scar_percent_true",
    "scar_percent_pred",
    "scar_recall_of_myocardium",
    "scar_outside_myocardium",
    "true_scar_empty",
    "pred_scar_empty",
)
# Beside the agreed columns: who, EMIDEC's Dice, and the raw channels before the label map joins them.
EXTRA_COLUMNS = (
    "patient",
    "emidec_dice_myocardium",
    "emidec_dice_scar",
    "raw_dice_myocardium",
    "raw_dice_scar",
    "raw_scar_recall_of_myocardium",
    "raw_scar_outside_myocardium",
)


def case_metrics(
    prediction: np.ndarray,
    truth: np.ndarray,
    affine: np.ndarray,
    tasks: Collection[str] = TASKS,
    raw: np.ndarray | None = None,
) -> dict[str, float]:
    """The columns of ``metrics.csv`` but for ``case`` and ``patient``.

    Args:
        prediction: label map [X, Y, Z] of scheme ``jdl``.
        truth: masks [2, X, Y, Z]: 0 myocardium (whole wall), 1 scar. A channel whose task is absent may hold anything.
        affine: 4x4, mm.
        tasks: those that the truth holds; all that depends on another is NaN.
        raw: masks [2, X, Y, Z] of the network's channels before scar is restricted to the wall.

    Returns:
        Dice; HD95 and average symmetric surface distance in mm; volume errors (prediction - truth) in mL; scar in % of LV
        mass; the share of true scar that the predicted myocardium covers and of predicted scar outside the true
        myocardium (NaN without such scar); whether there is any scar. ``emidec_dice_*`` is the mean over all slices of each
        slice's Dice, where a slice that is empty in both counts 1 (Lalande et al., Med Image Anal 2022;79:102428, as in
        the challenge's published code). ``raw_*`` are the same for the raw channels, NaN without them.

    Raises:
        ValueError: the shapes differ.
    """
    if truth.shape != (len(TASKS), *prediction.shape):
        raise ValueError(f"the truth has shape {truth.shape}, the prediction needs {(len(TASKS), *prediction.shape)}.")
    known = {task: truth[channel] > 0.5 for channel, task in enumerate(TASKS) if task in tasks}
    found = {"myocardium": prediction >= 1, "scar": prediction == 2}
    volume = voxel_volume_ml(affine)
    row: dict[str, float] = dict.fromkeys((*METRICS_COLUMNS[1:], *EXTRA_COLUMNS[1:]), math.nan)

    for task, true in known.items():
        row[f"hd95_{task}_mm"], row[f"assd_{task}_mm"] = surface_distances(found[task], true, affine)
        row[f"volume_error_{task}_ml"] = volume * (int(found[task].sum()) - int(true.sum()))
        row[f"emidec_dice_{task}"] = emidec_dice(found[task], true)
    row["scar_percent_pred"] = scar_burden(prediction, affine)["scar_percent"]
    row["pred_scar_empty"] = not found["scar"].any()
    if "scar" in known:
        row["true_scar_empty"] = not known["scar"].any()
    if len(known) == len(TASKS) and known["myocardium"].any():
        row["scar_percent_true"] = 100 * int(known["scar"].sum()) / int(known["myocardium"].sum())

    masks_by_prefix = {"": found}
    if raw is not None:
        masks_by_prefix["raw_"] = {task: raw[channel] > 0.5 for channel, task in enumerate(TASKS)}
    for prefix, masks in masks_by_prefix.items():
        for task, true in known.items():
            row[f"{prefix}dice_{task}"] = dice_score(masks[task], true)
        if "scar" in known:
            row[f"{prefix}scar_recall_of_myocardium"] = share(known["scar"], masks["myocardium"])
        if "myocardium" in known:
            row[f"{prefix}scar_outside_myocardium"] = share(masks["scar"], ~known["myocardium"])
    return row


def case_detection(
    prediction: np.ndarray,
    truth: np.ndarray,
    tasks: Collection[str] = TASKS,
    scar_probability: np.ndarray | None = None,
) -> dict[str, Any] | None:
    """Is there scar? Truth, call and score of a case and of each of its slices, for :func:`summarise`.

    A case or a slice is called positive where the label map holds scar. Only slices that hold myocardium, predicted or true,
    take part: the others would be negatives won for nothing.

    Args:
        prediction: label map [X, Y, Z] of scheme ``jdl``.
        truth: masks [2, X, Y, Z], see :func:`case_metrics`.
        tasks: those that the truth holds.
        scar_probability: [X, Y, Z]; the score is then :func:`detection_score`, else the share of scar in the wall. Where no
            myocardium was found it is 0.

    Returns:
        ``{"truth": bool, "call": bool, "score": float, "slices": [the same three, ...]}``; None where scar is not annotated.
    """
    if "scar" not in tasks:
        return None
    true = truth[TASKS.index("scar")] > 0.5
    scar = prediction == 2
    wall = prediction >= 1

    def judge(where: Any) -> dict[str, Any]:
        inside = wall[where]
        if not inside.any():
            score = 0.0
        elif scar_probability is None:
            score = share(inside, scar[where])
        else:
            score = detection_score(scar_probability[where], inside)
        return {"truth": bool(true[where].any()), "call": bool(scar[where].any()), "score": score}

    heart = wall | true | (truth[TASKS.index("myocardium")] > 0.5 if "myocardium" in tasks else False)
    slices = [judge((..., z)) for z in np.flatnonzero(heart.any(axis=(0, 1)))]
    return judge(...) | {"slices": slices}


def surface_distances(prediction: np.ndarray, truth: np.ndarray, affine: np.ndarray) -> tuple[float, float]:
    """HD95 and average symmetric surface distance of two masks [X, Y, Z], in mm, by MONAI; NaN where a mask is empty.

    Distances are between voxel centres of the masks' surfaces, along the axes of the grid (``affine`` without shear).
    """
    if not (prediction.any() and truth.any()):
        return math.nan, math.nan
    (box,) = ndimage.find_objects((prediction | truth).astype(np.uint8))
    masks = [torch.from_numpy(mask[box])[None, None] for mask in (prediction, truth)]
    spacing = np.linalg.norm(np.asarray(affine, dtype=float)[:3, :3], axis=0).tolist()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*always_return_as_numpy")  # MONAI 1.6 warns of a call of its own
        hd95 = compute_hausdorff_distance(*masks, include_background=True, percentile=95, spacing=spacing)
        assd = compute_average_surface_distance(*masks, include_background=True, symmetric=True, spacing=spacing)
    return float(hd95), float(assd)


def dice_score(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Dice of two masks of any shape; NaN where both are empty, 0 where one is."""
    if not truth.any():
        return 0.0 if prediction.any() else math.nan
    return float(compute_dice(torch.from_numpy(prediction)[None, None], torch.from_numpy(truth)[None, None]))


def emidec_dice(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Mean over all slices [X, Y, Z] of the slice's Dice, 1 where the slice is empty in both."""
    both = 2.0 * np.count_nonzero(prediction & truth, axis=(0, 1))
    sizes = np.count_nonzero(prediction, axis=(0, 1)) + np.count_nonzero(truth, axis=(0, 1))
    return float(np.divide(both, sizes, out=np.ones_like(both), where=sizes > 0).mean())


def share(part: np.ndarray, whole: np.ndarray) -> float:
    """The share of the voxels of ``part`` that lie in ``whole``; NaN where ``part`` is empty."""
    return float(whole[part].mean()) if part.any() else math.nan
