"""The command line: what it hands on, and how it ends on bad input."""

import errno
import json

import numpy as np
import pytest

from cardiac_transforms.ecg.leads import LEADS
from monai_jdl import bundles, cli
from monai_jdl.data import read_record, write_ecg_csv
from monai_jdl.phantoms import simulate_ecg


def test_phantoms_are_split_by_tenths(tmp_path, capsys):
    cli.main(["phantom", "lge", str(tmp_path), "--patients", "4", "--seed", "7"])
    datalist = json.loads((tmp_path / "datalist.json").read_text())
    seeds = {section: [item["seed"] for item in datalist[section]] for section in ("training", "validation", "testing")}
    assert seeds == {"training": [7, 8], "validation": [9], "testing": [10]}
    assert str(tmp_path / "datalist.json") in capsys.readouterr().out


@pytest.mark.parametrize("examination", ["ecg", "twin"])
def test_phantom_patients_have_a_table(tmp_path, capsys, examination):
    pytest.importorskip("wfdb")
    cli.main(["phantom", examination, str(tmp_path), "--patients", "3", "--seed", "7"])
    assert (tmp_path / "ecg" / "phantom_9.hea").exists() and str(tmp_path / "patients.csv") in capsys.readouterr().out
    assert (tmp_path / "datalist.json").exists() == (examination == "twin")


@pytest.mark.parametrize(
    ("arguments", "workflow", "expected"),
    [
        (["segment", "D", "O", "--phase", "2"], "inference", {"phase": 2, "save_probabilities": False}),
        (["segment", "D", "O", "--series", "a"], "inference", {"series": "a", "save_probabilities": False}),
        (["segment", "D", "O", "--save-probabilities"], "inference", {"save_probabilities": True}),
        (["train", "D", "O", "--epochs", "3", "--seed", "1"], "train", {"epochs": 3, "seed": 1}),
        (["evaluate", "D", "O", "--device", "cpu"], "evaluate", {"device": "cpu"}),
        (["classify", "D", "O", "--page", "1"], "inference", {"page": 1}),
        (["classify", "D", "O", "--bundle", "ecg_signal_classification"], "inference", {}),
        (["train", "D", "O", "--bundle", "ecg_image_classification"], "train", {}),
    ],
)  # fmt: skip
def test_only_what_was_said_is_handed_to_the_bundle(monkeypatch, arguments, workflow, expected):
    calls = []
    monkeypatch.setattr(bundles, "run", lambda name, workflow, **said: calls.append((name, workflow, said)))
    cli.main(arguments)
    ((name, ran, said),) = calls
    default = "ecg_image_classification" if arguments[0] == "classify" else "lge_scar_jdl"
    chosen = arguments[arguments.index("--bundle") + 1] if "--bundle" in arguments else default
    assert (name, ran) == (chosen, workflow)
    assert (str(said.pop("dataset_dir")), str(said.pop("output_dir"))) == ("D", "O")
    assert said == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ["prepare", "emidec", "{tmp}/nothing", "{tmp}/out"],
        ["prepare", "folder", "{tmp}", "{tmp}/out"],
        ["prepare", "records", "{tmp}/sheet.csv", "{tmp}", "{tmp}/out"],
        ["report", "{tmp}/image.nii.gz", "{tmp}/mask.nii.gz", "{tmp}/out"],
        ["phantom", "lge", "{tmp}/out", "--patients", "2"],
        ["phantom", "ecg", "{tmp}/out", "--patients", "0"],
        ["phantom", "twin", "{tmp}/out", "--patients", "2"],
        ["segment", "{tmp}/nothing", "{tmp}/out"],
        ["classify", "{tmp}/nothing", "{tmp}/out"],
        ["digitize", "{tmp}/nothing", "{tmp}/out"],
        ["digitize", "{tmp}", "{tmp}/out", "--page", "1"],
        ["digitize", "{tmp}", "{tmp}/out", "--layout", "6x2"],
        ["render", "{tmp}", "{tmp}/out"],
        ["render", "{tmp}", "{tmp}/out", "--grid", "plaid"],
        ["render", "{tmp}", "{tmp}/out", "--dpi", "10"],
        ["render", "{tmp}", "{tmp}/out", "--dpi", "5000"],
    ],
)
def test_bad_input_ends_with_one_sentence(tmp_path, arguments):
    with pytest.raises(SystemExit) as end:
        cli.main([word.format(tmp=tmp_path) for word in arguments])
    message = str(end.value.code)
    assert message.startswith("error: ") and "\n" not in message
    assert not (tmp_path / "out" / "datalist.json").exists()


def test_a_record_is_printed_and_read_back(tmp_path, capsys):
    pytest.importorskip("wfdb")
    case = simulate_ecg(11)
    write_ecg_csv(tmp_path / "patient.csv", case.signals, case.rate)
    pages, records = tmp_path / "pages", tmp_path / "records"
    cli.main(
        ["render", str(tmp_path / "patient.csv"), str(pages), "--dpi", "120", "--grid", "red", "--layout", "6x2+1"]
    )
    cli.main(["digitize", str(pages), str(records)])
    assert capsys.readouterr().out.split() == [str(pages), str(records / "pages.csv")]
    assert json.loads((pages / "patient.json").read_text())["layout"] == "6x2+1"
    read = read_record(records / "patient/patient.hea")
    assert read.rate == 500 and read.leads == LEADS and "6x2+1" in (records / "pages.csv").read_text()
    shown = np.isfinite(read.signals)
    assert np.round(shown.mean(axis=1), 1).tolist() == [0.5, 1.0] + 10 * [0.5]  # seconds of ten; II is the rhythm strip
    strip, true = read.signals[LEADS.index("II"), 50:4950], case.signals[LEADS.index("II")]
    known = np.isfinite(strip)
    agreement = [
        np.corrcoef(strip[known], true[50 + k : 4950 + k][known])[0, 1] for k in range(-5, 6)
    ]  # a pixel is 8 ms
    assert known.mean() > 0.95 and max(agreement) > 0.95


def test_a_full_disk_ends_with_one_sentence(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("monai_jdl.data.render_records", full)
    with pytest.raises(SystemExit) as end:
        cli.main(["render", str(tmp_path / "a.csv"), str(tmp_path / "out")])
    assert (
        end.value.code
        == f"error: {tmp_path / 'out'} is on a disk that is full; free some space or give another folder."
    )


def test_a_folder_with_bad_pages_ends_with_one_sentence(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_text("no picture")
    with pytest.raises(SystemExit) as end:
        cli.main(["digitize", str(tmp_path), str(tmp_path / "out"), "--format", "csv"])
    assert end.value.code == f"error: 2 of 2 pages could not be read; {tmp_path / 'out/pages.csv'} tells why."


@pytest.mark.parametrize(
    "command",
    ["phantom", "phantom twin", "prepare", "segment", "classify", "train", "evaluate", "report", "digitize", "render"],
)
def test_every_command_has_help(capsys, command):
    with pytest.raises(SystemExit) as end:
        cli.main([*command.split(), "--help"])
    assert end.value.code == 0 and "usage: monai-jdl" in capsys.readouterr().out
