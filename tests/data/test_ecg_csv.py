"""ECG records from and to CSV: amplitudes, rates and leads are those of the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardiac_transforms.ecg import LEADS
from monai_jdl.data import (
    read_record,
    write_ecg_csv,
)
from monai_jdl.errors import InputError
from tests.data.ecg_files import (
    RATE,
    assert_record_refused,
    signals,
)


def table(
    path: Path, values: np.ndarray, names, time=None, delimiter=",", comma=False, encoding="utf-8", top=""
) -> Path:
    rows = [delimiter.join([*(["time"] if time is not None else []), *names])]
    for sample, column in enumerate(values.T):
        cells = [*([time[sample]] if time is not None else []), *(f"{value:.5f}" for value in column)]
        text = delimiter.join(str(cell) for cell in cells)
        rows.append(text.replace(".", ",") if comma else text)
    path.write_text(top + "\n".join(rows) + "\n", encoding=encoding)
    return path


@pytest.mark.parametrize(
    ("delimiter", "comma", "encoding"),
    [
        (",", False, "utf-8"),
        (";", True, "utf-8-sig"),
        ("\t", False, "utf-16"),
        ("\t", True, "utf-8"),
        (";", False, "cp1252"),
    ],
)
def test_csv_dialects(tmp_path, delimiter, comma, encoding):
    time = [f"{sample / RATE:.3f}" for sample in range(2500)]
    path = table(tmp_path / "a.csv", signals(), LEADS, time, delimiter, comma, encoding, top="# from a machine\n\n")
    record = read_record(path)
    np.testing.assert_allclose(record.signals, signals(), atol=1e-5)
    assert record.rate == RATE and record.leads == LEADS


@pytest.mark.parametrize(
    ("rate", "form"),
    [
        (500, "{0:.3f}"),
        (500, "{1:.0f}"),
        (360, "{0:.3f}"),
        (360, "{1:.0f}"),
        (257.5, "{0:.6f}"),
        (1000, "{1:.1f}"),
        (100, "{0}"),
    ],
)
def test_csv_time_gives_the_rate(tmp_path, rate, form):
    """Seconds {0} or milliseconds {1}, rounded as files do."""
    values = signals(12, rate)
    time = [form.format(3 + sample / rate, 3000 + 1000 * sample / rate) for sample in range(values.shape[1])]
    record = read_record(table(tmp_path / "a.csv", values, LEADS, time))
    assert record.rate == pytest.approx(rate, rel=1e-6) and record.notes == ()
    np.testing.assert_allclose(record.signals, values[:, : round(10 * rate)], atol=1e-5)


def test_csv_units_and_rate_argument(tmp_path):
    path = table(tmp_path / "a.csv", signals()[:1] * 1000, ["Lead I [µV]"], encoding="cp1252")
    assert_record_refused(path, "no time column", "rate in Hz")
    record = read_record(path, rate=RATE)
    np.testing.assert_allclose(record.signals[0], signals()[0], atol=1e-5)
    assert record.rate == RATE and record.leads == ("I",)
    plain = table(tmp_path / "b.csv", signals() * 1000, LEADS)
    assert_record_refused(plain, "probably microvolts", "give the units uV", rate=RATE)
    np.testing.assert_allclose(read_record(plain, rate=RATE, units="uV").signals, signals(), atol=1e-5)
    volts = read_record(table(tmp_path / "c.csv", signals() / 1000, LEADS), rate=RATE)
    assert "units V" in volts.notes[0]
    spike = signals()
    spike[0, 7] = 400  # an artefact is no reason to refuse
    assert read_record(table(tmp_path / "d.csv", spike, LEADS), rate=RATE).signals[0, 7] == 400


def test_bad_csv(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1,2,3\n4,5,6\n")
    assert_record_refused(path, "names no lead in its first line")
    path.write_text("time,II\n" + "".join(f"{k / 250},{'x1' if k == 60 else 0}\n" for k in range(2500)))
    assert_record_refused(path, "'x1' in line 62", "no number")
    path.write_text("time,I,II\n" + "0.0,1,2\n" * 5 + "0.1,1\n")
    assert_record_refused(path, "2 cells in line 7, but 3 names")
    path.write_text("time,II\n" + "0.0,1\n" * 500)
    assert_record_refused(path, "does not increase")
    path.write_text("time,II\n" + "".join(f"{k / 250 + (k > 300)},1\n" for k in range(2500)))
    assert_record_refused(path, "does not run evenly", "near line")
    path.write_text("time_s,II\n" + "".join(f"{k / 10:.1f},1\n" for k in range(500)))
    assert_record_refused(path, "sampling rate of 10 Hz")
    path.write_text("")
    assert_record_refused(path, "empty (0 bytes)")
    path.write_bytes(bytes(range(256)) * 20)
    assert_record_refused(path, "a.csv")
    path.write_text("time,I,II\n")
    assert_record_refused(path, "no samples", "export it again")
    for start in ("", "time,I,II\n"):  # a gigabyte without a line end must not become one line in memory
        path.write_text(start + "I," * 100_000)
        assert_record_refused(path, f"line {1 + bool(start)} of more than 65536 characters")
    path.write_text("I,I\n" + "1,2\n" * 500)
    assert "more than once" in read_record(path, rate=RATE).notes[0] and read_record(path, rate=RATE).signals[0, 0] == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 99), st.sampled_from([100, 250, 257.3, 360, 500, 1000]), st.floats(0.05, 20), st.floats(1.01, 3))
def test_csv_round_trip(tmp_path, seed, rate, scale, seconds):
    """Within half of 0.1 uV; missing leads and samples stay missing."""
    written = signals(seconds, rate, seed) * scale / 1.5
    written[6 + seed % 6] = np.nan
    written[:, 5 : 5 + seed % 7] = np.nan
    path = write_ecg_csv(tmp_path / f"{seed}.csv", written, rate)
    record = read_record(path)
    np.testing.assert_allclose(record.signals, written, atol=5.1e-5 + 1e-6 * scale, equal_nan=True)
    assert record.rate == pytest.approx(rate, rel=1e-6)


def test_csv_is_whole_or_absent(tmp_path):
    assert write_ecg_csv(tmp_path / "new" / "a.csv", signals(), RATE) == tmp_path / "new" / "a.csv"
    first = (tmp_path / "new" / "a.csv").read_text().splitlines()[:2]
    assert first[0] == "time,I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6" and first[1].startswith("0.0000000,")
    with pytest.raises(InputError, match=r"b\.csv cannot hold infinite values"):
        write_ecg_csv(tmp_path / "b.csv", np.full((12, 300), np.inf), RATE)
    assert [file.name for file in tmp_path.iterdir()] == ["new"]
