"""Scar in the left ventricular wall: where it lies, how deep it goes, its border zone and microvascular obstruction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monai_jdl.phantoms.draws import SurfaceNoise
from monai_jdl.phantoms.ventricle import PHI, Ventricle

# Centre of the infarct: angle range in degrees and height range relative to the ventricle's length; share of infarcts.
# The angles are those of the AHA segments that the artery supplies (Cerqueira et al., Circulation 2002;105:539).
_TERRITORIES: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    "LAD": ((95.0, 155.0), (0.45, 0.80), 0.45),
    "RCA": ((215.0, 275.0), (0.25, 0.55), 0.33),
    "LCX": ((-45.0, 30.0), (0.25, 0.60), 0.22),
}
_PATTERNS = ("mid-wall septal stripe", "RV insertion", "epicardial inferolateral")


@dataclass(frozen=True)
class Lesion:
    """One patient's scar before its extent is solved.

    A point of the wall at depth ``f`` (0 endocardium, 1 epicardium) and at the lateral distance ``s`` mm from the nearest
    focus, measured along the wall and in units of ``(width, height)``, is scar where

        ((f - depth) / half_depth)^2 + (s / E)^4 < 1 ,

    the wave-front of an infarct for ``depth = 0``. The extent ``E`` is solved for the drawn scar mass.

    Attributes:
        name: coronary territory or pattern.
        foci: (angle in rad, height in mm) of each centre.
        width: lateral half width along the circumference, mm, at ``E = 1``.
        height: the same along the long axis.
        depth: depth of the centre line as a fraction of the wall.
        half_depth: half the thickness as a fraction of the wall (the transmural extent for ``depth = 0``).
        size: scar mass as a fraction of the left ventricular mass.
        border: width of the border zone in mm.
        obstruction: microvascular obstruction as a fraction of the scar, 0 for none.
        thinning: relative loss of wall thickness at the centre.
    """

    name: str
    foci: tuple[tuple[float, float], ...]
    width: float
    height: float
    depth: float
    half_depth: float
    size: float
    border: float
    obstruction: float
    thinning: float
    front_noise: SurfaceNoise
    depth_noise: SurfaceNoise

    def lateral(self, w: np.ndarray, radius: np.ndarray, length: float) -> np.ndarray:
        """Distance to the nearest focus in units of the half widths, ``[w.size, ANGLES]``.

        Args:
            w: heights in mm.
            radius: mid-wall radius in mm, ``[w.size, ANGLES]``, turns an angle into an arc.
            length: the ventricle's length in mm.
        """
        distance = np.full(radius.shape, np.inf, dtype=np.float32)
        for phi, height in self.foci:
            arc = radius * np.abs(np.angle(np.exp(1j * (PHI - phi)))).astype(np.float32) / self.width
            along = ((w - height) / self.height).astype(np.float32)[:, None]
            np.minimum(distance, np.hypot(arc, along), out=distance)
        return distance * np.exp(0.18 * self.front_noise(PHI, w / length))


@dataclass(frozen=True)
class WallScar:
    """Scar on the voxels of the wall: fractions in [0, 1], obstruction included in ``scar``; ``extent`` is the solved E."""

    scar: np.ndarray
    obstruction: np.ndarray
    extent: float


def _half_depth(transmurality: float) -> float:
    """The ``half_depth`` of a subendocardial lesion whose mean depth over its area is ``transmurality``.

    The mean of ``min(1, t sqrt(1 - v^4))`` over the disc v < 1 is pi/4 t for t <= 1; beyond, the front is cut off by the
    epicardium.
    """
    t = np.linspace(0.05, 4.0, 400)
    disc = np.linspace(0, 1, 400)  # v^2, uniform over the disc
    mean = np.minimum(1, t[:, None] * np.sqrt(1 - disc**2)).mean(1)
    return float(np.interp(transmurality, mean, t))


def draw_lesion(rng: np.random.Generator, kind: str, ventricle_length: float, wall: float) -> Lesion | None:
    """Draw a scar; ``None`` for kind ``normal``.

    Chronic infarct sizes are 11.8 +- 7.2 % of the mass at a transmurality of 47 +- 19 % (PMC7363195); obstruction in half
    of the acute infarcts that are deep enough, 5-25 % of the infarct.

    Args:
        rng: source of the draws.
        kind: ``ischaemic``, ``nonischaemic`` or ``normal``.
        ventricle_length: mm.
        wall: wall thickness in mm.
    """
    if kind == "normal":
        return None
    noises = {"front_noise": SurfaceNoise(rng, 7, 4), "depth_noise": SurfaceNoise(rng, 8, 5)}
    border = rng.uniform(1.0, 3.0)
    if kind == "ischaemic":
        common, own = rng.normal(size=2)
        size = float(np.clip(0.118 + 0.072 * common, 0.02, 0.30))
        # large infarcts are deeper on average: correlation 0.4
        transmurality = float(np.clip(0.47 + 0.19 * (0.4 * common + np.sqrt(1 - 0.16) * own), 0.12, 0.92))
        transmurality = max(transmurality, size / 0.55)  # the mass fits on 55 % of the wall's area
        names = list(_TERRITORIES)
        name = names[rng.choice(len(names), p=[_TERRITORIES[n][2] for n in names])]
        foci = [_focus(rng, name, ventricle_length)]
        second = names[(names.index(name) + int(rng.integers(1, 3))) % len(names)]
        other = _focus(rng, second, ventricle_length)
        if rng.random() < 0.10:
            foci.append(other)
            name = f"{name}+{second}"
        half_depth = _half_depth(transmurality)
        acute, obstructed, share = rng.random() < 0.45, rng.random() < 0.50, rng.uniform(0.05, 0.25)
        loss = rng.uniform(0.10, 0.40)
        return Lesion(
            name, tuple(foci), width=18.0, height=18.0 * rng.uniform(0.8, 1.6), depth=0.0, half_depth=half_depth,
            size=size, border=border, obstruction=share if acute and obstructed and half_depth > 0.6 else 0.0,
            thinning=0.0 if acute or half_depth < 0.6 else loss, **noises,
        )  # fmt: skip
    pattern = _PATTERNS[int(rng.integers(len(_PATTERNS)))]
    size = rng.uniform(0.02, 0.08)
    foci_: tuple[tuple[float, float], ...]
    along = ventricle_length * rng.uniform(0.25, 0.45)
    if pattern == _PATTERNS[0]:
        foci_, width, height = ((np.deg2rad(rng.normal(180, 10)), along),), 18.0, 18.0 * rng.uniform(0.8, 1.5)
        depth, half_depth = rng.uniform(0.40, 0.60), 0.5 * rng.uniform(2.0, 4.0) / wall
    elif pattern == _PATTERNS[1]:
        foci_ = tuple((np.deg2rad(180 + side * rng.normal(60, 5)), along) for side in (-1, 1))
        width, height = rng.uniform(2.5, 4.0), 14.0
        depth, half_depth = rng.uniform(0.45, 0.70), 0.5 * rng.uniform(4.0, 6.0) / wall
    else:
        foci_, width, height = ((np.deg2rad(rng.normal(330, 12)), along),), 18.0, 18.0 * rng.uniform(0.8, 1.5)
        depth, half_depth = 1.0, rng.uniform(0.28, 0.40)
    return Lesion(
        pattern, foci_, width, height, depth, half_depth, size, border, obstruction=0.0, thinning=0.0, **noises
    )


def _focus(rng: np.random.Generator, territory: str, length: float) -> tuple[float, float]:
    angles, heights, _ = _TERRITORIES[territory]
    return float(np.deg2rad(rng.uniform(*angles))), length * float(rng.uniform(*heights))


def thinning_table(lesion: Lesion | None, ventricle: Ventricle, w: np.ndarray) -> np.ndarray:
    """Relative loss of wall thickness, ``[w.size, ANGLES]``: greatest at the focus of an old transmural infarct."""
    if lesion is None or lesion.thinning == 0:
        return np.zeros((w.size, PHI.size), dtype=np.float32)
    radius = np.full((w.size, PHI.size), ventricle.a, dtype=np.float32)
    return lesion.thinning * np.exp(-((lesion.lateral(w, radius, ventricle.length) / 1.2) ** 4))


def scar_of_wall(
    lesion: Lesion,
    depth: np.ndarray,
    lateral: np.ndarray,
    jitter: np.ndarray,
    thickness: np.ndarray,
    weight: np.ndarray,
) -> WallScar:
    """Scar fraction of each voxel of the wall, its extent solved so that the drawn mass is met.

    All arrays hold one value per voxel of the wall.

    Args:
        lesion: the drawn scar.
        depth: 0 at the endocardium, 1 at the epicardium.
        lateral: :meth:`Lesion.lateral` at the voxel.
        jitter: irregularity of the front, added to the depth.
        thickness: wall thickness in mm.
        weight: occupancy of the voxel by the wall.
    """
    off = ((depth + jitter - lesion.depth) / lesion.half_depth) ** 2
    slope = 4 * off / (lesion.half_depth * thickness) ** 2  # squared slope across the wall, per mm^2
    fourth = lateral**4
    scale = np.sqrt(lesion.width * lesion.height)
    low, high = 0.02, 12.0
    # only voxels whose depth the front can reach ever matter
    reach = np.flatnonzero(off < (1 + 2 * lesion.border / (lesion.half_depth * float(thickness.mean()))) ** 2)
    off_r, slope_r, fourth_r, lateral_r, weight_r = (a[reach] for a in (off, slope, fourth, lateral, weight))
    target = lesion.size * float(weight.sum(dtype=np.float64))

    def fraction(extent: float) -> np.ndarray:
        level = 1 - off_r - fourth_r / extent**4
        steep = np.sqrt(slope_r + (4 * fourth_r / np.maximum(lateral_r, 1e-3) / extent**4 / scale) ** 2)
        distance = level / np.maximum(steep, 1e-3) / lesion.border  # in border widths, positive inside
        return np.where(distance > 0.5, 1, np.where(distance < -0.5, 0, 0.5 + 0.4 * distance)).astype(np.float32)

    for _ in range(12):
        extent = np.sqrt(low * high)
        if float(np.dot(fraction(extent), weight_r)) < target:
            low = extent
        else:
            high = extent
    extent = float(np.sqrt(low * high))
    scar = np.zeros_like(weight)
    scar[reach] = fraction(extent)
    obstruction = np.zeros_like(weight)
    if lesion.obstruction > 0:
        # the core of the infarct: fully scarred, off the endocardial surface and clear of the outer quarter of the wall
        inside = np.flatnonzero((scar >= 1) & (depth > 0.05) & (depth < 0.75))
        order = ((depth[inside] - 0.30) / 0.40) ** 2 + (lateral[inside] / extent) ** 2
        rank = np.argsort(order, kind="stable")
        mass = np.cumsum(weight[inside][rank], dtype=np.float64)
        chosen = rank[mass <= lesion.obstruction * lesion.size * float(weight.sum(dtype=np.float64))]
        obstruction[inside[chosen]] = 1
    return WallScar(scar, obstruction, extent)
