"""How the heart moves from shot to shot while the patient should hold the breath."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from cardiac_transforms.mri.kernels.shots import centre_pose, compose_kspace, move_in_plane, shot_of_line
from monai_jdl.phantoms.acquisition import Protocol, acquired_lines

REACH = 16.0
"""Largest displacement along the slice normal in mm; larger ones are clipped."""


@dataclass(frozen=True)
class HeartMotion:
    """Poses of the heart relative to the pose at the k-space centre, which the truth shows.

    Attributes:
        shot: shot of each acquired line, int64 ``[lines]``.
        displacement: mm along image x, image y and the base-to-apex direction, ``[shots, slices, 3]``.
        scale: in-plane size of the heart, ``[shots, slices]``: the gate opens early or late.
    """

    shot: torch.Tensor
    displacement: np.ndarray
    scale: np.ndarray

    @property
    def rms(self) -> float:
        """Root mean square displacement over shots and slices, mm."""
        return float(np.sqrt(np.mean(np.sum(self.displacement**2, axis=-1))))


def draw_motion(
    rng: np.random.Generator, protocol: Protocol, slices: int, axes: np.ndarray, motion_mm: float
) -> HeartMotion:
    """Draw the heart's poses in each shot of each slice; every slice is a breath-hold of its own.

    The heart follows the diaphragm: mostly up and down, a little forward and to the side (Danias et al. and Keegan et al.
    on respiratory heart motion). A breath-hold drifts (Holland et al., Radiology 1998;209:483), some are broken by
    residual breathing or end in a gasp;
    beats of another length leave the heart larger or smaller, and a mistriggered shot sees it contracted. The course is
    scaled so that its root mean square displacement is ``motion_mm``.

    Args:
        rng: source of the draws.
        protocol: the acquisition; gives lines, shots and the time between them.
        slices: number of slices.
        axes: image x, image y and base-to-apex direction in LPS, ``[3, 3]``.
        motion_mm: wanted displacement, > 0.
    """
    order = "interleaved" if rng.random() < 0.5 else "sequential"
    lines = int(acquired_lines(protocol).sum())
    shots = int(np.ceil(lines / protocol.lines_per_shot))
    shot = shot_of_line(lines, shots, order)
    centre = lines - protocol.lines + protocol.lines // 2
    time = np.arange(shots)[:, None] * protocol.repetition / 1000  # s from the first shot
    drift = rng.normal(0.15, 0.15, slices) * time
    breathing = np.sin(np.pi * time / rng.uniform(3.0, 5.0, slices) + rng.uniform(0, np.pi, slices)) ** 2
    breathing = breathing * rng.exponential(2.0, slices) * (rng.random(slices) < 0.5)
    gasp = rng.exponential(4.0, slices) * (rng.random(slices) < 0.25)
    gasp = gasp * np.clip((time - rng.uniform(0.5, 0.95, slices) * time.max()) / 1.0, 0, 1)
    course = drift + breathing + gasp + rng.normal(0, 0.25, (shots, slices))  # mm of the heart along the body
    # unit of the course in LPS; the share forward and to the side differs between people
    direction = np.array([rng.normal(0, 0.10), -rng.uniform(0.05, 0.20), -1.0])
    displacement = course[..., None] * (axes @ direction)
    scale = rng.normal(0, 0.004 * motion_mm, (shots, slices))
    mistriggered = rng.random(slices) < min(0.04 * motion_mm, 0.3)
    scale[rng.integers(shots, size=slices), np.arange(slices)] -= 0.12 * mistriggered

    def anchored(poses: np.ndarray) -> np.ndarray:
        return poses - centre_pose(torch.from_numpy(poses), shot, centre).numpy()

    displacement = anchored(displacement)
    # even the breath-holds out by half (in logarithm): patients who move do so in most slices
    displacement /= np.sqrt(np.sqrt(np.mean(np.sum(displacement**2, axis=-1), axis=0)))[:, None]
    displacement *= motion_mm / np.sqrt(np.mean(np.sum(displacement**2, axis=-1)))
    displacement[..., 2] = np.clip(displacement[..., 2], -REACH, REACH)
    return HeartMotion(shot, displacement, 1 + np.clip(anchored(scale), -0.15, 0.15))


def phase_encode_moving(
    still: np.ndarray, hearts: np.ndarray, window: tuple[slice, slice], coil: np.ndarray, motion: HeartMotion,
    protocol: Protocol,
) -> np.ndarray:  # fmt: skip
    """What the moving heart adds to the phase-encoded signal of the still chest.

    Args:
        still: chest without the heart, ``[slices, size, size]``.
        hearts: for each shot and slice, at the displaced height: signal and cover of the heart within ``window`` before
            its move in plane, float32 ``[shots, slices, 2, nx, ny]``.
        window: the heart's part of the image (x, y).
        coil: sensitivity, ``[slices, size, size]``.
        motion: the poses.
        protocol: the acquisition.

    Returns:
        complex64 ``[slices, nx, lines]``: to be added within ``window`` along x, zero at the lines that are not acquired.
    """
    _, slices, _, nx, ny = hearts.shape
    moved = move_in_plane(
        torch.from_numpy(hearts.reshape(-1, 2, nx, ny)),
        torch.from_numpy(motion.displacement[..., :2].reshape(-1, 2) / protocol.pixel),
        torch.from_numpy(motion.scale.ravel()),
    ).numpy().reshape(hearts.shape)  # fmt: skip
    part = np.s_[:, window[0], window[1]]
    # the heart hides what lies behind it; cubic convolution overshoots a little at its edges
    change = (moved[:, :, 0] - still[part] * np.clip(moved[:, :, 1], 0, 1)) * coil[part]
    images = torch.from_numpy(np.ascontiguousarray(change.transpose(0, 2, 3, 1)[:, None]))  # [shots, 1, nx, ny, slices]
    acquired = np.flatnonzero(acquired_lines(protocol))
    lines = compose_kspace(
        images, motion.shot, 2, still.shape[2], window[1].start, int(acquired[0]) - protocol.lines // 2
    )
    signal = np.zeros((slices, nx, protocol.lines), dtype=np.complex64)
    signal[:, :, acquired] = lines[0].permute(2, 0, 1).numpy()
    return signal
