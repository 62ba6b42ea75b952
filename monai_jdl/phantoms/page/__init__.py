"""ECG pages as machines print them, with exact truth."""

from monai_jdl.phantoms.page.header import PageHeader
from monai_jdl.phantoms.page.random_style import random_header, random_style
from monai_jdl.phantoms.page.render import RenderedPage, render_page
from monai_jdl.phantoms.page.style import GRID_COLORS, GridColors, PageStyle
from monai_jdl.phantoms.page.text import PageText

__all__ = [
    "GRID_COLORS",
    "GridColors",
    "PageHeader",
    "PageStyle",
    "PageText",
    "RenderedPage",
    "random_header",
    "random_style",
    "render_page",
]
