"""How a machine's pages look: paper, grid, pen, lettering."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from monai_jdl.errors import InputError

Color = tuple[int, int, int]
MIN_DPI = 50.0
"""Fewest dots per inch: 2 pixels per mm, where the lines of 1 mm can just be told apart."""


class GridColors(NamedTuple):
    """Red, green and blue, 0-255, of the paper, of the 1 mm lines and of the 5 mm lines."""

    paper: Color
    minor: Color
    major: Color


GRID_COLORS = {
    "pink": GridColors((253, 240, 243), (246, 205, 214), (231, 160, 176)),
    "red": GridColors((255, 250, 247), (250, 190, 180), (225, 100, 95)),
    "magenta": GridColors((255, 228, 245), (253, 200, 230), (248, 140, 178)),
    "orange": GridColors((253, 236, 226), (243, 196, 168), (224, 130, 92)),
    "green": GridColors((247, 252, 245), (190, 222, 186), (112, 176, 116)),
    "blue": GridColors((247, 250, 255), (192, 210, 238), (120, 152, 206)),
    "grey": GridColors((250, 250, 250), (212, 212, 212), (150, 150, 150)),
    "black": GridColors((255, 255, 255), (190, 190, 190), (100, 100, 100)),
}
"""Grids as seen on paper and on screens, by the colour of their lines."""


@dataclass(frozen=True)
class PageStyle:
    """Everything about a page that is not the patient's. Lengths are in mm on the paper.

    Attributes:
        dpi: dots per inch; ``dpi / 25.4`` is the number of pixels per mm.
        width: width of the page (279.4 is Letter landscape, 297 is A4 landscape).
        height: height of the page.
        margin: paper left free on all four sides.
        speed: paper speed in mm/s.
        gain: mm/mV.
        row_pitch: greatest distance between the zero lines of neighbouring rows; ``None`` spreads the rows over the page.
        colors: colours of paper and grid; :data:`GRID_COLORS` has presets.
        border_color: paper around a grid that has a ``grid_margin``.
        grid: what is printed of the grid: 1 mm and 5 mm lines, dots every 1 mm between the 5 mm lines, the 5 mm lines
            alone, or nothing.
        minor_width: thickness of the 1 mm lines, or side of the dots.
        major_width: thickness of the 5 mm lines.
        grid_margin: bare paper around the grid, which then has a whole number of 5 mm squares and begins below the
            header; ``None`` lets the grid fill the page.
        grid_phase: where on a page that the grid fills the first 5 mm lines cross, (x, y) from the top left corner.
        trace_color: ink of traces, pulses and separators.
        trace_width: pen width.
        name_size: height of the lead names' lettering (em).
        name_place: lead names above or below the trace, at the start of its stretch.
        name_distance: from the zero line to the near side of the lead name.
        text_color: ink of all lettering.
        text_size: height of header and footer lettering (em).
        bold: distance of a second strike that makes lead names bold, 0 for plain.
        font: path of a TrueType font; ``None`` takes the one inside Pillow.
        separator: between the columns: nothing, a thin tick or a thick bar at each row, or a dotted line down all rows.
        pulse: calibration pulse of 1 mV and 200 ms in every row, left or right of the trace, or none.
        pulse_feet: length of zero line drawn on both sides of the pulse.
        footer: whether speed, gain and filter are printed at the bottom.
        filter: the footer's filter setting.
        header_columns: order of the header's three blocks from left to right.
    """

    dpi: float = 100.0
    width: float = 279.4
    height: float = 215.9
    margin: float = 8.0
    speed: float = 25.0
    gain: float = 10.0
    row_pitch: float | None = None
    colors: GridColors = GRID_COLORS["pink"]
    border_color: Color = (255, 255, 255)
    grid: Literal["lines", "dots", "major", "none"] = "lines"
    minor_width: float = 0.13
    major_width: float = 0.22
    grid_margin: float | None = None
    grid_phase: tuple[float, float] = (0.0, 0.0)
    trace_color: Color = (20, 20, 24)
    trace_width: float = 0.3
    name_size: float = 3.2
    name_place: Literal["above", "below"] = "above"
    name_distance: float = 5.0
    text_color: Color = (10, 10, 10)
    text_size: float = 2.8
    bold: float = 0.15
    font: str | None = None
    separator: Literal["none", "tick", "bar", "line"] = "tick"
    pulse: Literal["none", "left", "right"] = "left"
    pulse_feet: float = 1.0
    footer: bool = True
    filter: str = "0.05-150 Hz"
    header_columns: tuple[str, str, str] = field(default=("header", "measurement", "diagnosis"))

    def __post_init__(self) -> None:
        for name in ("dpi", "width", "height", "speed", "gain", "trace_width", "name_size", "text_size"):
            if not 0 < getattr(self, name) < float("inf"):
                raise InputError(f"A page's {name} must be greater than 0, not {getattr(self, name)}.")
        if self.dpi < MIN_DPI:
            raise InputError(f"{self.dpi:g} dpi cannot show the 1 mm grid; give at least {MIN_DPI:g} dpi.")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise InputError(f"A page's {name} is one of {', '.join(choices)}, not {getattr(self, name)!r}.")
        if sorted(self.header_columns) != ["diagnosis", "header", "measurement"]:
            raise InputError("A page's header_columns are header, measurement and diagnosis, each once.")

    @property
    def pixels_per_mm(self) -> float:
        """Pixels per mm of paper, the same in both directions."""
        return self.dpi / 25.4

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)`` of the page in pixels."""
        return round(self.height * self.pixels_per_mm), round(self.width * self.pixels_per_mm)


_CHOICES = {
    "grid": ("lines", "dots", "major", "none"),
    "name_place": ("above", "below"),
    "separator": ("none", "tick", "bar", "line"),
    "pulse": ("none", "left", "right"),
}
