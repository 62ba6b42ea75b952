import numpy as np
import pytest

from cardiac_transforms.ecg.leads import LEADS
from cardiac_transforms.ecg.reading.identify import Contradiction, contradictions
from tests.cardiac_transforms.ecg.reading.drawn_page import made_up_signals

SIGNALS = made_up_signals(seed=1).astype(float)


@pytest.mark.parametrize(
    ("leads", "count"),
    [
        (("I", "II", "III"), 1),
        (("aVR", "aVL", "aVF"), 1),
        (LEADS[:6], 4),
        (("aVL", "I", "-aVR"), 1),
        (("V1", "V2", "V3"), 0),
        (("V1", "V2", "V3", "V1"), 1),
        (("I", "II", "III", "II"), 2),
    ],
)
def test_simultaneous_leads_obey_their_relations(leads, count):
    relations = contradictions(leads)
    assert relations.shape == (count, len(leads))
    signals = [(-1 if name[0] == "-" else 1) * SIGNALS[LEADS.index(name.removeprefix("-"))] for name in leads]
    assert np.abs(relations @ np.array(signals)).max(initial=0.0) < 1e-5


def test_wrong_names_contradict_each_other():
    wrong = Contradiction(SIGNALS[[0, 1, 2]])
    assert wrong((0, 1, 2), ("I", "II", "III"), 0, 5000)[1] < 1e-6
    assert wrong((0, 1, 2), ("II", "I", "III"), 0, 5000)[1] > 0.1
    assert wrong((0, 1, 2), ("V1", "V2", "V3"), 0, 5000) == (0, 1.0)


def test_a_row_is_like_another_that_comes_a_little_later():
    rng = np.random.default_rng(0)
    beats = np.cumsum(rng.normal(size=800))
    rows = Contradiction(np.stack([beats[10:-10], beats[4:-16], rng.normal(size=780) * beats.std()]))
    assert rows.unlike(0, 1, 100, 600, lag=8) == pytest.approx(0.0, abs=1e-9)
    assert rows.unlike(0, 1, 100, 600, lag=2) > 1e-4
    assert rows.unlike(0, 2, 100, 600, lag=8) > 0.5
    assert rows.unlike(0, 1, 779, 790, lag=8) == 1.0
