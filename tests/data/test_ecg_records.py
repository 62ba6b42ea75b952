"""ECG records of all formats: names of leads, limb leads, windows; and WFDB in and out."""

from __future__ import annotations

import os

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardiac_transforms.ecg import LEADS
from monai_jdl.data import (
    read_record,
    write_ecg_csv,
    write_wfdb,
)
from monai_jdl.data.ecg_channels import lead_of
from monai_jdl.errors import InputError
from tests.data.ecg_files import (
    RATE,
    assert_record_refused,
    signals,
    some_wfdb,
)


@pytest.mark.parametrize(
    ("name", "lead"),
    [
        *[(lead, lead) for lead in LEADS],
        *[(lead.lower(), lead) for lead in LEADS],
        *[
            ("AVR", "aVR"),
            ("MLI", "I"),
            ("MLII", "II"),
            ("DI", "I"),
            ("DIII", "III"),
            ("D2", "II"),
            ("L1", "I"),
            ("C4", "V4"),
        ],
        *[("Lead I (Einthoven)", "I"), ("MDC_ECG_LEAD_V1", "V1"), ("MDC_ECG_LEAD_III", "III"), ("ECG aVF", "aVF")],
        *[("lead_v6", "V6"), (" V2 [uV]", "V2"), ("-aVR", None), ("", None), ("V7", None), ("X", None), ("Resp", None)],
        *[("ABP", None), ("time", None), ("V", None), ("VI", None), ("V10", None), ("C7", None)],
    ],
)
def test_names_of_leads(name, lead):
    assert lead_of(name) == lead


@pytest.mark.parametrize("pair", [(a, b) for a in range(6) for b in range(a + 1, 6)])
def test_two_limb_leads_give_the_others(tmp_path, pair):
    truth = signals()
    path = some_wfdb(tmp_path, [LEADS[row] for row in pair], truth[list(pair)])
    record = read_record(path)
    np.testing.assert_allclose(record.signals[:6], truth[:6], atol=2e-3)
    assert np.isnan(record.signals[6:]).all() and record.leads == LEADS[:6]
    assert "computed from the other limb leads" in record.notes[0] and LEADS[pair[0]] not in record.notes[0].split(
        ": "
    )[1].split(", ")


def test_given_limb_leads_are_kept(tmp_path):
    given_leads = signals()
    given_leads[3] = 0.25  # aVR that disagrees with I and II
    record = read_record(some_wfdb(tmp_path, ["I", "II", "aVR"], given_leads[[0, 1, 3]]))
    np.testing.assert_allclose(record.signals[3], 0.25, atol=1e-3)
    assert record.notes == ("computed from the other limb leads: III, aVL, aVF",)
    alone = read_record(some_wfdb(tmp_path, ["V3"], given_leads[8:9], "alone"))
    assert alone.leads == ("V3",) and alone.notes == () and np.isnan(np.delete(alone.signals, 8, axis=0)).all()


@pytest.mark.parametrize("kind", ["wfdb", "csv"])
def test_windows_and_lengths(tmp_path, kind):
    write = {
        "wfdb": lambda s, n: write_wfdb(tmp_path / n, s, RATE),
        "csv": lambda s, n: write_ecg_csv(tmp_path / f"{n}.csv", s, RATE),
    }[kind]
    long = write(signals(30), "long")
    assert read_record(long).signals.shape == (12, 10 * RATE) and read_record(long).notes == ()
    middle = read_record(long, start=12.5, duration=5)
    np.testing.assert_allclose(middle.signals, signals(30)[:, 3125:4375], atol=6e-4)
    assert middle.rate == RATE
    tail = read_record(long, start=25)
    assert tail.signals.shape == (12, 5 * RATE) and "5 s instead of 10 s" in tail.notes[0]
    assert_record_refused(long, "lasts 30 s", "too little from 29.5 s on", start=29.5)
    assert_record_refused(long, "lasts 30 s", start=99)
    assert "5 s instead of 10 s" in read_record(write(signals(5), "short")).notes[0]
    assert_record_refused(write(signals(0.5), "blip"), "lasts 0.5 s", "at least 1 s")
    for start in (-1, np.nan, np.inf):
        assert_record_refused(long, "start at 0 s or later", start=start)
    assert_record_refused(long, "last 1 s or longer", duration=0.1)


def test_an_hour_is_read_by_its_window(tmp_path):
    hour = np.zeros((1, 3600 * RATE))
    hour[0, 3599 * RATE - 5] = 1
    record = read_record(some_wfdb(tmp_path, ["II"], hour), start=3590)
    assert record.signals.shape == (12, 10 * RATE) and np.nanargmax(record.signals[1]) == 9 * RATE - 5


def test_what_is_no_record(tmp_path):
    assert_record_refused(tmp_path / "gone.csv", "does not exist")
    assert_record_refused(tmp_path, "is a folder")
    (tmp_path / "a.png").write_bytes(b"x")
    assert_record_refused(tmp_path / "a.png", "picture or PDF", "monai-jdl digitize")
    (tmp_path / "a.xyz").write_bytes(b"x")
    assert_record_refused(tmp_path / "a.xyz", "no ECG record", ".hea")


@pytest.mark.parametrize("suffix", ["", ".hea", ".dat"])
def test_wfdb_with_and_without_suffix(tmp_path, suffix):
    write_wfdb(tmp_path / "rec", signals(), RATE, comments=["age: 56", "sex: F", "two\nlines"])
    record = read_record(tmp_path / f"rec{suffix}")
    np.testing.assert_allclose(record.signals, signals(), atol=5.1e-4)
    assert (record.rate, record.leads, record.age, record.sex) == (RATE, LEADS, 56, "female")
    assert record.signals.dtype == np.float32 and record.path == tmp_path / f"rec{suffix}"
    assert "# two lines" in (tmp_path / "rec.hea").read_text()


def test_wfdb_of_the_physionet_challenges(tmp_path):
    """Signals in a .mat with a header of 24 bytes, names and comments as there."""
    stored = (signals() * 1000).round().astype("<i2")
    (tmp_path / "JS1.mat").write_bytes(bytes(24) + stored.T.tobytes())
    names = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    lines = [f"JS1.mat 16+24 1000/mV 16 0 0 0 0 {name}" for name in names]
    (tmp_path / "JS1.hea").write_text("\n".join([f"JS1 12 {RATE} 2500", *lines, "#Age: 300", "#Sex: Male"]) + "\n")
    record = read_record(tmp_path / "JS1.mat")
    np.testing.assert_allclose(record.signals, signals(), atol=5.1e-4)
    assert (record.age, record.sex) == (None, "male")


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1), ("uV", 1e3), ("V", 1e-3), ("µV", 1e3), ("microvolts", 1e3)])
def test_units(tmp_path, unit, factor):
    values = signals()[1:2] * factor
    path = some_wfdb(tmp_path, ["II"], values, units=[unit])
    np.testing.assert_allclose(read_record(path).signals[1], signals()[1], atol=1e-3)


def test_unknown_units_must_be_said(tmp_path):
    path = some_wfdb(tmp_path, ["II"], signals()[1:2] * 1000, units=["NU"])
    assert_record_refused(path, "lead II in NU", "units (mV, uV or V)")
    np.testing.assert_allclose(read_record(path, units="uV").signals[1], signals()[1], atol=1e-3)
    assert_record_refused(path, "must be mV, uV or V, not 'parsec'", units="parsec")


def test_signals_of_different_rates(tmp_path):
    fast, slow = signals(10, 500)[1], signals(10, 250)[7]
    wfdb.wrsamp(
        "two", 250, ["mV"] * 3, ["II", "V2", "Resp"], e_p_signal=[fast.astype(float), slow.astype(float), slow.astype(float)],
        samps_per_frame=[2, 1, 1], fmt=["16"] * 3, write_dir=str(tmp_path),
    )  # fmt: skip
    record = read_record(tmp_path / "two", start=2, duration=4)
    assert record.rate == 500 and record.signals.shape == (12, 2000)
    np.testing.assert_allclose(record.signals[1], fast[1000:3000], atol=1e-3)
    np.testing.assert_allclose(record.signals[7, :-1:2], slow[500:1500], atol=1e-3)
    assert any("interpolated to 500 Hz: Resp, V2" in note for note in record.notes)


def test_missing_samples_stay_missing(tmp_path):
    given_leads = signals()
    given_leads[1, 100:200] = np.nan
    record = read_record(some_wfdb(tmp_path, list(LEADS), given_leads))
    assert np.array_equal(np.isnan(record.signals), np.isnan(given_leads))


def test_header_without_length(tmp_path):
    path = write_wfdb(tmp_path / "rec", signals(20), RATE)
    path.write_text(path.read_text().replace(f"rec 12 {RATE} 5000", f"rec 12 {RATE}", 1))
    np.testing.assert_allclose(read_record(path, start=3).signals, signals(20)[:, 750:3250], atol=5.1e-4)


def test_bad_wfdb(tmp_path):
    path = write_wfdb(tmp_path / "rec", signals(), RATE)
    text = path.read_text()
    for outside in ("../rec.dat", "/etc/passwd", "a\\rec.dat", "s3://a/rec.dat", ".."):
        path.write_text(text.replace("rec.dat", outside))
        assert_record_refused(path, "outside its own folder", "correct the header")
    for line in ("rec 12 ten", "rec 12"):
        path.write_text(text.replace(f"rec 12 {RATE} 2500", line, 1))
        assert_record_refused(path, "says no sampling rate")
    path.write_text(text.replace("rec 12", "rec twelve", 1))
    assert_record_refused(path, "damaged WFDB header")
    path.write_text(text.replace(f"rec 12 {RATE}", "rec 12 10", 1))
    assert_record_refused(path, "sampling rate of 10 Hz", "50 to 20000")
    path.write_text(text)
    (tmp_path / "rec.dat").write_bytes((tmp_path / "rec.dat").read_bytes()[:2000])
    assert_record_refused(path, "shorter than it says", "copy the record again")
    (tmp_path / "rec.dat").write_bytes(b"")
    assert_record_refused(path, "names rec.dat, which is empty")
    (tmp_path / "rec.dat").unlink()
    assert_record_refused(path, "names rec.dat, which is not beside it")
    path.unlink()
    assert_record_refused(tmp_path / "rec.dat", "does not exist", "needs its header", name="rec.hea")
    assert_record_refused(tmp_path / "rec", "does not exist")
    (tmp_path / "rec.dat").write_bytes(bytes(5000))
    path.write_text(f"rec 1 {RATE} 2500\nrec.dat 16\n")  # a signal without a name
    assert_record_refused(path, "no samples of a known lead")
    (tmp_path / "none.hea").write_text(f"none 0 {RATE} 2500\n")
    assert_record_refused(tmp_path / "none.hea", "names no signals")
    resp = some_wfdb(tmp_path, ["Resp", "PPG"], signals()[:2], "resp")
    assert_record_refused(resp, "no samples of a known lead", "Resp, PPG", "name them I, II")
    assert_record_refused(write_wfdb(tmp_path / "nan", np.full((12, 2500), np.nan), RATE), "no samples of a known lead")


def test_segments_outside_the_folder(tmp_path):
    write_wfdb(tmp_path / "seg", signals(), RATE)
    (tmp_path / "multi.hea").write_text(f"multi/2 12 {RATE} 5000\nseg 2500\nseg 2500\n")
    assert read_record(tmp_path / "multi", start=5).signals.shape == (12, 2500)
    (tmp_path / "multi.hea").write_text(f"multi/1 12 {RATE} 2500\n../seg 2500\n")
    assert_record_refused(tmp_path / "multi", "points to '../seg', outside its own folder")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 99), st.sampled_from([100, 250, 257.3, 360, 500, 1000]), st.floats(0.01, 50), st.floats(1, 3))
def test_wfdb_round_trip(tmp_path, seed, rate, scale, seconds):
    """Within half a step and never clipped, whatever the amplitude; missing leads and samples stay missing."""
    written = signals(seconds, rate, seed) * scale / 1.5
    written[seed % 12] = np.nan
    written[:, 5 : 5 + seed % 7] = np.nan
    written[7, 20] = -scale
    path = write_wfdb(tmp_path / f"rec{seed}", written, rate)
    header = wfdb.rdheader(str(path.with_suffix("")))
    assert header.fmt == ["16"] * 12 and min(header.adc_gain) >= 400
    read = wfdb.rdrecord(str(path.with_suffix(""))).p_signal.T
    np.testing.assert_allclose(read, written, atol=0.5 / header.adc_gain[0] + 1e-5, equal_nan=True)
    assert header.fs == pytest.approx(rate, rel=1e-9)
    if scale < 20:
        ours = read_record(path)
        measured = ~np.isnan(written).all(axis=1)
        np.testing.assert_allclose(ours.signals[measured], written[measured], atol=0.5 / header.adc_gain[0] + 1e-5)
        assert ours.rate == pytest.approx(rate, rel=1e-9)


def test_write_wfdb_refuses(tmp_path):
    for name, values, rate, words in (
        ("a b", signals(), RATE, "letters, digits"),
        ("big", signals() * 1000, RATE, "not in microvolts"),
        ("inf", np.where(signals() > 1, np.inf, 1), RATE, "infinite"),
        ("shape", signals()[:3], RATE, r"\(12, T\)"),
        ("rate", signals(), 0, "sampling rate of 0 Hz"),
    ):
        with pytest.raises(InputError, match=f"{name}.*{words}"):
            write_wfdb(tmp_path / name, values, rate)
    assert list(tmp_path.iterdir()) == []


def test_record_is_whole_or_absent(tmp_path, monkeypatch):
    write_wfdb(tmp_path / "sub" / "rec", signals(), RATE)
    assert sorted(file.name for file in (tmp_path / "sub").iterdir()) == ["rec.dat", "rec.hea"]
    write_wfdb(tmp_path / "sub" / "rec", signals(seed=1), RATE)
    np.testing.assert_allclose(read_record(tmp_path / "sub" / "rec").signals, signals(seed=1), atol=5.1e-4)
    with monkeypatch.context() as broken:
        broken.setattr(wfdb.io._signal, "wr_dat_file", lambda *args, **kwargs: 1 / 0)
        for path in (tmp_path / "other", tmp_path / "sub" / "rec"):
            with pytest.raises(ZeroDivisionError):
                write_wfdb(path, signals(seed=2), RATE)
    assert [file.name for file in tmp_path.iterdir()] == ["sub"]
    np.testing.assert_allclose(read_record(tmp_path / "sub" / "rec").signals, signals(seed=1), atol=5.1e-4)
    move = os.replace
    with monkeypatch.context() as broken:  # the power fails between the two moves
        broken.setattr(os, "replace", lambda old, new: 1 / 0 if str(new).endswith(".hea") else move(old, new))
        with pytest.raises(ZeroDivisionError):
            write_wfdb(tmp_path / "sub" / "rec", signals(seed=2), RATE)
    assert [file.name for file in (tmp_path / "sub").iterdir()] == ["rec.dat"]  # no old header beside new signals
