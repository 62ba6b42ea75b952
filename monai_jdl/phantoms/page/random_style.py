"""Pages of many machines: drawn styles and made-up headers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cardiac_transforms.ecg.leads import LAYOUTS, Layout
from monai_jdl.phantoms.page.header import PageHeader
from monai_jdl.phantoms.page.style import GRID_COLORS, Color, GridColors, PageStyle

_PAPERS = ((279.4, 215.9), (297.0, 210.0), (215.9, 279.4), (210.0, 297.0), None)
"""Width and height in mm: Letter and A4, landscape and portrait; ``None`` is a window that just holds the traces."""
_FILTERS = (
    "0.05-150 Hz",
    "0.05-40 Hz",
    "0.15-100 Hz",
    "0.5-40 Hz",
    "0.67-100 Hz",
    "0.5-35 Hz  50 Hz",
    "0.05-100 Hz  60 Hz",
)
_HEADER_COLUMNS = (
    ("header", "measurement", "diagnosis"),
    ("measurement", "diagnosis", "header"),
    ("header", "diagnosis", "measurement"),
)
_INKS = ((20, 20, 24), (0, 0, 0), (45, 45, 50), (30, 25, 80), (10, 30, 110))


def random_style(
    rng: np.random.Generator,
    *,
    layout: str | Layout = "3x4+1",
    dpi: float | None = None,
    fonts: Sequence[str] = (),
) -> PageStyle:
    """Draw the look of one machine's pages.

    Shares are set by eye after photographs and scans from many machines: mostly 25 mm/s and 10 mm/mV, red to pink grids, a
    pulse on the left; grids that fill the picture and grids in a frame below a white header. Pages without any grid are not
    drawn.

    Args:
        rng: source of the draws.
        layout: the arrangement that the page shall hold, or its name; distances suit its number of rows.
        dpi: dots per inch; drawn between 90 and 200 if ``None``.
        fonts: paths of TrueType fonts to choose from beside the one inside Pillow.
    """
    rows = (LAYOUTS[layout] if isinstance(layout, str) else layout).row_count
    paper = _PAPERS[rng.choice(len(_PAPERS), p=[0.3, 0.3, 0.05, 0.05, 0.3])]
    speed = 50.0 if rng.random() < 0.1 else 25.0
    pitch = float(rng.uniform(22, 42) if rows <= 4 else rng.uniform(90, 170) / rows)
    framed = paper is not None and rng.random() < 0.6
    width, height = paper or (rng.uniform(262, 275), rng.uniform(12, 30) + rows * pitch)
    colors, dots = _grid_colors(rng), rng.random() < 0.21
    if dots:  # as dark as the lines, else so little ink would not be seen
        colors = colors._replace(minor=colors.major)
    return PageStyle(
        dpi=float(dpi or rng.uniform(90, 200)),
        width=float(width),
        height=float(height),
        margin=float(rng.uniform(5.0, 8.0)) if paper else float(rng.uniform(2.0, 4.0)),
        speed=speed,
        gain=float(rng.choice([10.0, 5.0, 20.0], p=[0.86, 0.07, 0.07])),
        row_pitch=pitch if rows < 3 or (width > height and rng.random() < 0.7) else None,
        colors=colors,
        border_color=colors.paper if rng.random() < 0.3 else (255, 255, 255),
        grid="dots" if dots else "lines" if rng.random() < 0.94 else "major",
        minor_width=float(rng.uniform(0.15, 0.35) if dots else rng.uniform(0.08, 0.25)),
        major_width=float(rng.uniform(0.15, 0.45)),
        grid_margin=float(rng.uniform(2.0, 6.0)) if framed else None,
        grid_phase=(float(rng.uniform(0, 5)), float(rng.uniform(0, 5))),
        trace_color=_INKS[rng.choice(len(_INKS), p=[0.4, 0.25, 0.15, 0.12, 0.08])],
        trace_width=float(rng.uniform(0.18, 0.5)),
        name_size=float(rng.uniform(2.6, 4.2)),
        name_place="above" if rng.random() < 0.55 else "below",
        name_distance=float(rng.uniform(min(1.5, 0.1 * pitch), min(7.0, 0.35 * pitch))),
        text_size=float(rng.uniform(2.4, 3.4)),
        bold=float(rng.choice([0.0, 0.15, 0.25, 0.35])),
        font=(None, *fonts)[int(rng.integers(len(fonts) + 1))],
        separator=("none", "tick", "bar", "line")[rng.choice(4, p=[0.35, 0.25, 0.1, 0.3])],
        pulse=("left", "right", "none")[rng.choice(3, p=[0.72, 0.1, 0.18])],
        pulse_feet=float(rng.choice([0.0, 0.7, 1.5])),
        footer=bool(rng.random() < 0.7),
        filter=_FILTERS[int(rng.integers(len(_FILTERS)))],
        header_columns=_HEADER_COLUMNS[int(rng.integers(len(_HEADER_COLUMNS)))],
    )


def _grid_colors(rng: np.random.Generator) -> GridColors:
    """A preset with its colours shifted a little and its lines paler or stronger."""
    names = list(GRID_COLORS)
    paper, minor, major = GRID_COLORS[names[rng.choice(len(names), p=[0.25, 0.25, 0.08, 0.15, 0.07, 0.05, 0.1, 0.05])]]
    strength, shift = rng.uniform(0.7, 1.15), rng.integers(-6, 7, size=3)

    def vary(color: Color) -> Color:
        value = np.array(paper) + strength * (np.array(color) - paper) + shift
        red, green, blue = (int(channel) for channel in np.clip(value, 0, 255))
        return red, green, blue

    return GridColors(vary(paper), vary(minor), vary(major))


_RHYTHMS = ("Sinus rhythm", "Normal sinus rhythm", "Atrial fibrillation")
_FINDINGS = (
    "Left axis deviation", "Possible left atrial enlargement", "Incomplete right bundle branch block",
    "Left bundle branch block", "Nonspecific ST and T wave abnormality", "Possible inferior infarct, age undetermined",
    "Anterior infarct, age undetermined", "T wave abnormality, consider lateral ischemia", "Low voltage QRS",
    "Prolonged QT", "Minimal voltage criteria for LVH, may be normal variant", "First degree AV block",
)  # fmt: skip
_VERDICTS = ("Borderline ECG", "Abnormal ECG", "Otherwise normal ECG")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def random_header(rng: np.random.Generator) -> PageHeader:
    """Draw a made-up patient, measurements and a machine's interpretation.

    Nothing in it follows from any signal; names are numbers behind the word ``SYNTHETIC``, so that no text can be taken for
    a patient's.

    Args:
        rng: source of the draws.
    """
    number = int(rng.integers(1, 10_000))
    date = f"{rng.integers(1, 29):02d}-{_MONTHS[rng.integers(12)]}-{rng.integers(1995, 2026)}"
    heart_rate, pr, qrs, qt = (int(rng.integers(*limits)) for limits in ((48, 115), (120, 220), (76, 150), (340, 460)))
    corrected = round(qt * (heart_rate / 60) ** 0.5)  # Bazett
    axes = "  ".join(str(int(rng.integers(-60, 100))) for _ in range(3))
    header = (
        f"SYNTHETIC, Patient {number:04d}",
        f"ID: {rng.integers(10**6, 10**7)}",
        f"{date}   {rng.integers(24):02d}:{rng.integers(60):02d}:{rng.integers(60):02d}",
        f"{rng.integers(20, 95)} yr   {('Male', 'Female')[rng.integers(2)]}",
    )
    measurement = (
        f"Vent. rate      {heart_rate}  BPM",
        f"PR interval    {pr}  ms",
        f"QRS duration   {qrs}  ms",
        f"QT/QTc      {qt}/{corrected}  ms",
        f"P-R-T axes    {axes}",
    )
    found = rng.choice(len(_FINDINGS), size=int(rng.integers(0, 4)), replace=False)
    rhythm, verdict = _RHYTHMS[int(rng.integers(len(_RHYTHMS)))], _VERDICTS[int(rng.integers(len(_VERDICTS)))]
    if not 60 <= heart_rate <= 100:
        rhythm = "Sinus bradycardia" if heart_rate < 60 else "Sinus tachycardia"
    diagnosis = (
        rhythm,
        *(_FINDINGS[int(index)] for index in found),
        verdict if len(found) else "Normal ECG",
    )
    shown = rng.random(3) < (0.9, 0.8, 0.7)
    return PageHeader(
        *(block if show else () for block, show in zip((header, measurement, diagnosis), shown, strict=True))
    )
