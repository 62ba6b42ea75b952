"""Reading a picture of an ECG page: where the grid lies, where the leads are, and what they show."""

from cardiac_transforms.ecg.reading.digitize import DigitizedECG, digitize
from cardiac_transforms.ecg.reading.fixed import FIXED_LAYOUTS, FIXED_SCALES, fixed_layout, read_fixed_page
from cardiac_transforms.ecg.reading.grid import PageGrid, find_grid, flat_grid
from cardiac_transforms.ecg.reading.ink import remove_grid, trace_ink
from cardiac_transforms.ecg.reading.layout import PageLayout, find_leads
from cardiac_transforms.ecg.reading.masking import mask_text
from cardiac_transforms.ecg.reading.page import PageReading, read_page
from cardiac_transforms.ecg.reading.rectify import PIXELS_PER_MM, RectifiedPage, rectify
from cardiac_transforms.ecg.reading.transforms import *
from cardiac_transforms.ecg.reading.transforms import __all__ as _transforms

__all__ = [
    "FIXED_LAYOUTS",
    "FIXED_SCALES",
    "PIXELS_PER_MM",
    "DigitizedECG",
    "PageGrid",
    "PageLayout",
    "PageReading",
    "RectifiedPage",
    "digitize",
    "find_grid",
    "find_leads",
    "fixed_layout",
    "flat_grid",
    "mask_text",
    "read_fixed_page",
    "read_page",
    "rectify",
    "remove_grid",
    "trace_ink",
    *_transforms,
]
