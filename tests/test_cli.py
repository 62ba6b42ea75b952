"""The command line: what it hands on, and how it ends on bad input."""

import json

import pytest

from monai_jdl import bundles, cli


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
    ],
)  # fmt: skip
def test_only_what_was_said_is_handed_to_the_bundle(monkeypatch, arguments, workflow, expected):
    calls = []
    monkeypatch.setattr(bundles, "run", lambda name, workflow, **said: calls.append((name, workflow, said)))
    cli.main(arguments)
    ((name, ran, said),) = calls
    assert (name, ran) == ("lge_scar_jdl", workflow)
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
    ],
)
def test_bad_input_ends_with_one_sentence(tmp_path, arguments):
    with pytest.raises(SystemExit) as end:
        cli.main([word.format(tmp=tmp_path) for word in arguments])
    message = str(end.value.code)
    assert message.startswith("error: ") and "\n" not in message
    assert not (tmp_path / "out" / "datalist.json").exists()


@pytest.mark.parametrize("command", ["phantom", "phantom twin", "prepare", "segment", "train", "evaluate", "report"])
def test_every_command_has_help(capsys, command):
    with pytest.raises(SystemExit) as end:
        cli.main([*command.split(), "--help"])
    assert end.value.code == 0 and "usage: monai-jdl" in capsys.readouterr().out
