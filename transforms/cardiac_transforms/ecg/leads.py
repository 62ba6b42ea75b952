"""The twelve leads, and how machines arrange them on a page.

Pixel coordinates here and in all of :mod:`cardiac_transforms.ecg` are ``(x, y)``: x to the right, y down, in pixels, with the
centre of the top left pixel at ``(0, 0)``. Images are channel first, ``(C, H, W)``; boxes are ``(x1, y1, x2, y2)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""Order of the leads in every 12-lead array, ``[12, T]``."""
DURATION = 10.0
"""Seconds that a row of a page shows in the layouts of :data:`LAYOUTS`."""


@dataclass(frozen=True)
class LeadBox:
    """One stretch of one lead on a page.

    Attributes:
        lead: name as in :data:`LEADS`; a leading ``-`` means printed upside down (``-aVR`` of the Cabrera order).
        box: ``(x1, y1, x2, y2)`` in pixels. x1 and x2 are the edges of the stretch of time; y1 and y2 lie half a row pitch
            above and below the row's zero line (tall waves may leave the box).
        start: time at x1 in seconds from the beginning of the record.
        stop: time at x2.
        rhythm: whether this is a rhythm strip below the twelve leads.
    """

    lead: str
    box: tuple[float, float, float, float]
    start: float
    stop: float
    rhythm: bool = False


@dataclass(frozen=True)
class Layout:
    """An arrangement of the leads: rows of equal duration, split into columns of equal width that follow each other in time.

    Attributes:
        name: key in :data:`LAYOUTS`.
        rows: names of the leads, row by row from the top, each from left to right.
        rhythm: leads of the full-width strips below them.
    """

    name: str
    rows: tuple[tuple[str, ...], ...]
    rhythm: tuple[str, ...] = ()

    @property
    def columns(self) -> int:
        """Number of columns above the rhythm strips."""
        return len(self.rows[0])

    @property
    def row_count(self) -> int:
        """Number of rows, rhythm strips included."""
        return len(self.rows) + len(self.rhythm)

    def stretches(self) -> Iterator[tuple[int, str, float, float, bool]]:
        """Row index, lead, start and stop in seconds, and whether it is a rhythm strip, in reading order."""
        step = DURATION / self.columns
        for row, leads in enumerate(self.rows):
            for column, lead in enumerate(leads):
                yield row, lead, column * step, (column + 1) * step, False
        for row, lead in enumerate(self.rhythm, len(self.rows)):
            yield row, lead, 0.0, DURATION, True


def _by_columns(order: tuple[str, ...], columns: int) -> tuple[tuple[str, ...], ...]:
    """Rows of a page whose columns, read downwards one after the other, hold ``order``."""
    rows = len(order) // columns
    return tuple(order[row::rows] for row in range(rows))


_CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III", *LEADS[6:])

LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("3x4", _by_columns(LEADS, 4)),
        Layout("3x4+1", _by_columns(LEADS, 4), ("II",)),
        Layout("3x4+3", _by_columns(LEADS, 4), ("V1", "II", "V5")),
        Layout("6x2", _by_columns(LEADS, 2)),
        Layout("6x2+1", _by_columns(LEADS, 2), ("II",)),
        Layout("12x1", _by_columns(LEADS, 1)),
        Layout("2x6", (LEADS[:6], LEADS[6:])),
        Layout("3x4+1 Cabrera", _by_columns(_CABRERA, 4), ("II",)),
        Layout("6x2 Cabrera", _by_columns(_CABRERA, 2)),
        Layout("12x1 Cabrera", _by_columns(_CABRERA, 1)),
    )
}
"""Arrangements by name: rows x columns, ``+n`` rhythm strips, standard or Cabrera order of the limb leads."""
