"""Simulated patients: arrays and numbers, no files."""

from monai_jdl.phantoms.ecg import ECGCase, simulate_ecg
from monai_jdl.phantoms.lge import TEST_SEEDS, LGECase, frozen_test_set, simulate
from monai_jdl.phantoms.page import (
    GRID_COLORS,
    PageHeader,
    PageStyle,
    RenderedPage,
    random_header,
    random_style,
    render_page,
)
from monai_jdl.phantoms.twin import TwinCase, simulate_twin

__all__ = [
    "GRID_COLORS",
    "TEST_SEEDS",
    "ECGCase",
    "LGECase",
    "PageHeader",
    "PageStyle",
    "RenderedPage",
    "TwinCase",
    "frozen_test_set",
    "random_header",
    "random_style",
    "render_page",
    "simulate",
    "simulate_ecg",
    "simulate_twin",
]
