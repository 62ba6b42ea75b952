"""One patient, two examinations: an LGE stack and a 12-lead ECG of the same heart with the same scar."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monai_jdl.phantoms.ecg.case import ECGCase, simulate_ecg
from monai_jdl.phantoms.ecg.patient import draw_kind
from monai_jdl.phantoms.lge import LGECase, simulate


@dataclass(frozen=True)
class TwinCase:
    """Both examinations of one patient.

    The scar map of the LGE stack's fine grid drives the ECG; ventricle, direction of the heart's axis and mean heart rate are
    shared. The ECG's ``segments``, ``scar_percent`` and ``cavity_ml`` are those of the LGE stack.

    Attributes:
        lge: the stack with its labels.
        ecg: the ECG, with LVEF, conduction and risk factors.
    """

    lge: LGECase
    ecg: ECGCase


def simulate_twin(
    seed: int, *, kind: str | None = None, motion_mm: float = 0.0, display: str | None = None, size: int = 256
) -> TwinCase:
    """Simulate one patient's LGE stack and ECG. Half of the drawn patients have scar.

    The LVEF falls with scar and with dilation of the cavity (:func:`~monai_jdl.phantoms.ecg.patient.draw_patient`); the cavity
    at mid-diastole is the one in the images.

    Args:
        seed: the patient, >= 0; ``simulate(seed, kind=...)`` gives the same stack.
        kind: ``ischaemic``, ``nonischaemic`` or ``normal`` (no scar); ``None`` draws one.
        motion_mm: of the heart in the LGE acquisition (:func:`~monai_jdl.phantoms.simulate`).
        display: ``magnitude`` or ``psir``; ``None`` draws one.
        size: side of the LGE matrix in pixels.

    Raises:
        ValueError: as :func:`~monai_jdl.phantoms.simulate`.
    """
    lge = simulate(seed, kind=kind or draw_kind(seed), motion_mm=motion_mm, display=display, size=size)
    ecg = simulate_ecg(seed, kind=lge.kind, segments=lge.segments, heart_rate=60000 / lge.rr)
    # the image's own volumes: its wall is uneven, and its segments do not weigh what a regular ventricle's do
    return TwinCase(lge, replace(ecg, scar_percent=lge.scar_percent, cavity_ml=lge.volumes_ml["cavity"]))
