"""From the dipole to the electrodes, and from the electrodes to the twelve leads.

The transfer is the Dower matrix (Dower, Machado, Osborne, Clin Cardiol 1980;3:87). A patient's torso and the places of the
electrodes perturb it. Noise is added to the nine electrodes and the leads are formed afterwards, so that Einthoven's and
Goldberger's equations hold for the recorded signals too.
"""

from __future__ import annotations

import numpy as np

from monai_jdl.phantoms.draws import truncated_normal

ELECTRODES = ("RA", "LA", "LL", "V1", "V2", "V3", "V4", "V5", "V6")
"""Order of the electrodes; the right leg is the reference."""

DOWER = np.array(
    [
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
    ]
)
"""V1 to V6, I and II from X, Y and Z."""

QUANTUM = 2.0**-10
"""Step of the recorded signals in mV (about 1 uV). A power of two, so that sums of leads in float32 are exact."""

_HIGH = np.array(
    [0.0, -0.30, 0.0]
)  # a precordial electrode two intercostal spaces too high sees forces from below fleeing


def limb_potentials(lead_i: np.ndarray, lead_ii: np.ndarray) -> np.ndarray:
    """Potentials of RA, LA and LL against Wilson's central terminal, stacked along a new first axis."""
    return np.stack([-(lead_i + lead_ii), 2 * lead_i - lead_ii, 2 * lead_ii - lead_i]) / 3


def electrode_matrix(transfer: np.ndarray) -> np.ndarray:
    """Potentials of :data:`ELECTRODES` per dipole, ``[9, 3]``, from a matrix in the form of :data:`DOWER`."""
    return np.concatenate([limb_potentials(transfer[6], transfer[7]), transfer[:6]])


def leads_of(electrodes: np.ndarray) -> np.ndarray:
    """The twelve leads in the order of :data:`cardiac_transforms.ecg.leads.LEADS` from electrode potentials.

    I, II and V1 to V6 are rounded to :data:`QUANTUM`, as a recorder digitises them, and the others follow from I and II:
    ``II = I + III`` holds bit by bit.

    Args:
        electrodes: mV, ``[9, T]``.

    Returns:
        float32 ``[12, T]``.
    """
    ra, la, ll = electrodes[:3]
    measured = np.concatenate([(la - ra)[None], (ll - ra)[None], electrodes[3:] - electrodes[:3].mean(0)])
    measured = np.round(measured / QUANTUM) * QUANTUM
    one, two = measured[:2]
    limb = np.stack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2])
    return np.concatenate([limb, measured[2:]]).astype(np.float32)


def frontal_axis(dipole: np.ndarray, transfer: np.ndarray) -> np.ndarray:
    """Electrical axis in degrees, 0 at lead I and 90 straight down, in (-180, 180].

    In Einthoven's triangle the frontal vector is ``(I, (II + III) / sqrt(3))``.

    Args:
        dipole: or its integral over the QRS complex, ``[..., 3]``.
        transfer: in the form of :data:`DOWER`.
    """
    one, two = np.moveaxis(dipole @ transfer[6:].T, -1, 0)
    return np.rad2deg(np.arctan2((2 * two - one) / np.sqrt(3), one))


def draw_torso(rng: np.random.Generator) -> np.ndarray:
    """One patient's matrix in the form of :data:`DOWER`.

    Each lead has a gain of its own (conductivity, distance), the dipole's place bends the directions a little, and the
    electrodes V1 to V6 sit up to a third of their distance beside their places. In one patient of twelve V1 and V2 are
    attached two intercostal spaces too high, as is common practice's commonest mistake.
    """
    matrix = DOWER * np.exp(0.10 * rng.normal(size=(8, 1))) + 0.05 * rng.normal(size=(8, 3))
    place = np.arange(6) + truncated_normal(rng, 0, 0.20, -0.5, 0.5) + np.clip(0.10 * rng.normal(size=6), -0.3, 0.3)
    place = np.clip(place, -0.5, 5.5)
    low = np.clip(np.floor(place).astype(int), 0, 4)
    matrix[:6] = matrix[low] + (place - low)[:, None] * (matrix[low + 1] - matrix[low])
    too_high = rng.random() < 1 / 12
    if too_high:
        matrix[:2] = 0.85 * matrix[:2] + _HIGH
    return matrix
