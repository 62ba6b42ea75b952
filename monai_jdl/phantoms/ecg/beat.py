"""One patient's beat: the waves of a healthy heart, bent by the patient, minus what the scar no longer says."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from monai_jdl.phantoms.draws import generator
from monai_jdl.phantoms.ecg import waves
from monai_jdl.phantoms.ecg.geometry import ACTIVATION, SEGMENT_SHARE, heart_axes, segment_normals
from monai_jdl.phantoms.ecg.patient import Patient
from monai_jdl.phantoms.ecg.torso import frontal_axis
from monai_jdl.phantoms.ecg.waves import Waves

EXTENT = 0.05
"""The QRS complex lasts while the magnitude of its dipole exceeds this share of its maximum."""
P_EXTENT = 0.10
"""The same for the P wave's onset and the T wave's end."""
SEGMENT_MV = 4.5
"""Dipole in mV that is lost if the whole ventricle is scar and faces one way; a segment loses its share [design]."""
T_MV = 2.0
"""The same for the T wave."""
EARLY_MV = np.array([0.08, 0.22, 0.10])
"""Spread along X, Y and Z of early forces that differ between healthy people; what makes small scars hard to see [design]."""
_ATRIA = np.diag([1.1, 1.5, 0.5])  # the table's P wave is too tall in V1 to V3 and too flat in II
NEAR = 0.7
"""By how much a wall that faces forward speaks louder than average, and one that faces backward less [design]."""
_MEAN_AXES = heart_axes(np.array([np.cos(np.pi / 6) * np.sin(0.8), 0.5, -np.cos(np.pi / 6) * np.cos(0.8)]))


def _rotation(angle: float, axis: int) -> np.ndarray:
    """Rotation by ``angle`` rad about X, Y or Z (0, 1, 2).

    About Z a positive angle turns left towards inferior, about Y left towards posterior and anterior towards left.
    """
    i, j = ((1, 2), (0, 2), (0, 1))[axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = np.cos(angle)
    matrix[j, i], matrix[i, j] = np.sin(angle), -np.sin(angle)
    return matrix


# The table's subject has an axis of 15 degrees and R = S in V2; the mean adult has about 55 degrees and R = S in V2 to V4.
_ADULT = _rotation(np.deg2rad(16), 1) @ _rotation(np.deg2rad(14), 2)


@dataclass(frozen=True)
class Beat:
    """Waves of one patient's sinus beat in mV; the R wave is near time 0.

    Attributes:
        p: atrial depolarisation.
        qrs: ventricular depolarisation.
        lost: what scar takes away from a healthy ventricle's QRS and adds as notches; contained in ``qrs``.
        t: repolarisation at ``qt`` and an RR interval of 1 s.
        ectopic: QRS of a beat from the patient's ectopic focus.
        onset: of the QRS complex in seconds.
        peak: of the dipole's magnitude.
        end: of the QRS complex.
        pr: seconds from the P wave's onset to the QRS onset.
        qt: seconds from the QRS onset to the T wave's end at an RR interval of 1 s.
    """

    p: Waves
    qrs: Waves
    lost: Waves
    t: Waves
    ectopic: Waves
    onset: float
    peak: float
    end: float
    pr: float
    qt: float


def draw_beat(patient: Patient, transfer: np.ndarray, axis: float | None) -> Beat:
    """Draw the waves of a patient.

    Every draw is made whether it is used or not, so that the same seed with and without scar is the same person.

    Args:
        patient: the patient.
        transfer: of the torso, in the form of :data:`~monai_jdl.phantoms.ecg.torso.DOWER`; needed for the axis.
        axis: of the QRS complex in degrees; ``None`` leaves it as it comes.
    """
    rng, of_shape, of_scar, of_t, of_ectopic = generator(patient.seed, "ecg waves").spawn(5)
    heart = patient.axes.T @ _MEAN_AXES  # turns the mean heart into this one
    block = {"LBBB": waves.LBBB_QRS, "RBBB": waves.QRS + waves.RBBB_TERMINAL}
    healthy = block.get(patient.conduction, waves.QRS).varied(of_shape, 0.15, 0.06, 0.002)
    early = Waves(np.array([-0.022]), np.array([0.010]), EARLY_MV * rng.normal(size=(1, 3)))
    # forces later than the septum's differ between people by the turn of the heart and by conduction
    turn = _rotation(np.deg2rad(rng.normal(0, 9)), 1) @ _rotation(np.deg2rad(rng.normal(0, 12)), 2)
    healthy = (healthy + early).mapped(turn @ _part(heart, 0.7) @ _ADULT)
    backwards = np.deg2rad(rng.uniform(12, 30))
    scale = np.exp(rng.normal(0, 0.18)) * (0.93 if patient.clinical.female else 1.06)
    hypertrophy, low = rng.uniform(1.25, 1.6), rng.uniform(0.38, 0.6)
    if "poor R progression" in patient.findings:
        healthy = healthy.mapped(_rotation(backwards, 1))
    if "hypertrophy" in patient.findings:
        healthy = healthy.mapped(np.diag([hypertrophy, 1.1, hypertrophy]))
    if "cardiomyopathy" in patient.findings:  # Goldberger: small in the limb leads, tall in the chest leads
        healthy = healthy.mapped(np.diag([0.85, 0.75, 1.25]))
    if "low voltage" in patient.findings:
        scale *= low
    native = healthy.extent(EXTENT)
    lost = _lost(patient, of_scar, native)
    if axis is not None:
        healthy = healthy.mapped(_turn_to(healthy.area, lost.area, transfer, axis))
    qrs = healthy + lost
    onset, _, end = qrs.extent(EXTENT)
    stretch = patient.qrs_duration / 1000 / (end - onset)
    qrs, lost = (replace(w, amplitude=scale * w.amplitude).stretched(stretch) for w in (qrs, lost))
    onset, peak, end = qrs.extent(EXTENT)

    pr = float(np.clip(rng.normal(0.162, 0.020), 0.115, 0.235))
    p = waves.P.varied(of_shape, 0.12, 0.06, 0.003).mapped(_rotation(np.deg2rad(rng.normal(8, 12)), 2) @ _ATRIA)
    p = p.shifted(onset - pr - p.extent(P_EXTENT)[0])
    t, qt = _repolarisation(patient, of_t, scale, _part(heart, 0.5), onset, end)
    return Beat(p, qrs, lost, t, _ectopic(of_ectopic, scale), onset, peak, end, pr, qt)


def silent_vectors(patient: Patient) -> np.ndarray:
    """Outward vectors of what each segment no longer contributes, ``[17, 3]``, as shares of the whole ventricle's.

    Early activation is the subendocardium's, so the inner half of the wall counts most: ``1 - exp(-2.5 scar)``. The anterior
    wall lies next to the chest electrodes and speaks louder than the back of the heart (:data:`NEAR`).
    """
    normals = segment_normals(patient.axes)
    amount = SEGMENT_SHARE * np.expm1(-2.5 * patient.segments) / np.expm1(-2.5) * (1 - NEAR * normals[:, 2])
    return amount[:, None] * normals


def _lost(patient: Patient, rng: np.random.Generator, native: tuple[float, float, float]) -> Waves:
    """The dipole that the scarred muscle does not contribute, and the notches that conduction around it makes.

    Each segment's wall would have sent its outward normal at its activation time. Of mid-wall and epicardial scar less is seen.
    With LBBB the left ventricle is activated late, slowly and not in its order. In a fifth of the patients Q waves have
    regressed.
    """
    onset, _, end = native
    strength = np.exp(rng.normal(0, 0.35)) * (0.35 if rng.random() < 0.2 else 1.0)
    strength *= {"ischaemic": 1.0, "nonischaemic": 0.4, "normal": 1.0}[patient.kind]
    at = onset + ACTIVATION + 0.003 * rng.normal(size=17)
    width = np.full(17, 0.0105)
    if patient.conduction == "LBBB":
        at, width, strength = at + 0.035, 1.6 * width, 0.6 * strength
    scarred = patient.segments > 0
    dipole = Waves(at[scarred], width[scarred], -strength * SEGMENT_MV * silent_vectors(patient)[scarred])
    # fragmentation: narrow deflections to and fro, in the QRS's second half
    chance, size = rng.random(), rng.uniform(0.05, 0.16)
    where, direction = rng.uniform(0.45, 0.85, 3), rng.normal(size=(3, 3))
    direction *= np.array([[1], [-1], [1]]) / np.linalg.norm(direction, axis=1, keepdims=True)
    if chance < 0.08 + min(3.5 * float(SEGMENT_SHARE @ patient.segments), 0.5):
        notches = Waves(onset + where * (end - onset), np.full(3, 0.0045), size * direction)
        # without scar they are part of the person, but small
        dipole = dipole + replace(notches, amplitude=notches.amplitude * (1.0 if patient.segments.any() else 0.6))
    return dipole


def _repolarisation(
    patient: Patient, rng: np.random.Generator, scale: float, turn: np.ndarray, onset: float, end: float
) -> tuple[Waves, float]:
    """T wave at an RR interval of 1 s, and its QT in seconds: turned away from scar, against the QRS in bundle branch block."""
    block = {"LBBB": waves.LBBB_T, "RBBB": waves.T + waves.RBBB_T}
    (shape,) = rng.spawn(1)
    t = block.get(patient.conduction, waves.T).varied(shape, 0.15, 0.06, 0.004)
    size, damped, tall = 0.66 * np.exp(rng.normal(0, 0.25)), rng.uniform(-0.35, 0.5), rng.uniform(1.2, 1.6)
    t = t.mapped(
        turn @ _rotation(np.deg2rad(rng.normal(0, 14)), 1) @ _rotation(np.deg2rad(rng.normal(0, 10)), 2) * size
    )
    inversion = T_MV * rng.uniform(0.0, 1.4) * silent_vectors(patient).sum(0)
    strain, elevation = rng.uniform(0, 1.2), rng.uniform(0.08, 0.22)
    added = [(0.235, 0.042, -inversion)]
    if "nonspecific T" in patient.findings:
        t = replace(t, amplitude=t.amplitude * damped)
    if "hypertrophy" in patient.findings:
        added.append((0.22, 0.045, strain * np.array([-0.28, -0.04, 0.10])))
    if "early repolarisation" in patient.findings:
        t = replace(t, amplitude=t.amplitude * tall)
        added.append((0.045, 0.020, elevation * np.array([0.7, 0.3, -0.6])))
    t = t + Waves(*(np.array([row[k] for row in added]) for k in range(3)))
    qtc = rng.normal(0.410, 0.018) + 0.012 * patient.clinical.female + 0.6 * max(end - onset - 0.1, 0)
    t = replace(t, amplitude=np.sqrt(scale) * t.amplitude)
    return t.stretched((onset + qtc) / t.extent(P_EXTENT)[2]), qtc


def _ectopic(rng: np.random.Generator, scale: float) -> Waves:
    """QRS of a ventricular ectopic beat: broad, tall, in a direction of its own."""
    direction = rng.normal(size=3) * [1.0, 0.8, 1.0]
    direction *= 1.5 * scale / np.linalg.norm(direction)
    bend = 0.35 * rng.normal(size=3)
    time, width = np.array([-0.012, 0.035, 0.062]), np.array([0.021, 0.020, 0.018])
    return Waves(time, width, np.stack([direction, 0.5 * direction + bend, -0.25 * direction + 0.5 * bend]))


def _part(rotation: np.ndarray, share: float) -> np.ndarray:
    """About ``share`` of a small rotation, made orthogonal again."""
    u, _, v = np.linalg.svd((1 - share) * np.eye(3) + share * rotation)
    return u @ v


def _turn_to(healthy: np.ndarray, lost: np.ndarray, transfer: np.ndarray, axis: float) -> np.ndarray:
    """The smallest turn in the frontal plane that brings the axis of the whole complex to ``axis`` degrees."""
    angles = np.deg2rad(np.arange(-180, 180, 0.1))
    c, s = np.cos(angles), np.sin(angles)
    x, y, z = healthy
    turned = np.stack([c * x - s * y, s * x + c * y, np.full_like(c, z)], 1) + lost
    miss = np.abs((frontal_axis(turned, transfer) - axis + 180) % 360 - 180)
    near = miss < miss.min() + 0.1
    best = angles[near][np.abs(angles[near]).argmin()]
    return _rotation(float(best), 2)
