"""The LGE phantom's scar as 17 numbers, without its images."""

from __future__ import annotations

import numpy as np

from monai_jdl.phantoms.scar import Lesion
from monai_jdl.phantoms.ventricle import ANGLES, PHI

_HEIGHTS = 24


def segments_of(lesion: Lesion | None, radius: float, length: float) -> np.ndarray:
    """Scar as a fraction of each AHA segment 1-17, ``[17]``, of a lesion in a smooth half ellipsoid.

    The lesion's own equation (:class:`~monai_jdl.phantoms.scar.Lesion`) is integrated over the depth of the wall on columns of
    the wall, and its extent is solved for the drawn mass, as in the image phantom, whose uneven wall is left out.

    Args:
        lesion: the drawn scar; ``None`` gives zeros.
        radius: mid-wall radius at the annulus, mm.
        length: from the annulus to the apex, mm.
    """
    if lesion is None:
        return np.zeros(17)
    h = (np.arange(_HEIGHTS) + 0.5) / _HEIGHTS * 1.08  # the apical cap lies below the cavity
    round_radius = radius * np.sqrt(np.clip(1 - (h / 1.09) ** 2, 0, None))
    radii = np.repeat(round_radius[:, None], ANGLES, 1).astype(np.float32)
    lateral = lesion.lateral(h * length, radii, length).astype(np.float64)
    mass = np.repeat(np.maximum(round_radius, 0.15 * radius)[:, None], ANGLES, 1)

    def depth_share(extent: float) -> np.ndarray:
        half = lesion.half_depth * np.sqrt(np.clip(1 - (lateral / extent) ** 4, 0, None))
        return np.clip(np.minimum(lesion.depth + half, 1) - np.maximum(lesion.depth - half, 0), 0, None)

    low, high = 0.02, 12.0
    for _ in range(14):
        extent = np.sqrt(low * high)
        if (depth_share(extent) * mass).sum() < lesion.size * mass.sum():
            low = extent
        else:
            high = extent
    scarred = depth_share(np.sqrt(low * high)) * mass
    turn = np.rad2deg(PHI)
    six = ((turn - 60) % 360 // 60).astype(int)
    four = ((turn - 45) % 360 // 90).astype(int)
    level = np.digitize(h, [1 / 3, 2 / 3, 1.0])
    segment = np.stack([six, 6 + six, 12 + four, np.full(ANGLES, 16)])[level].ravel()
    return np.bincount(segment, scarred.ravel(), 17) / np.bincount(segment, mass.ravel(), 17)
