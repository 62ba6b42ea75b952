"""The heart as tissue fractions: left ventricle on a fine grid, right ventricle, fat and pericardium around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monai_jdl.phantoms.draws import SurfaceNoise, generator, truncated_normal
from monai_jdl.phantoms.scar import Lesion, draw_lesion, scar_of_wall, thinning_table
from monai_jdl.phantoms.ventricle import ANGLES, PHI, Ventricle, draw_ventricle

PLANE = 2.0
"""Distance in mm of the planes along the long axis on which the heart is built."""
PALE = 0.14
"""Mean share of surviving muscle in scar."""
TISSUES = ("remote", "remote_slow", "scar", "obstruction", "blood", "fat", "pericardium")
"""Channels of :attr:`HeartStack.tissue`. The two remote tissues differ in T1; their mixture makes the wall uneven."""
TRUTH = ("myocardium", "scar", "obstruction", "cavity")
"""Channels of :attr:`HeartStack.truth`."""


@dataclass(frozen=True)
class Heart:
    """Everything drawn about one patient's heart that does not depend on the grid; lengths in mm, angles in rad."""

    ventricle: Ventricle
    lesion: Lesion | None
    rotation: float  # of the heart in the image, anticlockwise
    rv_width: float  # of the right ventricle relative to the left's epicardial radius
    rv_length: float  # relative to the left ventricle
    rv_wall: float
    fat: float  # mean thickness of the epicardial fat
    pericardium: float
    fat_noise: SurfaceNoise
    rv_noise: SurfaceNoise
    mixture_noise: SurfaceNoise
    density_noise: SurfaceNoise


@dataclass(frozen=True)
class HeartStack:
    """The heart on planes ``w`` at the resolution of the image's pixels.

    Attributes:
        w: heights of the planes in mm, :data:`PLANE` apart, shape ``[P]``.
        origin: index of the patch's first pixel in the image (x, y).
        tissue: fractions of :data:`TISSUES`, ``[T, P, nx, ny]`` float32; their sum is what the heart covers.
        truth: fractions of :data:`TRUTH`, ``[4, P, nx, ny]`` float32.
        segments: scar as a fraction of each AHA segment 1-17, shape ``[17]``.
        transmurality: mean over the scar's area of the scarred share of the wall thickness; 0 without scar.
        volumes_ml: myocardium, scar, obstruction and cavity in mL, summed over the fine grid of the whole heart.
    """

    w: np.ndarray
    origin: tuple[int, int]
    tissue: np.ndarray
    truth: np.ndarray
    segments: np.ndarray
    transmurality: float
    volumes_ml: dict[str, float]


def draw_heart(seed: int, kind: str) -> Heart:
    """Draw the heart of patient ``seed``; the healthy parts do not depend on ``kind`` beyond the ventricle's size."""
    rng = generator(seed, "anatomy")
    ventricle = draw_ventricle(rng, kind == "ischaemic")
    return Heart(
        ventricle=ventricle,
        lesion=draw_lesion(generator(seed, "scar"), kind, ventricle.length, ventricle.wall),
        rotation=np.deg2rad(rng.normal(0, 12)),
        rv_width=truncated_normal(rng, 1.0, 0.12, 0.7, 1.3),
        rv_length=rng.uniform(0.78, 0.95),
        rv_wall=rng.uniform(2.2, 3.6),
        fat=rng.uniform(1.0, 3.5),
        pericardium=rng.uniform(1.0, 1.8),
        fat_noise=SurfaceNoise(rng, 4, 3),
        rv_noise=SurfaceNoise(rng, 9, 4),
        mixture_noise=SurfaceNoise(rng, 10, 8),
        density_noise=SurfaceNoise(rng, 14, 8),
    )


def render_heart(heart: Heart, w: np.ndarray, pixel: float, size: int, position: tuple[float, float]) -> HeartStack:
    """Tissue fractions of the heart on planes at heights ``w``.

    The left ventricle is evaluated on cells of about 0.7 mm with anti-aliased surfaces and averaged in plane;
    what surrounds it is anti-aliased at the pixel.

    Args:
        heart: the drawn heart.
        w: heights in mm, :data:`PLANE` apart, covering the whole wall.
        pixel: pixel size in mm.
        size: pixels of the square image along one side.
        position: in-plane position in mm of the ventricle's axis at mid height, from the image's centre.
    """
    lv = heart.ventricle
    centre = _rotate(lv.centre(w), heart.rotation) + np.asarray(position)
    endo, epi = lv.surfaces(w, thinning_table(heart.lesion, lv, w))
    # patch: everything within reach of the right ventricle and the fat, rounded outwards to whole pixels
    reach = (lv.a + lv.wall) * (1.35 + heart.rv_width) + 12
    first, count = _patch(centre, (-reach, reach), pixel, size)
    shape = (w.size, *count)
    tissue = np.zeros((len(TISSUES), *shape), dtype=np.float32)
    truth = np.zeros((len(TRUTH), *shape), dtype=np.float32)
    _paint_right_heart(heart, tissue, w, epi, centre, first, pixel, size)
    facts = _paint_left_ventricle(heart, tissue, truth, w, (endo, epi), centre, first, pixel, size)
    return HeartStack(w, first, tissue, truth, *facts)


def _rotate(xy: np.ndarray, angle: float) -> np.ndarray:
    """Points ``[n, 2]`` of the heart's frame in the image's; y runs down, so an anticlockwise turn lowers y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * xy[:, 0] + s * xy[:, 1], -s * xy[:, 0] + c * xy[:, 1]], axis=1)


def _patch(centre: np.ndarray, reach: tuple[float, float], pixel: float, size: int) -> tuple[tuple[int, int], ...]:
    """First index and number of the pixels within ``reach`` (mm, lower and upper) of all of ``centre`` ``[P, 2]``."""
    middle = (size - 1) / 2
    low = np.clip(np.floor((centre.min(0) + reach[0]) / pixel + middle), 0, size - 1).astype(int)
    high = np.clip(np.ceil((centre.max(0) + reach[1]) / pixel + middle), 0, size - 1).astype(int)
    first, count = low.tolist(), (high - low + 1).tolist()
    return (first[0], first[1]), (count[0], count[1])


def _axes(first: int, count: int, pixel: float, size: int, parts: int) -> np.ndarray:
    """Positions in mm from the image's centre of ``parts`` samples in each of ``count`` pixels from ``first`` on."""
    return ((np.arange(count * parts) + 0.5) / parts + first - size / 2).astype(np.float32) * np.float32(pixel)


def _cover(distance: np.ndarray, width: float) -> np.ndarray:
    """Share of a cell of ``width`` mm on the inner side of a surface at signed ``distance`` mm (positive inside)."""
    return np.clip(distance * np.float32(1 / width) + np.float32(0.5), 0, 1)


def _angle_bin(dx: np.ndarray, dy: np.ndarray, rotation: float) -> np.ndarray:
    """Bin of :data:`PHI` of each offset from the axis, in the heart's frame."""
    turns = np.arctan2(-dy, dx) * np.float32(ANGLES / (2 * np.pi)) + np.float32(
        (2 * np.pi - rotation) / (2 * np.pi) * ANGLES + ANGLES
    )
    return turns.astype(np.int32) % ANGLES


def _paint_right_heart(
    heart: Heart,
    tissue: np.ndarray,
    w: np.ndarray,
    epi: np.ndarray,
    centre: np.ndarray,
    first: tuple[int, int],
    pixel: float,
    size: int,
) -> None:
    """Right ventricle, epicardial fat and pericardium, still lying over the place of the left ventricle."""
    lv = heart.ventricle
    x = _axes(first[0], tissue.shape[2], pixel, size, 1)
    y = _axes(first[1], tissue.shape[3], pixel, size, 1)
    dx = (x[None] - centre[:, :1].astype(np.float32))[:, :, None]
    dy = (y[None] - centre[:, 1:].astype(np.float32))[:, None, :]
    r = np.hypot(dx, dy)
    angle = _angle_bin(dx, dy, heart.rotation) + (np.arange(w.size, dtype=np.int32) * ANGLES)[:, None, None]
    h = np.clip(w / lv.length, -0.3, 1.2)
    outside_lv = r - epi.ravel()[angle]

    # The cavity is a circle about a point of the septum's side; with equal radii it meets the left ventricle 60 degrees
    # to either side of the septum. It narrows towards its own apex.
    radius = (lv.a + lv.wall) * np.sqrt(np.clip(1 - (np.clip(h, 0, None) / heart.rv_length) ** 2, 0, 1))
    c, s = np.cos(heart.rotation), np.sin(heart.rotation)
    xh, yh = c * dx - s * dy, s * dx + c * dy  # the heart's frame
    across = np.maximum(radius * heart.rv_width, 0.5).astype(np.float32)[:, None, None]
    along = np.maximum(radius, 0.5).astype(np.float32)[:, None, None]
    mean_epi = epi.mean(1)
    shift = np.minimum(mean_epi, (lv.a + lv.wall) * 0.98).astype(np.float32)[:, None, None]
    rho = np.hypot((xh + shift) / across, (yh + 0.12 * along) / along)
    inside_rv = (1 - rho) * np.minimum(across, along)
    inside_rv += 1.0 * heart.rv_noise(PHI, h).ravel()[angle]
    inside_rv[radius < 3] = -50

    muscle = heart.rv_wall
    inside = np.maximum(-outside_lv, inside_rv + muscle)  # union of the two ventricles
    fat = heart.fat * np.clip(1 + 0.8 * heart.fat_noise(PHI, h) - 0.8 * np.cos(PHI), 0.0, 2.5)
    # the grooves: where the right ventricle meets the left, and the ring at the base
    fat = fat + 3.0 * np.exp(-((np.abs(np.angle(np.exp(1j * (PHI - np.pi)))) - np.pi / 3) ** 2) / 0.08)
    fat = fat * (1 + 1.2 * np.clip(0.25 - h, 0, 0.25)[:, None] / 0.25)
    fat = fat.astype(np.float32).ravel()[angle]
    in_fat = _cover(inside + fat, pixel)
    in_sac = _cover(inside + fat + heart.pericardium, pixel)
    cavity = _cover(inside_rv, pixel)
    wall = _cover(inside_rv + muscle, pixel) - cavity
    index = {name: i for i, name in enumerate(TISSUES)}
    tissue[index["blood"]] = cavity
    tissue[index["remote"]] = wall
    tissue[index["fat"]] = np.maximum(in_fat - cavity - wall, 0)
    tissue[index["pericardium"]] = in_sac - in_fat


def _paint_left_ventricle(
    heart: Heart,
    tissue: np.ndarray,
    truth: np.ndarray,
    w: np.ndarray,
    surfaces: tuple[np.ndarray, np.ndarray],
    centre: np.ndarray,
    first: tuple[int, int],
    pixel: float,
    size: int,
) -> tuple[np.ndarray, float, dict[str, float]]:
    """Lay the left ventricle over the rest; returns segments, transmurality and volumes of :class:`HeartStack`."""
    lv, (endo, epi) = heart.ventricle, surfaces
    fine = max(2, round(pixel / 0.7))
    cell = pixel / fine
    lv_first, lv_count = _patch(centre, (-float(epi.max()) - pixel, float(epi.max()) + pixel), pixel, size)
    x = _axes(lv_first[0], lv_count[0], pixel, size, fine)
    y = _axes(lv_first[1], lv_count[1], pixel, size, fine)
    dx = (x[None] - centre[:, :1].astype(np.float32))[:, :, None]
    dy = (y[None] - centre[:, 1:].astype(np.float32))[:, None, :]
    square = dx * dx + dy * dy
    shape = square.shape
    # from here on only the cells within the epicardium, as flat arrays
    limit = (epi.max(1) + cell)[:, None, None] ** 2
    cells = np.flatnonzero(square < limit)
    plane = (cells // (shape[1] * shape[2])).astype(np.int32)
    r = np.sqrt(square.ravel()[cells])
    dx_c = np.broadcast_to(dx, shape).ravel()[cells]
    dy_c = np.broadcast_to(dy, shape).ravel()[cells]
    angle = _angle_bin(dx_c, dy_c, heart.rotation)
    column = plane * ANGLES + angle
    r_endo, r_epi = endo.ravel()[column], epi.ravel()[column]
    below = _cover((w[:, None] - lv.base()[None]).astype(np.float32), PLANE).ravel()[column]  # on the muscle's side
    in_epi = np.where(r_epi > 0, _cover(r_epi - r, cell), 0)
    in_endo = np.where(r_endo > 0, _cover(r_endo - r, cell), 0)
    ring = in_epi - in_endo
    wall = ring * below

    scar = np.zeros_like(wall)
    obstruction = np.zeros_like(wall)
    wall_cells = np.flatnonzero(wall > 0)
    column_w = column[wall_cells]
    depth = np.clip((r - r_endo)[wall_cells] / np.maximum(r_epi - r_endo, 1.0)[wall_cells], 0, 1)
    weight = wall[wall_cells]
    if heart.lesion is not None:
        h = w / lv.length
        lateral = heart.lesion.lateral(w, 0.5 * (np.maximum(endo, 0) + epi), lv.length).astype(np.float32)
        # the front is uneven inside the wall, but scar begins at the very endocardium
        jitter = (0.10 * heart.lesion.depth_noise(PHI, h)).ravel()[column_w] * np.minimum(depth * 3, 1)
        thickness = np.maximum(epi - np.maximum(endo, 0), 2.0).ravel()[column_w]
        found = scar_of_wall(heart.lesion, depth, lateral.ravel()[column_w], jitter, thickness, weight)
        scar[wall_cells] = found.scar * weight
        obstruction[wall_cells] = found.obstruction * weight

    papillary = _papillary(heart, w, plane, dx_c, dy_c, r_endo, cell) * in_endo
    outside_ring = ring - wall  # above the annulus: atrial wall and groove fat, open where the aorta leaves
    phi, half, _ = lv.outflow
    open_sector = _cover((half - np.abs(np.angle(np.exp(1j * (PHI - phi))))) * lv.a, 1.0).astype(np.float32)
    thin_wall = _cover(2.0 - (r - r_endo), cell)
    aorta = outside_ring * open_sector[angle]
    atrial = (outside_ring - aorta) * thin_wall
    # scar is not equally dense: strands of surviving muscle in it
    pale = np.clip(PALE + 0.16 * heart.density_noise(PHI, w / lv.length).ravel()[column], 0, 0.5)
    pale *= scar - obstruction
    slow = np.clip(0.5 + 0.35 * heart.mixture_noise(PHI, w / lv.length).ravel()[column], 0, 1)
    healthy = wall - scar
    layers = {
        "remote": healthy * (1 - slow) + papillary + atrial + pale,
        "remote_slow": healthy * slow,
        "scar": scar - obstruction - pale,
        "obstruction": obstruction,
        "blood": in_endo - papillary + aorta,
        "fat": outside_ring - aorta - atrial,
    }
    block = np.s_[
        :,
        lv_first[0] - first[0] : lv_first[0] - first[0] + lv_count[0],
        lv_first[1] - first[1] : lv_first[1] - first[1] + lv_count[1],
    ]

    def to_pixels(values: np.ndarray) -> np.ndarray:
        grid = np.zeros(shape, dtype=np.float32)
        grid.ravel()[cells] = values
        rows = sum(grid[:, i::fine] for i in range(1, fine)) + grid[:, ::fine]
        return (sum(rows[:, :, i::fine] for i in range(1, fine)) + rows[:, :, ::fine]) * np.float32(1 / fine**2)

    rest = 1 - to_pixels(in_epi)
    tissue[(slice(None), *block)] *= rest
    for name, values in layers.items():
        tissue[TISSUES.index(name)][block] += to_pixels(values)
    cavity = in_endo * below
    for channel, values in zip(truth, (wall, scar, obstruction, cavity), strict=True):
        channel[block] = to_pixels(values)
    unit = cell * cell * PLANE / 1000
    volumes = {
        name: float(values.sum(dtype=np.float64)) * unit
        for name, values in zip(TRUTH, (wall, scar, obstruction, cavity), strict=True)
    }
    segments, transmurality = _scar_facts(lv, w, column_w, weight, scar[wall_cells])
    return segments, transmurality, volumes


def _papillary(
    heart: Heart, w: np.ndarray, plane: np.ndarray, dx: np.ndarray, dy: np.ndarray, r_endo: np.ndarray, cell: float
) -> np.ndarray:
    """Share of each cell taken by the papillary muscles, which stand free in the middle third of the cavity."""
    lv = heart.ventricle
    h = w / lv.length
    # full size at mid height, tapering to nothing at both ends
    taper = np.sqrt(np.clip(1 - ((h - 0.48) / 0.24) ** 2, 0, 1)).astype(np.float32)[plane]
    total = np.zeros_like(dx)
    for phi, radius, place in lv.papillary:
        # the muscle follows the wall: its distance from the axis is a share of the mean endocardial radius of the plane
        away = place * lv.a * np.sqrt(np.clip(1 - np.clip(h, 0, 1) ** 2, 0, 1)).astype(np.float32)[plane]
        px, py = np.cos(phi + heart.rotation), -np.sin(phi + heart.rotation)
        gap = np.hypot(dx - away * np.float32(px), dy - away * np.float32(py))
        total = np.maximum(total, _cover(radius * taper - gap, cell) * (taper > 0.3))
    return total


def _scar_facts(
    lv: Ventricle, w: np.ndarray, column: np.ndarray, weight: np.ndarray, scar: np.ndarray
) -> tuple[np.ndarray, float]:
    """Scar fraction of the 17 AHA segments, and the mean transmurality over the columns of the wall that hold scar."""
    columns = w.size * ANGLES
    wall_of = np.bincount(column, weight, columns).reshape(w.size, ANGLES)
    scar_of = np.bincount(column, scar, columns).reshape(w.size, ANGLES)
    h = w / lv.length
    level = np.digitize(h, [1 / 3, 2 / 3, 1.0])  # basal, mid, apical, apex
    turn = np.rad2deg(PHI)
    six = (((turn - 60) % 360) // 60).astype(int)  # anterior (60-120 degrees), then anticlockwise
    four = (((turn - 45) % 360) // 90).astype(int)
    segment = np.stack([six, 6 + six, 12 + four, np.full(ANGLES, 16)])[level]
    muscle = np.bincount(segment.ravel(), wall_of.ravel(), 17)
    scarred = np.bincount(segment.ravel(), scar_of.ravel(), 17)
    # five degrees of one plane make a column; thinner ones would follow the grid
    wall_5, scar_5 = (a.reshape(w.size, -1, 10).sum(2) for a in (wall_of, scar_of))
    share = scar_5 / np.maximum(wall_5, 1e-6)
    involved = share > 0.05
    mean = float(np.average(share[involved], weights=wall_5[involved])) if involved.any() else 0.0
    return scarred / np.maximum(muscle, 1e-6), mean
