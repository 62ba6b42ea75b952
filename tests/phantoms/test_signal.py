"""Inversion-recovery physics and the contrast that a patient is given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_jdl.phantoms.acquisition import draw_protocol
from monai_jdl.phantoms.draws import generator
from monai_jdl.phantoms.heart import PALE, TISSUES
from monai_jdl.phantoms.signal import draw_contrast, inversion_recovery, null_time, t1_of_signal

T1 = st.floats(150, 1500)
REPETITION = st.floats(600, 3000)


@given(T1, REPETITION)
def test_a_tissue_gives_no_signal_at_its_null_time(t1, repetition):
    ti = null_time(t1, repetition)
    assert abs(float(inversion_recovery(t1, ti, repetition))) < 1e-9
    assert float(inversion_recovery(t1, ti - 20, repetition)) < 0 < float(inversion_recovery(t1, ti + 20, repetition))


def test_null_time_against_the_published_example_and_the_long_repetition_limit():
    assert null_time(540, 1600) == pytest.approx(347, abs=1)
    assert null_time(540, 1e6) == pytest.approx(540 * np.log(2))


def test_magnetisation_repeats_itself_after_one_interval():
    """Recover for T from -M0-: the steady state's end value, inverted, is where the next interval starts."""
    t1, repetition = 420.0, 1500.0
    start = float(inversion_recovery(t1, 0.0, repetition))
    end = float(inversion_recovery(t1, repetition, repetition))
    assert start == pytest.approx(-end)
    assert end == pytest.approx(1 + (start - 1) * np.exp(-repetition / t1))


@given(T1, REPETITION, st.floats(0.5, 1.0))
def test_t1_of_signal_is_the_inverse(t1, repetition, pd):
    ti = 0.6 * t1
    assert t1_of_signal(float(inversion_recovery(t1, ti, repetition, pd)), ti, repetition, pd) == pytest.approx(
        t1, rel=1e-6
    )


def test_drawn_contrast_lies_in_the_published_bands():
    remote_cnr, blood_cnr, error = [], [], []
    for seed in range(300):
        protocol = draw_protocol(generator(seed, "protocol"), "magnitude", 256)
        contrast = draw_contrast(seed, protocol, 10)
        t1 = dict(zip(TISSUES, contrast.t1, strict=True))
        remote = 0.5 * (t1["remote"] + t1["remote_slow"])
        ti = null_time(remote, protocol.repetition)
        signal = inversion_recovery(contrast.t1, ti, protocol.repetition, contrast.pd)
        scar = (1 - PALE) * signal[TISSUES.index("scar")]
        remote_cnr.append(scar / contrast.noise_sd)
        blood_cnr.append((scar - signal[TISSUES.index("blood")]) / contrast.noise_sd)
        error.extend(contrast.inversion_times - ti)
        assert 1.0 <= t1["obstruction"] / remote <= 1.15  # brighter than scar in a magnitude image beyond that
    assert 8 <= min(remote_cnr) and max(remote_cnr) <= 40
    assert np.mean(blood_cnr) == pytest.approx(3.5, abs=1.0) and 1 < np.std(blood_cnr) < 3.5
    assert np.std(error) == pytest.approx(20, abs=3)
