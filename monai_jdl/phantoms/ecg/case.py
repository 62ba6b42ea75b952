"""One simulated ECG with its truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cardiac_transforms.ecg.leads import LEADS
from monai_jdl.phantoms.draws import generator
from monai_jdl.phantoms.ecg import torso
from monai_jdl.phantoms.ecg.beat import Beat, draw_beat
from monai_jdl.phantoms.ecg.clinical import Clinical
from monai_jdl.phantoms.ecg.noise import electrode_noise
from monai_jdl.phantoms.ecg.patient import CONDUCTIONS, KINDS, draw_heart_rate, draw_kind, draw_patient, draw_rhythm
from monai_jdl.phantoms.ecg.rhythm import RHYTHMS, Beats, draw_beats, fibrillatory_waves
from monai_jdl.phantoms.ecg.waves import Waves

CHANGED_MV = 0.1
"""A lead counts as changed by scar where the QRS complexes with and without it differ by more than this."""
SWAPPED_SHARE = 0.01
"""Share of records in which the arms' electrodes are interchanged."""


@dataclass(frozen=True)
class ECGCase:
    """A 12-lead ECG with its truth. Lead order is :data:`cardiac_transforms.ecg.leads.LEADS`.

    Attributes:
        signals: float32 ``[12, T]``, mV; ``II = I + III`` and the augmented leads hold exactly.
        clean: the same without noise.
        rate: samples per second.
        seed: the patient's seed.
        kind: of scar: ``ischaemic``, ``nonischaemic`` or ``normal`` (none).
        segments: scar as a fraction of each AHA segment 1-17, ``[17]``.
        scar_percent: scar in per cent of the left ventricular mass.
        lvef: left ventricular ejection fraction, per cent.
        cavity_ml: left ventricular volume at mid-diastole, mL.
        heart_rate: mean over the record, beats per minute.
        rhythm: ``sinus``, ``ectopics`` or ``fibrillation``.
        conduction: ``normal``, ``LBBB`` or ``RBBB``.
        findings: what else changes the ECG (:class:`~monai_jdl.phantoms.ecg.patient.Patient`).
        qrs_duration: ms; the time in which the dipole's magnitude exceeds 5 % of its maximum.
        qrs_axis: degrees in the frontal plane, of the QRS complex's area; of the heart, arms not interchanged.
        pr: ms from the P wave's onset to the QRS onset; NaN in fibrillation.
        qt: ms from the QRS onset to the T wave's end, at the mean RR interval.
        qrs_onsets: seconds, one for each QRS complex that lies wholly within the record.
        qrs_peaks: seconds at which the dipole is longest.
        qrs_offsets: seconds.
        ectopic: which of these beats arise in the ventricles, bool.
        lead_change: greatest difference in mV that scar makes within the QRS complex of each lead, ``[12]``.
        swapped_arms: whether the electrodes of the arms are interchanged.
        clinical: age, sex and risk factors.
    """

    signals: np.ndarray
    clean: np.ndarray
    rate: float
    seed: int
    kind: str
    segments: np.ndarray
    scar_percent: float
    lvef: float
    cavity_ml: float
    heart_rate: float
    rhythm: str
    conduction: str
    findings: tuple[str, ...]
    qrs_duration: float
    qrs_axis: float
    pr: float
    qt: float
    qrs_onsets: np.ndarray
    qrs_peaks: np.ndarray
    qrs_offsets: np.ndarray
    ectopic: np.ndarray
    lead_change: np.ndarray
    swapped_arms: bool
    clinical: Clinical

    @property
    def scar(self) -> bool:
        """Whether there is any scar."""
        return self.scar_percent > 0

    @property
    def lvef50(self) -> bool:
        """Whether the LVEF is below 50 %."""
        return self.lvef < 50

    @property
    def changed_leads(self) -> tuple[str, ...]:
        """Leads that scar changes by more than :data:`CHANGED_MV`."""
        return tuple(lead for lead, change in zip(LEADS, self.lead_change, strict=True) if change > CHANGED_MV)


def simulate_ecg(
    seed: int,
    *,
    kind: str | None = None,
    segments: np.ndarray | None = None,
    conduction: str | None = None,
    rhythm: str | None = None,
    heart_rate: float | None = None,
    qrs_duration: float | None = None,
    qrs_axis: float | None = None,
    lvef: float | None = None,
    rate: float = 500.0,
    duration: float = 10.0,
) -> ECGCase:
    """Simulate one patient's ECG: a moving dipole, a torso, nine electrodes. What is ``None`` is drawn.

    The same seed is the same patient as in the LGE phantom: heart, its place in the chest and (for the same kind) its scar.
    Half of the drawn patients have scar.

    Args:
        seed: the patient, >= 0. Every subject has draws of its own.
        kind: ``ischaemic``, ``nonischaemic`` or ``normal``.
        segments: scar as a fraction of each AHA segment 1-17, ``[17]``, in [0, 1]. With ``kind=None`` it is ischaemic.
        conduction: ``normal``, ``LBBB`` or ``RBBB``.
        rhythm: ``sinus``, ``ectopics`` or ``fibrillation``.
        heart_rate: beats per minute, 30 to 200.
        qrs_duration: ms, 60 to 220.
        qrs_axis: degrees in the frontal plane, -180 to 180.
        lvef: per cent, 5 to 80.
        rate: samples per second, at least 100.
        duration: seconds, at least 2.

    Raises:
        ValueError: for a value outside these ranges.
    """
    _check("kind", kind, KINDS)
    _check("conduction", conduction, CONDUCTIONS)
    _check("rhythm", rhythm, RHYTHMS)
    for name, value, low, high in (
        ("heart_rate", heart_rate, 30, 200),
        ("qrs_duration", qrs_duration, 60, 220),
        ("qrs_axis", qrs_axis, -180, 180),
        ("lvef", lvef, 5, 80),
        ("rate", rate, 100, np.inf),
        ("duration", duration, 2, np.inf),
    ):
        if value is not None and not low <= value <= high:
            raise ValueError(f"{name} must be {low} to {high}, not {value}.")
    if segments is not None:
        segments = np.asarray(segments, dtype=float)
        if segments.shape != (17,) or not ((segments >= 0) & (segments <= 1)).all():
            raise ValueError("segments must be 17 fractions in [0, 1].")
        kind = kind or ("ischaemic" if segments.any() else "normal")
    patient = draw_patient(seed, kind or draw_kind(seed), segments, conduction, lvef, qrs_duration)
    rhythm = rhythm or draw_rhythm(seed)
    heart_rate = heart_rate or draw_heart_rate(seed, rhythm, patient.lvef)

    torso_rng = generator(seed, "ecg torso")
    transfer = torso.draw_torso(torso_rng)
    swapped = bool(torso_rng.random() < SWAPPED_SHARE)
    beat = draw_beat(patient, transfer, qrs_axis)
    rhythm_rng = generator(seed, "ecg rhythm")
    beats = draw_beats(rhythm_rng, rhythm, heart_rate, duration)
    t = np.arange(round(duration * rate)) / rate
    dipole = _record(beat, beats, t, rhythm != "fibrillation")
    if rhythm == "fibrillation":
        dipole += fibrillatory_waves(rhythm_rng, t)
    electrodes = torso.electrode_matrix(transfer)
    potentials = electrodes @ dipole.T
    order = [1, 0, *range(2, 9)] if swapped else list(range(9))
    noise = electrode_noise(generator(seed, "ecg noise"), t, rate, beats.breathing_rate)

    within = (beats.time + beat.onset > 0) & (beats.time + beat.end < duration)
    grid = np.arange(beat.onset, beat.end, 0.001)
    return ECGCase(
        signals=torso.leads_of(potentials[order] + noise),
        clean=torso.leads_of(potentials[order]),
        rate=float(rate),
        seed=seed,
        kind=patient.kind,
        segments=patient.segments,
        scar_percent=patient.scar_percent,
        lvef=patient.lvef,
        cavity_ml=patient.cavity_ml,
        heart_rate=float(heart_rate),
        rhythm=rhythm,
        conduction=patient.conduction,
        findings=patient.findings,
        qrs_duration=patient.qrs_duration,
        qrs_axis=float(torso.frontal_axis(beat.qrs.area, transfer)),
        pr=np.nan if rhythm == "fibrillation" else 1000 * beat.pr,
        qt=1000 * beat.qt * float(np.cbrt(60 / heart_rate)),
        qrs_onsets=beats.time[within] + beat.onset,
        qrs_peaks=beats.time[within] + beat.peak,
        qrs_offsets=beats.time[within] + beat.end,
        ectopic=beats.ectopic[within],
        lead_change=np.abs(torso.leads_of(electrodes @ beat.lost(grid).T)).max(1) * float(patient.segments.any()),
        swapped_arms=swapped,
        clinical=patient.clinical,
    )


def _check(name: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise ValueError(f"{name} must be one of {known}, not {value!r}.")


def _record(beat: Beat, beats: Beats, t: np.ndarray, atria: bool) -> np.ndarray:
    """The dipole of the whole record in mV, ``[T, 3]``.

    Repolarisation starts with the QRS complex and its duration follows the cube root of the RR interval (Fridericia). With each
    breath the dipole grows and shrinks by 4 %.

    Args:
        beat: waves of the patient.
        beats: when they come.
        t: times in seconds, ``[T]``.
        atria: whether the atria beat.
    """
    dipole = np.zeros((t.size, 3))

    def add(waves: Waves, time: float, low: float, high: float, weight: Callable[[np.ndarray], np.ndarray]) -> None:
        first, last = np.searchsorted(t, [time + low, time + high])
        s = t[first:last] - time
        dipole[first:last] += weight(s)[:, None] * waves(s)

    ectopic_t = beat.ectopic.stretched(2.6).shifted(0.26).mapped(-0.35 * np.eye(3))
    for time, rr, ectopic, breath in zip(beats.time, beats.rr, beats.ectopic, beats.breath, strict=True):
        size = 1 + 0.04 * np.sin(breath)

        def whole(s: np.ndarray, size: float = size) -> np.ndarray:
            return np.full(s.size, size)

        def begun(s: np.ndarray, size: float = size) -> np.ndarray:
            return size / (1 + np.exp(-(s - 0.5 * (beat.onset + beat.end) - 0.01) / 0.008))

        add(beat.ectopic if ectopic else beat.qrs, time, -0.15, 0.25, whole)
        add(ectopic_t if ectopic else beat.t.stretched(float(np.cbrt(rr))), time, -0.1, 0.9, begun)
        if atria and not ectopic:
            add(beat.p, time, -0.45, 0.05, whole)
    return dipole
