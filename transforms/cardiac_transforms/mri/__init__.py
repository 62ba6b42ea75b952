"""Transforms for cardiac MR."""

from cardiac_transforms.mri.scar_label import (
    ScarLabelMap,
    ScarLabelMapd,
    ScarScheme,
    ScarSchemed,
    ScarTargets,
    ScarTargetsd,
)
from cardiac_transforms.mri.slices import NeighbouringSlices, NeighbouringSlicesd

__all__ = [
    "NeighbouringSlices",
    "NeighbouringSlicesd",
    "ScarLabelMap",
    "ScarLabelMapd",
    "ScarScheme",
    "ScarSchemed",
    "ScarTargets",
    "ScarTargetsd",
]
