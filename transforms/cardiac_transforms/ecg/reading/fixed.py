"""The two reports of the mtecg study: pages whose lead boxes are known beforehand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardiac_transforms.ecg.leads import LAYOUTS, LeadBox
from cardiac_transforms.ecg.reading.layout import GAIN, SPEED, PageLayout
from cardiac_transforms.ecg.reading.rows import follow, ink_runs


def _tiles(
    layout: str,
    corner: tuple[int, int],
    size: tuple[int, int],
    xs: tuple[int, ...],
    ys: tuple[int, ...],
    seconds: float,
) -> tuple[LeadBox, ...]:
    """Boxes of equal size at ``corner`` plus every ``xs`` and ``ys``, all in pixels."""
    return tuple(
        LeadBox(
            lead,
            (
                corner[0] + xs[column] - 0.5,
                corner[1] + ys[row] - 0.5,
                corner[0] + xs[column] + size[0] - 0.5,
                corner[1] + ys[row] + size[1] - 0.5,
            ),
            column * seconds,
            (column + 1) * seconds,
        )
        for row, leads in enumerate(LAYOUTS[layout].rows)
        for column, lead in enumerate(leads)
    )


FIXED_LAYOUTS = {
    "mtecg 6x2": _tiles("6x2", (176, 258), (1472, 240), (0, 1472), (0, 240, 480, 720, 960, 1080), 5.0),
    "mtecg 3x4": _tiles("3x4", (82, 950), (701, 350), (0, 740, 1478, 2217), (0, 350, 700), 2.5),
}
"""Lead boxes of the two reports of Siriraj Hospital that the mtecg study (Sci Rep 2024, s41598-024-58131-6) cuts its
tiles from, on pages rasterised at 300 dots per inch. The sixth row of the first overlaps the fifth, as it does
there."""
FIXED_SCALES = {"mtecg 6x2": 294.0 / SPEED, "mtecg 3x4": 280.0 / SPEED}
"""Pixels per mm along these pages: the report's pixels per second over 25 mm/s."""


def fixed_layout(ink: NDArray[np.float32], name: str) -> PageLayout:
    """A page whose boxes are known beforehand, without any detection.

    Args:
        ink: ``[H, W]`` of the whole page at 300 dots per inch.
        name: key of :data:`FIXED_LAYOUTS`.

    Raises:
        KeyError: no such layout.
    """
    boxes = list(FIXED_LAYOUTS[name])
    arrangement = LAYOUTS[name.split()[1]]
    zero = np.array([0.5 * (b.box[1] + b.box[3]) for b in boxes[:: arrangement.columns]])
    rows = follow(ink_runs(ink, ink > 0.5), zero, FIXED_SCALES[name])
    return PageLayout(arrangement, boxes, SPEED, GAIN, False, 1.0, "", rows)
