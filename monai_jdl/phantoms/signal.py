"""Inversion-recovery signal of the tissues after gadolinium, and the patient's relaxation times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monai_jdl.phantoms.acquisition import Protocol
from monai_jdl.phantoms.draws import generator, truncated_normal
from monai_jdl.phantoms.heart import PALE, TISSUES


def chest_tissues(
    rng: np.random.Generator, remote: float, blood: tuple[float, float]
) -> dict[str, tuple[float, float]]:
    """T1 in ms late after gadolinium, and proton density relative to water, of the tissues around the heart.

    Args:
        rng: source of the patient's values.
        remote: T1 of remote myocardium in ms; skeletal muscle follows it.
        blood: T1 in ms and proton density of blood.
    """
    return {
        "lung": (900.0, rng.uniform(0.06, 0.16)),
        "fat": (rng.uniform(250, 300), rng.uniform(0.55, 0.85)),
        "muscle": (remote * rng.uniform(0.95, 1.20), 0.75),
        "marrow": (rng.uniform(300, 400), rng.uniform(0.35, 0.60)),
        "cortex": (300.0, 0.05),
        "liver": (remote * rng.uniform(0.70, 0.92), 0.80),
        "spleen": (remote * rng.uniform(0.65, 0.80), 0.85),
        "bowel": (remote * rng.uniform(0.75, 1.05), 0.65),
        "stomach": (rng.uniform(500, 1500), rng.uniform(0.1, 0.6)),
        "fluid": (2600.0, 0.95),
        "vessel": blood,
    }


def inversion_recovery(
    t1: np.ndarray | float, ti: np.ndarray | float, repetition: np.ndarray | float, pd: np.ndarray | float = 1.0
) -> np.ndarray:
    """Signed longitudinal magnetisation when the centre of k-space is read, in the steady state.

    ``M = pd (1 - 2 exp(-TI/T1) / (1 + exp(-T/T1)))``, inversion every ``T = n RR`` with a readout that changes the
    magnetisation little (as in phase-sensitive inversion recovery, Kellman et al., MRM 2002;47:372).

    Args:
        t1: longitudinal relaxation time in ms; broadcasts with the other arguments.
        ti: inversion time in ms.
        repetition: time between inversions T in ms.
        pd: proton density, any unit; the result has the same.
    """
    t1 = np.asarray(t1, dtype=np.float64)
    return pd * (1 - 2 * np.exp(-ti / t1) / (1 + np.exp(-repetition / t1)))


def null_time(t1: float, repetition: float) -> float:
    """Inversion time in ms at which a tissue of relaxation time ``t1`` (ms) gives no signal: T1 ln(2/(1+exp(-T/T1)))."""
    return float(t1 * np.log(2 / (1 + np.exp(-repetition / t1))))


def t1_of_signal(signal: float, ti: float, repetition: float, pd: float) -> float:
    """The relaxation time in ms (80 to 3000) whose :func:`inversion_recovery` is ``signal``, by bisection."""
    low, high = 80.0, 3000.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        if inversion_recovery(middle, ti, repetition, pd) > signal:  # a short T1 recovers further
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@dataclass(frozen=True)
class Contrast:
    """T1 and proton density of the heart and the chest, inversion times and noise of one patient.

    Attributes:
        t1: ms, of each of :data:`monai_jdl.phantoms.heart.TISSUES`.
        pd: proton density of the same.
        noise_sd: per channel, in units of the signal.
        inversion_times: ms, of each slice from base to apex.
        chest: T1 in ms and proton density of each tissue of the chest.
    """

    t1: np.ndarray
    pd: np.ndarray
    noise_sd: float
    inversion_times: np.ndarray
    chest: dict[str, tuple[float, float]]


def draw_contrast(seed: int, protocol: Protocol, slices: int) -> Contrast:
    """Relaxation times, inversion times and noise, so that the drawn contrast-to-noise ratios hold at the set TI.

    Infarct to remote 8-40; infarct to blood about 4 +- 2.3, which fixes the T1 of blood (PMC3487089, PMC2396274). The
    inversion time is set at the null of remote myocardium with an error of 20 ms in all, and remote T1 rises while the
    stack is acquired.

    Args:
        seed: the patient.
        protocol: the acquisition.
        slices: number of slices.
    """
    rng = generator(seed, "tissue")
    repetition = protocol.repetition
    remote = truncated_normal(rng, 480, 45, 400, 570)
    scar = remote * rng.uniform(0.60, 0.76)
    cnr_remote = truncated_normal(rng, 22, 7, 12, 38)
    cnr_blood = truncated_normal(rng, 4.0, 2.3, -1.0, 8.5)
    ti = null_time(remote, repetition)
    muscle_pd, blood_pd = 0.80, 0.90
    # the scar's mean signal: PALE of it is surviving muscle, which gives none at its null
    signal = (1 - PALE) * float(inversion_recovery(scar, ti, repetition, muscle_pd))
    noise_sd = signal / cnr_remote
    blood = t1_of_signal(signal - cnr_blood * noise_sd, ti, repetition, blood_pd)
    slow_limit = 1.15 if protocol.display == "magnitude" else 1.5
    obstruction = remote * rng.uniform(1.0, slow_limit)
    values = {
        "remote": (remote * 0.985, muscle_pd),
        "remote_slow": (remote * 1.015, muscle_pd),
        "scar": (scar, muscle_pd),
        "obstruction": (obstruction, muscle_pd),
        "blood": (blood, blood_pd),
        "fat": (rng.uniform(250, 300), 0.80),
        "pericardium": (800.0, 0.10),
    }
    # the operator's error for the patient, the scatter between slices, and the drift of about 5 ms a minute
    error = rng.normal(0, 17) + rng.normal(0, 10, slices) - rng.uniform(0, 2.0) * (np.arange(slices) - slices / 2)
    return Contrast(
        t1=np.array([values[name][0] for name in TISSUES]),
        pd=np.array([values[name][1] for name in TISSUES]),
        noise_sd=noise_sd,
        inversion_times=np.rint(ti + error),
        chest=chest_tissues(generator(seed, "chest"), remote, (blood, blood_pd)),
    )
