"""What ``benchmark_transforms.py`` compares: for each effect our kernel, our transform, and its rivals with equal settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from monai import transforms as monai
from monai.data import MetaTensor
from torch import Tensor

from cardiac_transforms import mri
from cardiac_transforms.image_transform import RandomImageTransform
from cardiac_transforms.mri.kernels import courses, coverage, noise, resolution, shading, spikes
from cardiac_transforms.mri.kernels.rigid import rigid_motion
from cardiac_transforms.mri.kernels.translation import translate_lines

Size = tuple[int, int, int]
SPACING = (1.4, 1.4, 8.0)
STACK, CUBE = (256, 256, 12), (128, 128, 128)


@dataclass(frozen=True)
class Row:
    """One effect.

    Attributes:
        effect: its name.
        kernel: our kernel with explicit parameters, from a plain tensor to a tensor.
        transform: ours as a user has it, from a MetaTensor to a MetaTensor.
        monai: MONAI's transform, called in the same way.
        torchio: class and arguments in TorchIO 1, called on a ``ScalarImage``.
        alpha: the same in TorchIO 2.
        once: TorchIO is called once only, as it takes many seconds.
        floor: what any way of computing it must do, in words and as a function.
        bars: (rival, size): least ratio of the rival's time to our kernel's, and to that of our transform or ``None``.
    """

    effect: str
    kernel: Callable[[Tensor], Tensor]
    transform: RandomImageTransform
    monai: Callable[[MetaTensor], MetaTensor] | None = None
    torchio: tuple[str, dict[str, Any]] | None = None
    alpha: tuple[str, dict[str, Any]] | None = None
    once: bool = False
    floor: tuple[str, Callable[[Tensor], Tensor]] | None = None
    bars: dict[tuple[str, Size], tuple[float, float | None]] = field(default_factory=dict)


def transforms_in_plane(image: Tensor) -> Tensor:
    """Root sum of squares of two real images from one spectrum in plane."""
    spectrum = torch.fft.rfft2(image, dim=(1, 2))
    return torch.hypot(*(torch.fft.irfft2(spectrum, s=image.shape[1:3], dim=(1, 2)) for _ in range(2))).contiguous()


def transforms_along_lines(image: Tensor) -> Tensor:
    """Root sum of squares of two real images from one spectrum along Y."""
    spectrum = torch.fft.rfft(image, dim=2)
    return torch.hypot(*(torch.fft.irfft(spectrum, n=image.shape[2], dim=2) for _ in range(2))).contiguous()


def rows(size: Size) -> list[Row]:
    """The effects for images of ``size``; the phase-encode axis is Y."""
    x, lines, z = size
    draw = torch.Generator().manual_seed(0)

    def moves(image: Tensor, shot: Tensor, degrees: float) -> Tensor:
        """A pose for each shot, of some 3 mm along X and Y and ``degrees``."""
        shots = int(shot.max()) + 1
        return rigid_motion(
            image,
            shift[:shots],
            math.radians(degrees) * angle[:shots],
            shot,
            2,
            SPACING[:2],
            ((x - 1) / 2, (lines - 1) / 2),
        )

    shift, angle = 2 * torch.randn(lines, 2, generator=draw), torch.randn(lines, generator=draw)
    beats, each = torch.arange(lines) * 8 // lines, torch.arange(lines)
    ghost = torch.stack([torch.zeros(lines), 2 * courses.periodic(lines, 8)], 1)
    spike = (torch.tensor([[20, 30]]), torch.tensor([0.5]), torch.zeros(1))
    bias = 0.1 * torch.randn(4, 4, 4, generator=draw)
    thick = resolution.thick_slices(z, 1.0, 2.0)
    motion = {"degrees": 3, "translation": 4}
    found = [
        Row(
            "rigid motion, 8 poses",
            lambda image: moves(image, beats, 3),
            mri.RandSegmentedMotion(1, shots=(8, 8), phase_axes=(1,)),
            # num_transforms movements and the pose at rest; linear interpolation, as it is TorchIO's default
            torchio=("RandomMotion", {**motion, "num_transforms": 7}),
            alpha=("Motion", {**motion, "num_transforms": 7}),
            bars={("TorchIO 1.2.1", STACK): (4, 3.5), ("TorchIO 1.2.1", CUBE): (7, None)},
        ),
        Row(
            "translation, 8 poses (breathing)",
            lambda image: moves(image, beats, 0),
            mri.RandSegmentedMotion(1, rms_degrees=(0, 0), shots=(8, 8), phase_axes=(1,)),
            torchio=("RandomMotion", {"degrees": 0, "translation": 4, "num_transforms": 7}),
            alpha=("Motion", {"degrees": 0, "translation": 4, "num_transforms": 7}),
            floor=("a real 2-D FFT there, two back, magnitude", transforms_in_plane),
            bars={("TorchIO 1.2.1", STACK): (20, 17)},
        ),
        Row(
            "rigid motion, one pose per line",
            lambda image: moves(image, each, 3),
            mri.RandSegmentedMotion(1, shots=(lines, lines), phase_axes=(1,)),
            torchio=("RandomMotion", {**motion, "num_transforms": lines - 1}),
            alpha=("Motion", {**motion, "num_transforms": lines - 1}),
            once=True,
            bars={("TorchIO 1.2.1", STACK): (80, 70)},
        ),
        Row(
            "ghosting",
            lambda image: translate_lines(image, ghost, axis=2),
            mri.RandGhosting(1, phase_axes=(1,)),
            torchio=("RandomGhosting", {"num_ghosts": (4, 4), "axes": (1,)}),
            alpha=("Ghosting", {"num_ghosts": 4, "axes": (1,), "intensity": (0.5, 1.0)}),
            floor=("a real 1-D FFT there, two back, magnitude", transforms_along_lines),
            bars={("TorchIO 1.2.1", STACK): (5, 3.5)},
        ),
        Row(
            "spike in k-space",
            lambda image: spikes.add_spikes(image, *spike),
            mri.RandKSpaceSpikes(1, count=(1, 1)),
            # without a range MONAI takes one more FFT to find its own; with it, it is at its fastest
            monai=monai.RandKSpaceSpikeNoise(1, intensity_range=(11.0, 12.0)),
            torchio=("RandomSpike", {"num_spikes": (1, 1)}),
            alpha=("Spike", {"num_spikes": 1, "intensity": (1.0, 3.0)}),
            bars={("TorchIO 1.2.1", STACK): (15, 9), ("MONAI", STACK): (40, 30)},
        ),
        Row(
            "bias field of degree 3",
            lambda image: shading.polynomial_shading(image, bias),
            mri.RandZeroMeanBiasField(1, degree=3),
            monai=monai.RandBiasField(degree=3, prob=1),
            torchio=("RandomBiasField", {"order": 3}),
            alpha=("BiasField", {}),  # no polynomial: coarse noise, enlarged
            bars={("TorchIO 1.2.1", STACK): (60, 45), ("MONAI", STACK): (5, 4)},
        ),
        Row(
            "Rician noise",
            lambda image: noise.magnitude_noise(image, 0.05, 1, torch.Generator().manual_seed(0)),
            mri.RandMagnitudeNoise(1, coils=1),
            monai=monai.RandRicianNoise(prob=1, std=0.05, sample_std=False),
            bars={("MONAI", STACK): (3, 2.5)},
        ),
        Row(
            "low resolution in plane",
            lambda image: resolution.large_voxels(image, [0.5, 0.5]),
            mri.RandInPlaneResolution(1, voxel_mm=(2 * SPACING[0], 2 * SPACING[0])),
            monai=monai.RandSimulateLowResolution(prob=1, zoom_range=(0.5, 0.5)),  # along all axes at once
            torchio=("RandomAnisotropy", {"axes": (0,), "downsampling": (2, 2)}),  # along one axis
            alpha=("Anisotropy", {"axes": (0,), "downsampling": (2.0, 2.0)}),
        ),
        Row(
            "Gibbs ringing",
            lambda image: coverage.central_kspace(image, [0.5, 0.5], [1, 2]),
            mri.RandGibbsRinging(1, fraction=(0.5, 0.5)),
            monai=monai.RandGibbsNoise(1, alpha=(0.5, 0.5)),
        ),
    ]
    if z > 1:
        found.insert(
            -2,
            Row(
                "low resolution through plane",
                lambda image: resolution.average_slices(image, *thick),
                mri.RandThickSlices(1, thickness=(2 * SPACING[2], 2 * SPACING[2]), gap=(0, 0)),
                monai=monai.RandSimulateLowResolution(prob=1, zoom_range=(0.5, 0.5)),
                torchio=("RandomAnisotropy", {"axes": (2,), "downsampling": (2, 2)}),
                alpha=("Anisotropy", {"axes": (2,), "downsampling": (2.0, 2.0)}),
                floor=("reading and writing the image once", torch.clone),
                bars={("MONAI", STACK): (6, 3)},
            ),
        )
    return found
