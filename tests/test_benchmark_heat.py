"""The benchmark of heat maps counts heat by lead and knows what chance gives."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from cardiac_transforms.ecg import LEADS, canonical_boxes

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(SCRIPTS))
    try:
        import benchmark_heat

        yield benchmark_heat
    finally:
        sys.path.remove(str(SCRIPTS))


def patient(benchmark, name: str, changed: str, by_lead: np.ndarray, **scar: float) -> dict:
    cells = {f"segment_{k}": "0.0" for k in range(1, 18)} | {key: str(value) for key, value in scar.items()}
    cells |= {"kind": "ischaemic", "scar_percent": "10.0", "changed_leads": changed}
    return benchmark.patient_row({"patient": name, "row": cells}, 0.9, by_lead) | {"called": 1}


def test_heat_is_shared_out_by_lead(benchmark):
    heat = np.zeros((300, 250), np.float32)
    for lead, amount in (("aVF", 3.0), ("V2", 1.0)):
        left, top, right, bottom = (round(edge + 0.5) for edge in canonical_boxes(2.0)[LEADS.index(lead)].box)
        heat[top:bottom, left:right] = amount
    shares = dict(zip(LEADS, benchmark.lead_shares(heat), strict=True))
    assert shares.pop("aVF") == pytest.approx(0.75) and shares.pop("V2") == pytest.approx(0.25)
    assert not any(shares.values())
    assert benchmark.lead_shares(np.ones((300, 250))) == pytest.approx(np.full(12, 1 / 12))
    assert np.isnan(benchmark.lead_shares(np.zeros((300, 250)))).all()


def test_chance_is_even_heat_other_patients_leads_and_heat_without_scar(benchmark):
    on_v1 = (np.array(LEADS) == "V1") * 0.5 + (np.array(LEADS) == "III") * 0.5
    rows = [
        patient(benchmark, "a", "V1 V2", on_v1, segment_7=0.4, segment_4=0.1),
        patient(benchmark, "b", "II aVF", on_v1, segment_4=0.4),
        patient(benchmark, "c", "III aVF", on_v1, segment_12=0.4),
        patient(benchmark, "d", "V1", on_v1, segment_12=0.4),
    ]
    benchmark.add_chances(rows, (np.array(LEADS) == "V2") * 0.3 + (np.array(LEADS) == "I") * 0.7)
    assert [row["territory"] for row in rows] == ["LAD", "RCA", "LCX", "LCX"]
    assert [row["share"] for row in rows] == pytest.approx([0.5, 0.0, 0.5, 0.5])
    assert [row["even"] for row in rows] == pytest.approx([2 / 12, 2 / 12, 2 / 12, 1 / 12])
    assert [row["others"] for row in rows] == pytest.approx([0.25, 0.5, 0.25, np.nan], nan_ok=True)
    assert [row["no_scar"] for row in rows] == pytest.approx([0.3, 0.0, 0.0, 0.0])
    found = benchmark.summary(rows[:3])
    assert (found["n"], found["mean"], found["even"]["ratio"]) == (3, pytest.approx(1 / 3), pytest.approx(2.0))
    assert found["no_scar"]["mean"] == pytest.approx(0.1) and found["no_scar"]["ratio"] == pytest.approx(10 / 3)
