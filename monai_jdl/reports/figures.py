"""Figures: the slices of a case with its contours, agreement with the truth, and the course of a training."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from monai_jdl.analysis import agreement
from monai_jdl.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MYOCARDIUM_COLOUR = "#35c4dc"
SCAR_COLOUR = "#ff8c1a"
MOST_SLICES = 12
MARGIN_MM = 12.0
PANEL_INCHES = 1.35


def case_figure(image: np.ndarray, affine: np.ndarray, masks: Mapping[str, np.ndarray]) -> Figure:
    """The slices of a stack from base to apex; below, the same slices with the contours of each mask.

    Myocardium is outlined, scar outlined and tinted. Shown are the slices that any mask marks (all where none does), at most
    12, cropped to the heart. Where ``affine`` is that of a short-axis stack, the right of each picture lies towards the
    patient's left and its lower edge towards the feet, as viewers show it.

    Args:
        image: [X, Y, Z].
        affine: 4x4 to RAS+, mm.
        masks: name -> label map [X, Y, Z] of scheme ``jdl``.

    Raises:
        InputError: matplotlib is not installed.
    """
    axes = np.asarray(affine, dtype=float)[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    marked = np.any([np.zeros(image.shape, dtype=bool), *(mask > 0 for mask in masks.values())], axis=0)
    crop = (*_heart_box(marked, spacing), slice(None))
    # The first axis runs to the patient's left (R < 0), the second down (S < 0).
    turn = (slice(None, None, -1 if axes[0, 0] > 0 else 1), slice(None, None, -1 if axes[2, 1] > 0 else 1))
    slices = _base_to_apex(marked, axes)
    shown = image[crop]
    window = dict(zip(("vmin", "vmax"), np.nanpercentile(shown, [1, 99.5]), strict=True))

    ratio = shown.shape[1] * spacing[1] / (shown.shape[0] * spacing[0])
    rows = ["image", *masks]
    figure = _figure(PANEL_INCHES * len(slices) + 0.3, PANEL_INCHES * ratio * len(rows) + 0.25, facecolor="black")
    panels = figure.subplots(len(rows), len(slices), squeeze=False)
    left, top = 0.3 / figure.get_figwidth(), 1 - 0.25 / figure.get_figheight()
    figure.subplots_adjust(left=left, right=1, bottom=0, top=top, wspace=0.02, hspace=0.02)
    for row, name in enumerate(rows):
        for panel, z in zip(panels[row], slices, strict=True):
            panel.imshow(shown[..., z][turn].T, cmap="gray", aspect=spacing[1] / spacing[0], **window)
            panel.set(xticks=[], yticks=[])
            if row == 0:
                panel.set_title(f"slice {z + 1}", color="white", fontsize=7, pad=2)
            else:
                _draw_label(panel, masks[name][crop][..., z][turn].T)
        panels[row, 0].set_ylabel(name, color="white", fontsize=8)
    return figure


def agreement_figure(true_percent: Sequence[float], predicted_percent: Sequence[float]) -> Figure:
    """Predicted - true scar % over their mean, with bias and 95 % limits of agreement (Bland and Altman 1986).

    Args:
        true_percent: scar in % of LV mass, one per case; a pair with NaN is left out.
        predicted_percent: the same, predicted.

    Raises:
        InputError: matplotlib is not installed.
    """
    true, predicted = np.asarray(true_percent, dtype=float), np.asarray(predicted_percent, dtype=float)
    both = np.isfinite(true) & np.isfinite(predicted)
    difference = (predicted - true)[both]
    lines = agreement(difference, range(len(difference)))
    figure = _figure(5.2, 3.6, layout="constrained")
    panel = figure.subplots()
    panel.scatter(((predicted + true) / 2)[both], difference, s=18, color="#1f6f8b", alpha=0.8)
    for name, style in (("bias", "-"), ("upper_limit", "--"), ("lower_limit", "--")):
        if np.isfinite(lines[name] if lines[name] is not None else np.nan):
            panel.axhline(lines[name], color="#c4560a", linestyle=style, linewidth=1.2)
            panel.annotate(
                f"{name.replace('_', ' ')} {lines[name]:+.1f}",
                (1, lines[name]),
                xycoords=("axes fraction", "data"),
                xytext=(-3, 3),
                textcoords="offset points",
                ha="right",
                fontsize=8,
                color="#c4560a",
            )
    panel.set(xlabel="mean of true and predicted scar (% of LV mass)", ylabel="predicted - true (% of LV mass)")
    return figure


def curves_figure(curves: Mapping[str, Sequence[float]], ylabel: str = "loss") -> Figure:
    """The course of a training: one line for each name, a value for each epoch.

    Raises:
        InputError: matplotlib is not installed.
    """
    figure = _figure(5.2, 3.2, layout="constrained")
    panel = figure.subplots()
    for name, values in curves.items():
        panel.plot(range(1, len(values) + 1), values, marker=".", label=name)
    panel.locator_params(axis="x", integer=True)
    panel.set(xlabel="epoch", ylabel=ylabel)
    panel.grid(alpha=0.3)
    panel.legend(frameon=False)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG file's bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return file.getvalue()


def _figure(width: float, height: float, **settings: Any) -> Figure:
    """A figure of its own, in inches: without pyplot, so that nothing is kept and no display is needed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("matplotlib: is needed for pictures and missing; pip install 'monai_jdl[reports]'.") from error
    return Figure(figsize=(width, height), **settings)


def _heart_box(marked: np.ndarray, spacing: np.ndarray) -> tuple[slice, slice]:
    """In-plane box of the marked voxels with a margin; the whole plane where nothing is marked."""
    found = ndimage.find_objects(marked.any(axis=2).astype(np.uint8))
    if not found:
        return slice(None), slice(None)
    margin = np.ceil(MARGIN_MM / spacing[:2]).astype(int)
    x, y = (slice(max(0, s.start - m), s.stop + m) for s, m in zip(found[0], margin, strict=True))
    return x, y


def _base_to_apex(marked: np.ndarray, axes: np.ndarray) -> list[int]:
    """The slices to show. The apex lies to the left, in front and below (RAS -, +, -) of the base."""
    slices = np.flatnonzero(marked.any(axis=(0, 1))) if marked.any() else np.arange(marked.shape[2])
    if len(slices) > MOST_SLICES:
        slices = slices[np.linspace(0, len(slices) - 1, MOST_SLICES).round().astype(int)]
    return slices.tolist() if axes[:, 2] @ np.array([-1, 1, -1]) > 0 else slices[::-1].tolist()


def _draw_label(panel: Any, label: np.ndarray) -> None:
    """Contours of a label map's slice [rows, columns]; contours need both sides of the level."""
    scar = label == 2
    for mask, colour, width in ((label > 0, MYOCARDIUM_COLOUR, 0.9), (scar, SCAR_COLOUR, 0.8)):
        if mask.any() and not mask.all():
            panel.contour(mask, levels=[0.5], colors=[colour], linewidths=width)
    if scar.any():
        tint = np.zeros((*scar.shape, 4))
        tint[scar] = [1.0, 0.55, 0.1, 0.35]
        panel.imshow(tint, aspect=panel.get_aspect())
