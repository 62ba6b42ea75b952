"""The patient behind the ECG: heart, scar, conduction, function and the other things that change an ECG."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monai_jdl.phantoms.draws import generator, truncated_normal
from monai_jdl.phantoms.ecg.clinical import Clinical, draw_clinical
from monai_jdl.phantoms.ecg.geometry import SEGMENT_SHARE, heart_axes
from monai_jdl.phantoms.ecg.scar_map import segments_of
from monai_jdl.phantoms.scar import draw_lesion
from monai_jdl.phantoms.thorax import draw_pose
from monai_jdl.phantoms.ventricle import draw_ventricle

KINDS = ("ischaemic", "nonischaemic", "normal")
"""Of scar, as in the LGE phantom. ``normal`` means no scar, not a normal heart."""
KIND_SHARES = (0.46, 0.04, 0.50)
"""Share of the kinds among drawn patients: half of them have scar."""
CONDUCTIONS = ("normal", "LBBB", "RBBB")
_CAVITY = {"ischaemic": 135.0, "nonischaemic": 110.0, "normal": 110.0}  # mean volume in mL of the drawn ventricles


@dataclass(frozen=True)
class Patient:
    """What is true of a patient, before any wave is drawn.

    Attributes:
        seed: of all draws.
        kind: one of :data:`KINDS`.
        segments: scar as a fraction of each AHA segment 1-17, ``[17]``.
        axes: the heart in the body (:func:`~monai_jdl.phantoms.ecg.geometry.heart_axes`).
        cavity_ml: left ventricular volume at mid-diastole.
        wall: of the left ventricle, mm.
        conduction: one of :data:`CONDUCTIONS`.
        findings: names of what else changes the ECG: ``cardiomyopathy`` (loss of function without infarct),
            ``hypertrophy``, ``low voltage``, ``early repolarisation``, ``poor R progression``, ``nonspecific T``.
        lvef: per cent.
        qrs_duration: ms.
        clinical: age, sex and risk factors.
    """

    seed: int
    kind: str
    segments: np.ndarray
    axes: np.ndarray
    cavity_ml: float
    wall: float
    conduction: str
    findings: tuple[str, ...]
    lvef: float
    qrs_duration: float
    clinical: Clinical

    @property
    def scar_percent(self) -> float:
        """Scar in per cent of the left ventricular mass, segments weighted as in a regular ventricle."""
        return 100 * float(SEGMENT_SHARE @ self.segments)


def draw_kind(seed: int) -> str:
    """The kind of scar of patient ``seed`` where none is asked for, by :data:`KIND_SHARES`."""
    return KINDS[int(generator(seed, "ecg kind").choice(3, p=KIND_SHARES))]


def draw_patient(
    seed: int,
    kind: str,
    segments: np.ndarray | None,
    conduction: str | None,
    lvef: float | None,
    duration: float | None,
) -> Patient:
    """Draw a patient; what is not ``None`` is taken as it is. The ventricle and the lesion are those of the LGE phantom.

    Couplings (field statistics turned into equations [design]):

    - ``LVEF = 62 - 0.9 scar% - 5 LBBB - cardiomyopathy (8 to 28) - 0.10 (cavity - mean cavity of the kind) + N(0, 4)``
    - ``QRS duration = 95 + 0.6 (60 - LVEF)+ + 40 LBBB + 38 RBBB + 6 hypertrophy - 5 female + N(0, 7)`` ms
    - bundle branch block and cardiomyopathy are commoner in dilated ventricles, LBBB in cardiomyopathy (30 %).

    Args:
        seed: the patient.
        kind: one of :data:`KINDS`.
        segments: scar of the 17 segments, ``[17]``.
        conduction: one of :data:`CONDUCTIONS`.
        lvef: per cent.
        duration: of the QRS complex, ms.
    """
    ventricle = draw_ventricle(generator(seed, "anatomy"), kind == "ischaemic")
    if segments is None:
        lesion = draw_lesion(generator(seed, "scar"), kind, ventricle.length, ventricle.wall)
        segments = segments_of(lesion, ventricle.a + ventricle.wall / 2, ventricle.length)
    apex = draw_pose(generator(seed, "thorax"), 0.0, ventricle.length).axes[2]  # left, posterior, superior
    cavity = 2 / 3 * np.pi * ventricle.a**2 * ventricle.length / 1000
    scar_percent = 100 * float(SEGMENT_SHARE @ segments)

    rng = generator(seed, "ecg disease")
    chance = rng.random(8)
    loss, ef_noise, qrs_noise = rng.uniform(8, 28), rng.normal(0, 4), rng.normal(0, 7)
    dilation = (cavity - _CAVITY[kind]) / 25
    cardiomyopathy = bool(chance[0] < 1 / (1 + np.exp(2.3 - 1.3 * dilation)))
    hypertrophy = ventricle.wall > 10.5 or chance[1] < 0.03
    if conduction is None:
        left = 0.30 if cardiomyopathy else 0.025 + 0.0015 * scar_percent
        conduction = "LBBB" if chance[2] < left else "RBBB" if chance[2] > 0.94 else "normal"
    findings = {
        "cardiomyopathy": cardiomyopathy,
        "hypertrophy": bool(hypertrophy),
        "low voltage": bool(chance[3] < 0.06),
        "early repolarisation": bool(chance[4] < 0.06) and conduction == "normal",
        "poor R progression": bool(chance[5] < (0.40 if cardiomyopathy else 0.12)),
        "nonspecific T": bool(chance[6] < 0.22),
    }
    if lvef is None:
        lvef = 62 - 0.9 * scar_percent - 5 * (conduction == "LBBB") - cardiomyopathy * loss
        lvef = float(np.clip(lvef - 0.10 * (cavity - _CAVITY[kind]) + ef_noise, 15, 76))
    clinical = draw_clinical(generator(seed, "clinical"), bool(scar_percent > 0), lvef < 50)
    if duration is None:
        block = {"normal": 0, "LBBB": 40, "RBBB": 38}[conduction]
        duration = 95 + 0.6 * max(60 - lvef, 0) + block + 6 * hypertrophy - 5 * clinical.female + qrs_noise
        duration = float(np.clip(duration, 120 if block else 74, 190))
    return Patient(
        seed=seed,
        kind=kind,
        segments=np.asarray(segments, dtype=float),
        axes=heart_axes(np.array([apex[0], -apex[2], apex[1]])),
        cavity_ml=cavity,
        wall=ventricle.wall,
        conduction=conduction,
        findings=tuple(name for name, present in findings.items() if present),
        lvef=float(lvef),
        qrs_duration=float(duration),
        clinical=clinical,
    )


def draw_heart_rate(seed: int, rhythm: str, lvef: float) -> float:
    """Beats per minute: 70 +- 12, faster in fibrillation and with a weak heart."""
    rng = generator(seed, "ecg rate")
    return truncated_normal(rng, 70 + 14 * (rhythm == "fibrillation") + 0.25 * max(50 - lvef, 0), 12, 45, 140)


def draw_rhythm(seed: int) -> str:
    """Sinus rhythm in 85 %, ectopic beats in 8 %, atrial fibrillation in 7 %."""
    return ("sinus", "ectopics", "fibrillation")[
        int(generator(seed, "ecg rhythm kind").choice(3, p=(0.85, 0.08, 0.07)))
    ]
