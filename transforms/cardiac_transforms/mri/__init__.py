"""Transforms for cardiac MR, one module for each physical effect; each lists its public names in ``__all__``.

The pure functions below them are in :mod:`cardiac_transforms.mri.kernels`.
"""

from cardiac_transforms.mri import (
    breathing,
    coverage,
    ghosting,
    inversion_time,
    mistriggering,
    noise,
    nyul,
    phase_sensitive,
    resolution,
    scar_label,
    segmented_motion,
    shading,
    slice_misalignment,
    slices,
    spikes,
    standardize,
)
from cardiac_transforms.mri.breathing import *
from cardiac_transforms.mri.coverage import *
from cardiac_transforms.mri.ghosting import *
from cardiac_transforms.mri.inversion_time import *
from cardiac_transforms.mri.mistriggering import *
from cardiac_transforms.mri.noise import *
from cardiac_transforms.mri.nyul import *
from cardiac_transforms.mri.phase_sensitive import *
from cardiac_transforms.mri.resolution import *
from cardiac_transforms.mri.scar_label import *
from cardiac_transforms.mri.segmented_motion import *
from cardiac_transforms.mri.shading import *
from cardiac_transforms.mri.slice_misalignment import *
from cardiac_transforms.mri.slices import *
from cardiac_transforms.mri.spikes import *
from cardiac_transforms.mri.standardize import *

__all__ = [
    *breathing.__all__,
    *coverage.__all__,
    *ghosting.__all__,
    *inversion_time.__all__,
    *mistriggering.__all__,
    *noise.__all__,
    *nyul.__all__,
    *phase_sensitive.__all__,
    *resolution.__all__,
    *scar_label.__all__,
    *segmented_motion.__all__,
    *shading.__all__,
    *slice_misalignment.__all__,
    *slices.__all__,
    *spikes.__all__,
    *standardize.__all__,
]
