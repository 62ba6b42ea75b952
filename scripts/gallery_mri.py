"""The gallery of transforms/README.md: before, after and difference for one slice of a simulated patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from gallery_examples import DOCUMENTS, Gallery
from monai.data import MetaTensor
from PIL import Image

import cardiac_transforms.mri as mri
from monai_jdl.phantoms import simulate

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SEED, OTHER, SLICE, COLUMN = 7, 11, 4, 120
HEART = (slice(56, 184), slice(64, 192))
"""Voxels along X and Y that are shown of most pictures."""
WHOLE = ("Ghosting", "KSpaceSpikes", "Mistriggering", "SurfaceCoilShading", "ZeroMeanBiasField")
"""Shown in full, for they reach everywhere."""
LONG_AXIS = ("SliceMisalignment", "ThickSlices")
"""Shown in a plane across the slices."""
RESCALED = ("NyulStandardize", "StandardizePercentiles", "StandardizeToReference")
"""The values have another unit afterwards: a window of its own, and in place of the difference the map of the values."""
GREYS, COLOURS = 32, 17


def patient() -> dict[str, Any]:
    """What the examples work on: ``image`` and ``label`` of one patient with their affine, and ``other``, another's image."""
    case, other = (simulate(seed, display="magnitude") for seed in (SEED, OTHER))
    affine = torch.from_numpy(case.affine)
    image = torch.from_numpy(case.image.astype(np.float32))
    return {
        "mri": mri,
        "image": MetaTensor(image[None], affine=affine),
        "label": MetaTensor(torch.from_numpy(case.label)[None], affine=affine),
        "other": torch.from_numpy(other.image.astype(np.float32))[None],
        "spacing": case.spacing,
    }


def plane(name: str, stack: torch.Tensor) -> np.ndarray:
    """What is shown of ``(1, X, Y, Z)``, rows downwards."""
    if name in LONG_AXIS:
        return stack[0, COLUMN, HEART[1]].T.numpy()
    x, y = (slice(None), slice(None)) if name in WHOLE else HEART
    return stack[0, x, y, SLICE].T.numpy()


def draw(name: str, names: dict[str, Any], target: Path) -> None:
    """Before, after and difference of one plane of ``image`` and ``out``, ``(1, X, Y, Z)``; written as a small PNG."""
    before, after = (plane(name, names[key].as_tensor()) for key in ("image", "out"))
    spacing = names["spacing"]
    aspect = spacing[2] / spacing[1] if name in LONG_AXIS else 1
    window = (float(min(0, before.min(), after.min())), float(np.percentile(before, 99.8)))
    figure, panels = plt.subplots(1, 3, figsize=(6.3, 1.5 if name in LONG_AXIS else 2.3), layout="constrained")
    panels[0].imshow(before, cmap="gray", vmin=window[0], vmax=window[1], aspect=aspect)
    panels[0].set_title("before", fontsize=8)
    if name in RESCALED:
        low, high = np.percentile(after, (0.2, 99.8))
        panels[1].imshow(after, cmap="gray", vmin=low, vmax=high, aspect=aspect)
        panels[1].set_title(f"after, {low:.1f} to {high:.1f}", fontsize=8)
        order = np.argsort(before, axis=None)
        panels[2].plot(before.ravel()[order], after.ravel()[order], color="black", linewidth=1)
        panels[2].set_title("value after against value before", fontsize=8)
        panels[2].tick_params(labelsize=6)
    else:
        panels[1].imshow(after, cmap="gray", vmin=window[0], vmax=window[1], aspect=aspect)
        panels[1].set_title("after", fontsize=8)
        difference = 100 * (after - before) / (window[1] - window[0])
        reach = max(float(np.ceil(np.percentile(np.abs(difference), 99.8))), 1.0)
        panels[2].imshow(difference, cmap="RdBu_r", vmin=-reach, vmax=reach, aspect=aspect)
        panels[2].set_title(f"difference: blue -{reach:.0f} %, red +{reach:.0f} %", fontsize=8)
        panels[2].axis("off")
    for panel in panels[:2]:
        panel.axis("off")
    figure.savefig(target, dpi=100, metadata={"Software": None})
    plt.close(figure)
    greys = np.linspace(0, 1, GREYS)[:, None].repeat(3, axis=1)
    palette = Image.new("P", (1, 1))
    palette.putpalette(
        np.rint(255 * np.vstack([greys, plt.get_cmap("RdBu_r")(np.linspace(0, 1, COLOURS))[:, :3]]))
        .astype(np.uint8)
        .tobytes()
    )
    with Image.open(target) as picture:
        small = picture.convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE)
    small.save(target, optimize=True)


GALLERY = Gallery(DOCUMENTS / "README.md", "images/{}.png", patient, draw)
