"""The chest around the heart, painted at the resolution of the image's pixels with anti-aliased edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monai_jdl.phantoms.draws import SurfaceNoise, truncated_normal


@dataclass(frozen=True)
class Pose:
    """Where the image lies in the patient.

    Attributes:
        origin: patient position (LPS, mm, from the middle of the chest at the height of the mid ventricle) of the
            image's centre at height 0 of the ventricle.
        axes: rows are the image's x direction, y direction and the base-to-apex direction, unit vectors in LPS, [3, 3].
        heart: position in mm of the ventricle's axis at mid height from the image's centre (x, y).
    """

    origin: np.ndarray
    axes: np.ndarray
    heart: tuple[float, float]


def draw_pose(rng: np.random.Generator, rotation: float, ventricle_length: float) -> Pose:
    """A double-oblique short-axis plane: the long axis points left, forward and down.

    Args:
        rng: source of the draws.
        rotation: of the heart in the image, anticlockwise, rad.
        ventricle_length: mm.
    """
    yaw, pitch = np.deg2rad(truncated_normal(rng, 46, 7, 30, 62)), np.deg2rad(truncated_normal(rng, 30, 7, 12, 45))
    apex = np.array([np.cos(pitch) * np.sin(yaw), -np.cos(pitch) * np.cos(yaw), -np.sin(pitch)])
    lateral = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    inferior = np.cross(lateral, apex)
    c, s = np.cos(rotation), np.sin(rotation)
    axes = np.stack([c * lateral + s * inferior, -s * lateral + c * inferior, apex])
    middle = np.array([rng.normal(52, 6), rng.normal(-18, 5), 0.0])  # of the ventricle in the patient
    # the field is centred between the chest's axis and the heart
    toward = axes[:2] @ middle * rng.uniform(0.1, 0.8) + rng.normal(0, 8, 2)
    origin = middle - axes[:2].T @ toward - axes[2] * ventricle_length / 2
    return Pose(origin, axes, (float(toward[0]), float(toward[1])))


@dataclass(frozen=True)
class Thorax:
    """Sizes of one patient's chest in mm; positions are LPS from the middle of the chest."""

    half_width: float
    half_depth: float
    skin_fat: float
    muscle: float
    fat_noise: SurfaceNoise
    rib_phase: float
    rib_slope: float
    diaphragm_right: float
    diaphragm_left: float
    spine_radius: float
    aorta_radius: float
    mediastinum: tuple[float, float]
    stomach: float
    texture_seed: int


def draw_thorax(rng: np.random.Generator) -> Thorax:
    """Draw a chest from slender to stout."""
    stout = rng.normal()
    return Thorax(
        half_width=168 + 10 * stout + rng.normal(0, 5),
        half_depth=122 + 9 * stout + rng.normal(0, 4),
        skin_fat=float(np.clip(17 + 6 * stout + rng.normal(0, 2), 7, 32)),
        muscle=rng.uniform(11, 17),
        fat_noise=SurfaceNoise(rng, 5, 2),
        rib_phase=rng.uniform(0, 2 * np.pi),
        rib_slope=rng.uniform(0.25, 0.6),
        diaphragm_right=rng.normal(-6, 8),
        diaphragm_left=rng.normal(-30, 6),
        spine_radius=rng.uniform(16, 20),
        aorta_radius=rng.uniform(9.5, 13.5),
        mediastinum=(rng.uniform(38, 52), rng.uniform(45, 60)),
        stomach=rng.uniform(28, 45),
        texture_seed=int(rng.integers(2**31)),
    )


def paint_thorax(
    thorax: Thorax, pose: Pose, heights: np.ndarray, pixel: float, size: int, signal: dict[str, np.ndarray]
) -> np.ndarray:
    """Signal of the chest on slices at ``heights``, ``[slices, size, size]`` float32 (x, then y).

    Args:
        thorax: the drawn chest.
        pose: where the image lies.
        heights: slice centres along the base-to-apex direction in mm.
        pixel: mm.
        size: pixels along each side.
        signal: signed signal per slice of each of :func:`monai_jdl.phantoms.signal.chest_tissues`, ``[slices]``.
    """
    line = ((np.arange(size) - (size - 1) / 2) * pixel).astype(np.float32)
    left, back, up = (
        (pose.origin[i] + heights * pose.axes[2, i]).astype(np.float32)[:, None, None]
        + (line * np.float32(pose.axes[0, i]))[None, :, None]
        + (line * np.float32(pose.axes[1, i]))[None, None, :]
        for i in range(3)
    )
    soft = np.float32(1 / (1.2 * pixel))
    image = np.zeros((heights.size, size, size), dtype=np.float32)

    def over(distance: np.ndarray, tissue: str, inside: np.ndarray | None = None) -> np.ndarray:
        """Paint where ``distance`` (mm, positive inside) is positive and ``inside`` allows; returns the cover."""
        cover = np.clip(distance * soft + np.float32(0.5), 0, 1)
        if inside is not None:
            cover *= inside
        np.add(image, cover * (signal[tissue].astype(np.float32)[:, None, None] - image), out=image)
        return cover

    # The chest's outline is an ellipse drawn towards its box (a squircle); it narrows towards the shoulders.
    narrow = 1 - np.float32(0.12) * np.clip((up - 40) / 120, 0, 2)
    x2, y2 = (left / np.float32(thorax.half_width)) ** 2, (back / np.float32(thorax.half_depth)) ** 2
    rho = np.sqrt(0.5 * (x2 + y2 + np.sqrt((x2 + y2) ** 2 - np.float32(4 * 0.6**2) * x2 * y2)))
    radius = np.hypot(left, back)
    depth = radius * (narrow / np.maximum(rho, 1e-3) - 1)  # radial depth under the skin
    turn = np.arctan2(-back, left)
    table = np.linspace(-np.pi, np.pi, 361)
    ripple = thorax.fat_noise(table, np.zeros(1))[0]
    fat = thorax.skin_fat * (1 + 0.25 * ripple) * (1 + 0.25 * np.cos(table - np.pi / 2))
    under = depth - np.interp(turn, table, fat).astype(np.float32)
    body = over(depth, "fat")
    over(depth - 1.5, "fat")
    wall = over(under, "muscle", body)
    # Ribs run obliquely down and forward, so a plane cuts them into dashes in the inner half of the wall.
    rib_wave = np.sin(
        up * np.float32(2 * np.pi / 30) + np.float32(thorax.rib_slope * 6) * np.sin(turn) + thorax.rib_phase
    )
    middle = np.float32(4.5) - np.abs(under - (thorax.muscle - 5.0))
    rib = np.minimum(middle, (rib_wave - 0.15) * 6)
    over(rib, "cortex", wall)
    over(rib - 1.6, "marrow", wall)
    lung_room = under - thorax.muscle
    lung = over(lung_room, "lung")
    _paint_vessels(image, lung, thorax, signal["vessel"], pixel)

    # The diaphragm: two domes; the heart rests on the saddle between them.
    right = thorax.diaphragm_right - 45 * (((left + 68) / 80) ** 2 + ((back + 5) / 85) ** 2)
    left_dome = thorax.diaphragm_left - 40 * (((left - 70) / 80) ** 2 + ((back - 5) / 85) ** 2)
    saddle = np.maximum(np.maximum(right, left_dome), np.float32(-62))
    under_dome = saddle - up
    abdomen = over(under_dome, "muscle", lung)
    inside_abdomen = under_dome - 3
    over(inside_abdomen, "fat", abdomen)
    liver_edge = 55 - left - 0.45 * np.clip(back, 0, None)
    over(inside_abdomen - 7 - 6 * np.sin(left / 9 + thorax.rib_phase) * np.sin(back / 11 + up / 13), "bowel", lung)
    over(np.minimum(inside_abdomen - 1, liver_edge), "liver", lung)
    low = thorax.diaphragm_left
    stomach = thorax.stomach - np.sqrt(
        (left - 72) ** 2 + (back + 20) ** 2 + (up - low + 32 + 0.5 * thorax.stomach) ** 2
    )
    over(np.minimum(stomach, under_dome - 4), "muscle", lung)
    over(np.minimum(stomach - 4, under_dome - 6), "stomach", lung)
    spleen = 32 - np.sqrt((left - 100) ** 2 + ((back - 45) * 0.8) ** 2 + ((up - low + 45) * 0.7) ** 2)
    over(np.minimum(spleen, under_dome - 3), "spleen", lung)

    # Mediastinum: fat around heart and great vessels, vertebra with its canal, descending aorta, inferior caval vein.
    a, b = thorax.mediastinum
    mediastinum = (1 - np.hypot((left - 15) / a, (back + 5) / b)) * min(a, b)
    above = lung * np.clip(0.5 + (up - saddle) / 4, 0, 1)
    over(mediastinum, "fat", above)
    # great vessels and muscle strands break up the fat above the heart
    strands = np.sin(left / 7 + thorax.rib_phase) + np.sin(back / 8 + up / 17) + np.sin(up / 10 - left / 15)
    over(np.minimum(mediastinum - 3, 4 * (strands - 0.3)), "muscle", above)
    great = 13 - np.hypot(left - 12 - 0.2 * (up - 30), back + 12)
    over(np.minimum(great + 2, up - 5), "muscle", above)
    over(np.minimum(great, up - 7), "vessel", above)
    spine_back = thorax.half_depth - thorax.skin_fat - 42
    column = thorax.spine_radius - np.hypot(left, (back - spine_back) * 1.15)
    over(column + 9, "muscle", body)
    over(column + 1.5, "cortex")
    over(column, "marrow")
    over(7.0 - np.hypot(left, back - spine_back - thorax.spine_radius - 9), "fluid")
    aorta = thorax.aorta_radius - np.hypot(left - 24, back - spine_back + 14)
    over(aorta + 2, "muscle")
    over(aorta, "vessel")
    over(np.minimum(11 - np.hypot(left + 24, back + 2), up + 60), "vessel", body)
    return image * _texture(thorax, heights.size, size)


def _texture(thorax: Thorax, slices: int, size: int) -> np.ndarray:
    """Unevenness of tissue, ``[slices, size, size]`` about 1: smooth noise of two scales (about 15 and 5 mm)."""
    rng = np.random.default_rng([thorax.texture_seed, 1])
    total = np.ones((slices, size, size), dtype=np.float32)
    for nodes, strength in ((26, 0.04), (80, 0.05)):
        # cubic B-spline between random nodes; neighbouring slices share half of their nodes' values
        node = rng.standard_normal((slices + 1, nodes + 3, nodes + 3)).astype(np.float32)
        node = (node[1:] + node[:-1]) * np.float32(0.7)
        at = np.linspace(0, nodes, size, endpoint=False)[:, None] - np.arange(nodes + 3) + 1
        gap = np.abs(at)
        spline = np.where(gap < 1, 2 / 3 - gap**2 + gap**3 / 2, np.where(gap < 2, (2 - gap) ** 3 / 6, 0))
        spline = (1.7 * spline).astype(np.float32)  # brings the variance between the nodes back to about 1
        total += np.float32(strength) * (spline @ node @ spline.T)
    return total


def _paint_vessels(
    image: np.ndarray, lung: np.ndarray, thorax: Thorax, vessel: np.ndarray, pixel: float, per_slice: int = 70
) -> None:
    """Small lung vessels cut across: bright spots of 1-3 mm radius at random places of the lung."""
    rng = np.random.default_rng([thorax.texture_seed, 0])
    size = image.shape[1]
    offset = np.arange(-3, 4)
    for k in range(image.shape[0]):
        at = rng.uniform(4, size - 5, (per_slice, 2))
        radius = 0.8 + rng.exponential(0.6, per_slice)
        stretch = rng.uniform(0.6, 1.6, per_slice)
        whole = np.rint(at).astype(int)
        x = whole[:, 0, None, None] + offset[None, :, None]
        y = whole[:, 1, None, None] + offset[None, None, :]
        gap = ((x - at[:, 0, None, None]) * stretch[:, None, None]) ** 2 + (y - at[:, 1, None, None]) ** 2
        spot = np.exp(-0.5 * gap * pixel**2 / radius[:, None, None] ** 2).astype(np.float32)
        spot *= (lung[k][x, y] > 0.95) * np.float32(0.75 * vessel[k])
        np.add.at(image[k], (x, y), spot)
