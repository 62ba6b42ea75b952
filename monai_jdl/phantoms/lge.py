"""One simulated late-enhancement examination: anatomy, signal, acquisition and the exact truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from monai_jdl.phantoms import acquisition
from monai_jdl.phantoms.acquisition import Protocol
from monai_jdl.phantoms.draws import generator
from monai_jdl.phantoms.heart import PLANE, TISSUES, Heart, HeartStack, draw_heart, render_heart
from monai_jdl.phantoms.motion import REACH, HeartMotion, draw_motion, phase_encode_moving
from monai_jdl.phantoms.signal import draw_contrast, inversion_recovery
from monai_jdl.phantoms.thorax import Pose, draw_pose, draw_thorax, paint_thorax

KINDS = ("ischaemic", "nonischaemic", "normal")
DISPLAYS = ("magnitude", "psir")
TEST_SEEDS = range(90000, 90040)
"""Seeds of the frozen test set; never used in training or selection."""


@dataclass(frozen=True)
class LGECase:
    """A late gadolinium enhancement short-axis stack with its truth.

    Arrays are ``[X, Y, Z]``: X along the image's rows (readout), Y down the image (phase encoding), Z the slices in the
    order in which they are stored.

    Attributes:
        image: int16, 0 to 4095. Magnitude, or PSIR with zero signal at 2048 (signal = image + ``rescale_intercept``).
        label: uint8, scheme ``emidec``: 0 background, 1 LV cavity (papillary muscles included), 2 healthy myocardium,
            3 infarct, 4 microvascular obstruction, each where it fills at least half of the voxel.
        occupancy: float32 ``[2, X, Y, Z]``: share of the voxel that is myocardium (scar included), and scar
            (obstruction included).
        affine: 4 x 4, voxel index to RAS+ mm.
        inversion_times: ms, ``[Z]``.
        rr: mean RR interval, ms.
        repetition: time between inversions, ms.
        slice_thickness: mm.
        spacing: mm: pixel x, pixel y, distance of slice positions (gap included).
        display: ``magnitude`` or ``psir``.
        kind: ``ischaemic``, ``nonischaemic`` or ``normal``.
        seed: the patient's seed.
        motion_mm: requested root mean square displacement of the heart over the shots, mm.
        realised_motion_mm: the displacement that was simulated.
        rescale_intercept: to be added to ``image`` for the signal; the slope is 1.
        volumes_ml: ``myocardium``, ``scar``, ``obstruction`` and ``cavity`` in mL, from the fine grid of the whole heart.
        territory: coronary territory or pattern; empty without scar.
        transmurality: mean scarred share of the wall's thickness over the scar's area.
        segments: scar as a fraction of each AHA segment 1-17, ``[17]``.
        t1: T1 in ms of remote myocardium, scar and blood.
        noise_sd: of the noise per channel, in stored units, where the coil's sensitivity is 1.
    """

    image: np.ndarray
    label: np.ndarray
    occupancy: np.ndarray
    affine: np.ndarray
    inversion_times: np.ndarray
    rr: float
    repetition: float
    slice_thickness: float
    spacing: tuple[float, float, float]
    display: str
    kind: str
    seed: int
    motion_mm: float
    realised_motion_mm: float
    rescale_intercept: float
    volumes_ml: dict[str, float]
    territory: str
    transmurality: float
    segments: np.ndarray
    t1: dict[str, float]
    noise_sd: float

    @property
    def scar_percent(self) -> float:
        """True scar in per cent of the left ventricular mass."""
        return 100 * self.volumes_ml["scar"] / self.volumes_ml["myocardium"]


def simulate(
    seed: int, *, kind: str | None = None, motion_mm: float = 0.0, display: str | None = None, size: int = 256
) -> LGECase:
    """Simulate one patient. The result depends on the arguments and the libraries' versions alone.

    Args:
        seed: the patient, >= 0. Every subject has draws of its own: motion or display leave anatomy and noise alone.
        kind: ``ischaemic``, ``nonischaemic`` or ``normal``; ``None`` draws 65, 15 and 20 %.
        motion_mm: root mean square displacement of the heart over the shots, mm; 0 for a perfect breath-hold.
        display: ``magnitude`` or ``psir``; ``None`` draws one.
        size: side of the reconstructed matrix in pixels, over the same field of view.

    Raises:
        ValueError: for an unknown kind or display, a negative ``motion_mm`` or a ``size`` below 64.
    """
    rng = generator(seed, "protocol")
    drawn_kind = KINDS[int(rng.choice(3, p=[0.65, 0.15, 0.20]))]
    drawn_display = DISPLAYS[int(rng.integers(2))]
    kind, display = kind or drawn_kind, display or drawn_display
    if kind not in KINDS or display not in DISPLAYS:
        raise ValueError(f"kind must be one of {KINDS} and display one of {DISPLAYS}, not {kind!r} and {display!r}.")
    if motion_mm < 0 or size < 64:
        raise ValueError(f"motion_mm must be >= 0 and size >= 64, not {motion_mm} and {size}.")
    protocol = acquisition.draw_protocol(rng, display, size)
    heart = draw_heart(seed, kind)
    heights = _slice_heights(rng, heart, protocol)
    with threadpool_limits(1):  # sums of several threads differ in their last bits
        return _simulate(seed, kind, heart, heights, protocol, motion_mm, size)


def _simulate(
    seed: int, kind: str, heart: Heart, heights: np.ndarray, protocol: Protocol, motion_mm: float, size: int
) -> LGECase:
    """:func:`simulate` after the drawing of heart, slices (heights in mm, base to apex) and protocol."""
    thorax_rng = generator(seed, "thorax")
    pose = draw_pose(thorax_rng, heart.rotation, heart.ventricle.length)
    thorax = draw_thorax(thorax_rng)
    planes = _planes(heart, heights, protocol.thickness, REACH if motion_mm > 0 else 0.0)
    stack = render_heart(heart, planes, protocol.pixel, size, pose.heart)
    contrast = draw_contrast(seed, protocol, heights.size)
    signals = inversion_recovery(
        contrast.t1[:, None], contrast.inversion_times, protocol.repetition, contrast.pd[:, None]
    )
    chest_signals = {
        name: inversion_recovery(t1, contrast.inversion_times, protocol.repetition, pd)
        for name, (t1, pd) in contrast.chest.items()
    }
    chest = paint_thorax(thorax, pose, heights, protocol.pixel, size, chest_signals)
    coil = acquisition.coil_shading(generator(seed, "coil"), heights.size, size)
    motion = None
    if motion_mm > 0:
        motion = draw_motion(generator(seed, "motion"), protocol, heights.size, pose.axes, motion_mm)
    encoded = _phase_encode(chest, stack, signals, heights, coil, protocol, motion)
    kspace = acquisition.read_out(encoded, protocol)
    picture = acquisition.reconstruct(kspace, protocol, size, contrast.noise_sd, generator(seed, "noise"))
    gain = generator(seed, "tissue").uniform(900, 1900) / float(np.percentile(picture, 99.5))
    image = acquisition.store(picture, protocol.display, gain)
    label, occupancy = _truth(stack, slab_weights(heights, planes, protocol.thickness), size)

    order = np.arange(heights.size) if protocol.base_first else np.arange(heights.size)[::-1]
    return LGECase(
        image=np.ascontiguousarray(np.moveaxis(image[order], 0, 2)),
        label=np.ascontiguousarray(np.moveaxis(label[order], 0, 2)),
        occupancy=np.ascontiguousarray(np.moveaxis(occupancy[:, order], 1, 3)),
        affine=_affine(pose, heights[order], protocol.pixel, size, protocol.spacing),
        inversion_times=contrast.inversion_times[order],
        rr=protocol.rr,
        repetition=protocol.repetition,
        slice_thickness=protocol.thickness,
        spacing=(protocol.pixel, protocol.pixel, protocol.spacing),
        display=protocol.display,
        kind=kind,
        seed=seed,
        motion_mm=motion_mm,
        realised_motion_mm=motion.rms if motion else 0.0,
        rescale_intercept=-float(acquisition.PSIR_ZERO) if protocol.display == "psir" else 0.0,
        volumes_ml=stack.volumes_ml,
        territory=heart.lesion.name if heart.lesion else "",
        transmurality=stack.transmurality,
        segments=stack.segments,
        t1={name: float(contrast.t1[TISSUES.index(name)]) for name in ("remote", "scar", "blood")},
        noise_sd=contrast.noise_sd * gain,
    )


def frozen_test_set(motion_mm: float = 0.0) -> Iterator[LGECase]:
    """The 40 patients of :data:`TEST_SEEDS`: 30 ischaemic, 5 non-ischaemic, 5 normal, half of them magnitude.

    Every eighth patient from the seventh on is non-ischaemic, every eighth from the eighth on is normal.
    """
    for offset, seed in enumerate(TEST_SEEDS):
        kind = {6: "nonischaemic", 7: "normal"}.get(offset % 8, "ischaemic")
        yield simulate(seed, kind=kind, motion_mm=motion_mm, display=DISPLAYS[(offset + offset // 8) % 2])


def slab_weights(heights: np.ndarray, planes: np.ndarray, thickness: float) -> np.ndarray:
    """Share of each plane (:data:`PLANE` thick) in each slice of ``thickness`` mm, ``[slices, planes]``; rows sum to 1."""
    low = np.maximum(heights[:, None] - thickness / 2, planes - PLANE / 2)
    high = np.minimum(heights[:, None] + thickness / 2, planes + PLANE / 2)
    return (np.maximum(high - low, 0) / thickness).astype(np.float32)


def _slice_heights(rng: np.random.Generator, heart: Heart, protocol: Protocol) -> np.ndarray:
    """Slice centres in mm from the annulus, base to apex: the first cuts the base, sometimes the one above is taken too."""
    first = rng.uniform(2.0, 8.0)
    above = rng.random() < 0.35
    last = heart.ventricle.length + heart.ventricle.wall - rng.uniform(0.0, 8.0)
    count = round((last - first) / protocol.spacing) + 1
    return first + protocol.spacing * np.arange(-1 if above else 0, count)


def _planes(heart: Heart, heights: np.ndarray, thickness: float, margin: float) -> np.ndarray:
    """Heights of the planes on a fixed grid that cover slices, wall and margin, so that a margin moves none of them."""
    low = min(heights[0] - thickness / 2 - margin, -heart.ventricle.base_slope - PLANE)
    high = max(heights[-1] + thickness / 2 + margin, heart.ventricle.length + heart.ventricle.wall)
    return np.arange(np.floor(low / PLANE), np.ceil(high / PLANE)) * PLANE + PLANE / 2


def _phase_encode(
    chest: np.ndarray,
    stack: HeartStack,
    signals: np.ndarray,
    heights: np.ndarray,
    coil: np.ndarray,
    protocol: Protocol,
    motion: HeartMotion | None,
) -> np.ndarray:
    """Phase-encoded signal ``[slices, x, lines]`` of the heart over the chest, still or moving from shot to shot.

    Args:
        chest: signal without the heart, ``[slices, x, y]``.
        stack: the heart on its planes.
        signals: signed signal of each tissue in each slice, ``[tissues, slices]``.
        heights: of the slices, mm.
        coil: sensitivity, ``[slices, x, y]``.
        protocol: the acquisition.
        motion: the heart's poses, or ``None``.
    """
    (x, y), (nx, ny) = stack.origin, stack.tissue.shape[2:]
    window = (slice(x, x + nx), slice(y, y + ny))
    if motion is None:
        hearts = _slab_average(stack, slab_weights(heights, stack.w, protocol.thickness), signals)
        scene = chest.copy()
        scene[:, window[0], window[1]] *= 1 - hearts[:, 1]
        scene[:, window[0], window[1]] += hearts[:, 0]
        return acquisition.phase_encode(scene * coil, protocol)
    hearts = np.stack(
        [
            # a heart that has moved towards the apex shows the slice what lay nearer to the base
            _slab_average(stack, slab_weights(heights - moved[:, 2], stack.w, protocol.thickness), signals)
            for moved in motion.displacement
        ]
    )
    encoded = acquisition.phase_encode(chest * coil, protocol)
    encoded[:, window[0]] += phase_encode_moving(chest, hearts, window, coil, motion, protocol)
    return encoded


def _slab_average(stack: HeartStack, slab: np.ndarray, signals: np.ndarray) -> np.ndarray:
    """Signal and cover of the heart in each slice, ``[slices, 2, nx, ny]``: the average of the signed signal, as measured.

    Args:
        stack: the heart on its planes.
        slab: from :func:`slab_weights`.
        signals: signed signal of each tissue in each slice, ``[tissues, slices]``.
    """
    nx, ny = stack.tissue.shape[2:]
    result = np.zeros((len(slab), 2, nx, ny), dtype=np.float32)
    for k, weights in enumerate(slab):
        used = np.flatnonzero(weights)
        planes = stack.tissue[:, used[0] : used[-1] + 1].reshape(-1, nx * ny)
        share = weights[used[0] : used[-1] + 1]
        mix = np.stack([np.outer(signals[:, k], share).ravel(), np.tile(share, len(TISSUES))]).astype(np.float32)
        result[k] = (mix @ planes).reshape(2, nx, ny)
    return result


def _truth(stack: HeartStack, slab: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Label map ``[slices, x, y]`` and occupancy ``[2, slices, x, y]`` of the still heart."""
    nx, ny = stack.truth.shape[2:]
    window = np.s_[..., stack.origin[0] : stack.origin[0] + nx, stack.origin[1] : stack.origin[1] + ny]
    share = np.einsum("kp,cpxy->ckxy", slab, stack.truth, optimize=True)
    myocardium, scar, obstruction, cavity = share
    label = np.zeros((len(slab), size, size), dtype=np.uint8)
    inner = np.where(cavity >= 0.5, 1, 0).astype(np.uint8)
    inner[myocardium >= 0.5] = 2
    inner[scar >= 0.5] = 3
    inner[(scar >= 0.5) & (obstruction >= 0.5)] = 4
    label[window] = inner
    occupancy = np.zeros((2, len(slab), size, size), dtype=np.float32)
    occupancy[window] = share[:2]
    return label, occupancy


def _affine(pose: Pose, heights: np.ndarray, pixel: float, size: int, spacing: float) -> np.ndarray:
    """Voxel index to RAS+ mm; ``heights`` in the order in which the slices are stored."""
    direction = np.sign(heights[-1] - heights[0])
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = pose.axes[0] * pixel, pose.axes[1] * pixel
    affine[:3, 2] = pose.axes[2] * spacing * direction
    corner = -(size - 1) / 2 * pixel
    affine[:3, 3] = pose.origin + pose.axes[0] * corner + pose.axes[1] * corner + pose.axes[2] * heights[0]
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
