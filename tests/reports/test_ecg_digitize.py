"""ECG pages to records, and records to pages: the files, and what happens to bad ones."""

from __future__ import annotations

import csv
import json
import os

import numpy as np
import pytest
from PIL import Image

from cardiac_transforms.ecg.leads import LEADS
from cardiac_transforms.ecg.reading import FIXED_LAYOUTS
from monai_jdl.data import find_records, load_page, read_record, render_records, write_ecg_csv, write_page_image
from monai_jdl.data.page_decoders import MAX_PIXELS
from monai_jdl.errors import InputError
from monai_jdl.phantoms import PageStyle, render_page, simulate_ecg
from monai_jdl.reports import digitize_pages
from monai_jdl.reports.ecg_digitize import COLUMNS
from tests.cardiac_transforms.ecg.reading.drawn_report import SIGNALS, draw_report

DPI = 120
CASE = simulate_ecg(3)
PAGE = render_page(CASE.signals, CASE.rate, layout="3x4+1", style=PageStyle(dpi=DPI))


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A folder of a good page, a text, a picture of noise; what was read from it; and the sentence at the end."""
    folder, out = tmp_path_factory.mktemp("pages"), tmp_path_factory.mktemp("out")
    write_page_image(folder / "été 1.png", PAGE.image, DPI)
    (folder / "text.png").write_text("no picture")
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    write_page_image(folder / "noise.png", noise, 10_000)  # no credible resolution
    with pytest.raises(InputError) as error:
        digitize_pages(folder, out, file_format="csv")
    return folder, out, str(error.value)


def test_bad_pages_do_not_stop_the_others_and_have_their_reason(mixed):
    _, out, sentence = mixed
    assert sentence == f"2 of 3 pages could not be read; {out / 'pages.csv'} tells why."
    assert names(out) == ["noise/noise_found.jpg", "pages.csv", "t_1/t_1.csv", "t_1/t_1_found.jpg"]
    table = {row["case"]: row for row in rows(out / "pages.csv")}
    assert tuple(table["t_1"]) == COLUMNS and table["t_1"]["reason"] == ""
    assert "grid" in table["noise"]["reason"] and table["noise"]["layout"] == table["noise"]["leads"] == ""
    assert "text.png" in table["text"]["reason"] and "Traceback" not in table["text"]["reason"]


def test_the_row_of_a_page_says_what_is_true_of_it(mixed):
    folder, out, _ = mixed
    (row,) = (row for row in rows(out / "pages.csv") if row["layout"])
    assert row["path"] == str(folder / "été 1.png")
    assert (row["layout"], row["speed"], row["gain"], row["calibrated"], row["leads"]) == (
        *("3x4+1", "25", "10", "1", "12"),
    )
    for axis in "xy":
        assert float(row[f"pixels_per_mm_{axis}"]) == pytest.approx(DPI / 25.4, rel=0.01)
    quality = [float(row[f"quality_{lead}"]) for lead in LEADS]
    assert min(quality) > 0.5 and float(row["quality"]) == pytest.approx(np.median(quality), abs=0.002)


def test_the_record_is_the_one_that_was_printed(mixed):
    record = read_record(mixed[1] / "t_1" / "t_1.csv")
    assert record.rate == pytest.approx(500) and record.leads == LEADS
    for box in PAGE.boxes:
        lead, time = LEADS.index(box.lead), np.arange(round(box.start * 500) + 10, round(box.stop * 500) - 10)
        true = CASE.signals[lead, time]
        best = 0.0
        for shift in range(-5, 6):  # a pixel is 8 ms
            read = record.signals[lead, time + shift]
            known = np.isfinite(read)
            assert known.mean() > 0.9, box.lead
            if np.corrcoef(read[known], true[known])[0, 1] > best:
                best = np.corrcoef(read[known], true[known])[0, 1]
                error = np.sqrt(np.mean((read - true)[known] ** 2))
        assert best > 0.95 and error < 0.06, (box.lead, best, error)
    assert np.isnan(record.signals[LEADS.index("V1"), :2000]).all()  # not printed


def test_a_page_refused_now_has_no_record_of_an_earlier_run(tmp_path):
    write_ecg_csv(tmp_path / "out/text/text.csv", CASE.signals, CASE.rate)
    (tmp_path / "out/text/text.hea").write_text("old")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match=r"text\.png"):  # of a single page the reason itself
        digitize_pages(tmp_path / "text.png", tmp_path / "out")
    assert names(tmp_path / "out") == ["pages.csv"]


def test_the_reason_of_a_single_page_is_said_once_with_a_remedy(tmp_path, capsys):
    write_page_image(tmp_path / "paper.png", np.full((300, 400, 3), 255, np.uint8), 10_000)
    with pytest.raises(
        InputError, match=r"paper\.png was not read: no millimetre grid .*; give .* whole page"
    ) as error:
        digitize_pages(tmp_path / "paper.png", tmp_path / "out")
    assert str(error.value).count(".") == len([".png", "."])
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError):
        digitize_pages(tmp_path / "text.png", tmp_path / "out")
    assert "no picture" not in capsys.readouterr().out


def test_equal_names_get_different_folders_and_written_pictures_are_no_pages(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.png").write_text("no picture")
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "1_found.jpg").write_text("of an earlier run into the same folder")
    with pytest.raises(InputError, match="2 of 2 pages"):
        digitize_pages(tmp_path, tmp_path)
    assert [row["case"] for row in rows(tmp_path / "pages.csv")] == ["a", "b"]


@pytest.mark.parametrize(
    ("dpi", "pulse", "origin"),
    [(DPI, "none", " dpi"), (10_000, "left", "the calibration pulse"), (10_000, "none", "length of the rows")],
)
def test_where_there_is_no_grid_the_note_says_what_tells_the_size(tmp_path, dpi, pulse, origin):
    pytest.importorskip("wfdb")
    style = PageStyle(dpi=DPI, grid="none", pulse=pulse)
    page = render_page(CASE.signals, CASE.rate, layout="3x4+1", style=style)
    write_page_image(tmp_path / "plain.png", page.image, dpi)
    digitize_pages(tmp_path / "plain.png", tmp_path / "out")
    (row,) = rows(tmp_path / "out/pages.csv")
    assert float(row["pixels_per_mm_x"]) == pytest.approx(DPI / 25.4, rel=0.001 if dpi == DPI else 0.01)
    assert "no grid" in row["notes"] and origin in row["notes"]
    assert row["calibrated"] == ("0" if pulse == "none" else "1")
    assert read_record(tmp_path / "out/plain/plain.hea").leads == LEADS


def test_reports_with_fixed_boxes_are_read_when_asked_for(tmp_path):
    write_page_image(tmp_path / "pages/report.pdf", draw_report("mtecg 3x4"), 300)
    write_page_image(tmp_path / "pages/other.png", PAGE.image, DPI)
    with pytest.raises(InputError, match="1 of 2 pages"):
        digitize_pages(tmp_path / "pages", tmp_path / "out", file_format="csv", layout="mtecg 3x4")
    other, report = rows(tmp_path / "out/pages.csv")
    assert "other.png: The layout mtecg 3x4" in other["reason"] and "at 300 dpi" in other["reason"]
    assert (report["layout"], report["leads"], report["reason"]) == ("mtecg 3x4", "12", "")
    assert float(report["pixels_per_mm_x"]) == pytest.approx(280 / 25) and "the layout mtecg 3x4" in report["notes"]
    read = read_record(tmp_path / "out/report/report.csv").signals[
        LEADS.index("V6"), 3765:4985
    ]  # printed from 7.5 s on
    assert np.sqrt(np.nanmean((read - SIGNALS[LEADS.index("V6"), 3765:4985]) ** 2)) < 0.05
    with Image.open(tmp_path / "out/report/report_found.jpg") as picture:
        drawn = np.asarray(picture).astype(int)
    green = (drawn[..., 1] - drawn[..., 0] > 60) & (drawn[..., 1] - drawn[..., 2] > 20)
    scale = drawn.shape[1] / 3508
    for box in FIXED_LAYOUTS["mtecg 3x4"]:
        x1, y1, x2, y2 = (round(value * scale) for value in box.box)
        assert green[y1 - 10 : y2 + 10, x1 + 3 : x2 - 3].any(axis=0).mean() > 0.9, box.lead
    with pytest.raises(InputError, match="no fixed layout '6x2'; give one of mtecg 6x2, mtecg 3x4, or none"):
        digitize_pages(tmp_path / "pages", tmp_path / "out", layout="6x2")


def test_folders_without_pages_or_that_cannot_be_written(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is empty"):
        digitize_pages(tmp_path / "empty", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "file.png").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        digitize_pages(tmp_path / "file.png", tmp_path / "file.png")
    with pytest.raises(InputError, match="cannot be written"):
        render_records(csv_record(tmp_path / "a.csv"), tmp_path / "file.png")
    with pytest.raises(ValueError, match="file_format"):
        digitize_pages(tmp_path / "file.png", tmp_path / "out", file_format="edf")


def test_what_is_neither_file_nor_folder_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InputError, match=r"pipe\.png is neither a file nor a folder"):
        digitize_pages(tmp_path / "pipe.png", tmp_path / "out")
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match=r"link\.csv does not exist"):
        render_records(tmp_path / "link.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_page_that_could_not_be_read_again_is_not_printed(tmp_path):
    record = csv_record(tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"more than the 100 megapixels .* at most 1034 dpi"):
        render_records(record, tmp_path / "out", style=PageStyle(dpi=1035))
    height, width = PageStyle(dpi=1034).shape
    assert height * width <= MAX_PIXELS and not (tmp_path / "out").exists()


def csv_record(path, signals=CASE.signals):
    return write_ecg_csv(path, signals, CASE.rate)


def test_rendered_pages_and_their_boxes(tmp_path):
    csv_record(tmp_path / "in/a.csv")
    csv_record(tmp_path / "in/more/b.csv", np.full_like(CASE.signals, np.nan))
    (tmp_path / "in/patients.csv").write_text("patient,age\n1,50\n")  # no record, left out
    assert [file.name for file in find_records(tmp_path / "in")] == ["a.csv", "b.csv"]
    with pytest.raises(InputError, match=r"1 of 2 cases failed \(b\)"):
        render_records(tmp_path / "in", tmp_path / "out", layout="6x2", style=PageStyle(dpi=100, speed=50, gain=5))
    assert names(tmp_path / "out") == ["a.json", "a.png", "errors.csv"]
    truth = json.loads((tmp_path / "out/a.json").read_text())
    assert (truth["page"], truth["layout"], truth["speed"], truth["gain"]) == ("a.png", "6x2", 50, 5)
    loaded = load_page(tmp_path / "out/a.png")
    assert loaded.dpi == pytest.approx(100, abs=0.1) and truth["pixels_per_mm"] == pytest.approx(100 / 25.4)
    dark = loaded.image.max(axis=2) < 130  # a thin line may lie between two pixels
    for box in truth["boxes"]:
        x1, y1, x2, y2 = box["box"]
        assert (x2 - x1) / truth["pixels_per_mm"] == pytest.approx((box["stop"] - box["start"]) * 50)
        # the trace goes on through the whole box: ink in nearly every column within half a row of its zero line
        columns = dark[round(y1) : round(y2), round(x1) + 1 : round(x2) - 1].any(axis=0)
        assert columns.mean() > 0.95, box["lead"]
    assert [box["lead"] for box in truth["boxes"][:2]] == ["I", "V1"]


def test_the_window_and_the_units_are_handed_on(tmp_path):
    lines = [",".join(LEADS), *(",".join(f"{1000 * v:.1f}" for v in sample) for sample in CASE.signals.T)]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    style = PageStyle(dpi=60)
    with pytest.raises(InputError, match="rate"):
        render_records(tmp_path / "a.csv", tmp_path / "out", style=style)
    render_records(tmp_path / "a.csv", tmp_path / "out", style=style, rate=CASE.rate, units="uV", start=2)
    with Image.open(tmp_path / "out/a.png") as picture:
        written = np.asarray(picture)
    later = render_page(np.round(CASE.signals[:, 1000:], 4), CASE.rate, style=style).image
    assert np.abs(written.astype(int) - later).mean() < 0.05
    assert not (tmp_path / "out/errors.csv").exists()
