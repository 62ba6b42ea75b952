"""Calls of people and predictions of controls, as files that people made."""

import math

import pytest

from monai_jdl.errors import InputError
from monai_jdl.reports.ecg_comparisons import read_calls, read_controls

TASKS = ("scar", "lvef50")


def calls(path, content: str | bytes):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_calls(path, TASKS, {"a", "b"})


@pytest.mark.parametrize(
    "content",
    [
        "reader,case,scar\nDr A,a,1\n\nDr A,b,\n",
        "\ufeffreader;case;scar\nDr A;a;1\n;;\nDr A;b;\n",
        "Reader , Case,SCAR,remark\nDr A,a,yes,sure\nDr A,b\n",
    ],
)
def test_calls_in_the_dialects_of_spreadsheets(tmp_path, content):
    first, second = calls(tmp_path / "readers.csv", content)
    assert first == {"reader": "Dr A", "case": "a", "scar": 1.0}
    assert (second["reader"], second["case"]) == ("Dr A", "b") and math.isnan(second["scar"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,case,scar\nA,a,1\n", r"has no column reader; its columns are name, case, scar, and reader, case are"),
        ("reader,case,mace\nA,a,1\n", r"has no column scar or lvef50; add one with the calls"),
        ("reader,case,scar\n", r"has no row below the names of its columns"),
        ("", r"has no column reader"),
        ("reader,case,scar\nA,a,1\nA,b,maybe\n", r", row 3, column scar: 'maybe' is neither 0 nor 1; write 0, 1 or"),
        ("reader,case,scar\nA,a,1\nB,a,1\nA,a,0\n", r"A read a in rows 2 and 4; keep one"),
        ("reader,case,scar\nA,x,1\n", r", row 2, column case: 'x' is not among the ECGs"),
        ("reader,case,scar\n,a,1\n", r", row 2, column reader: it is empty"),
        ("reader,case,scar\nMüller,a,1\n".encode("latin-1"), r"is not in UTF-8; save it as 'CSV UTF-8'"),
    ],
)
def test_bad_calls_are_refused_in_one_sentence(tmp_path, content, message):
    with pytest.raises(InputError, match=rf"readers\.csv.*{message}"):
        calls(tmp_path / "readers.csv", content)


def controls(path, text: str):
    path.write_text(text)
    return read_controls(path, TASKS, "0123")


def test_controls_of_one_patient_are_one_and_refused_ones_have_no_probability(tmp_path):
    found = controls(
        tmp_path / "controls.csv",
        "case;patient;scar;lvef50;model_version\nx;p;0,7;0,1;0123\ny;p;;;0123\nz;;0;1;0123\n",
    )
    assert found[0] == {"case": "x", "patient": "p", "scar": 0.7, "lvef50": 0.1}
    assert math.isnan(found[1]["scar"]) and [row["patient"] for row in found] == ["p", "p", "z"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case,scar\nx,0.1\n", r"has no column lvef50"),
        ("case,scar,lvef50\nx,0.1,0.1\n", r"has no column model_version"),
        ("case,scar,lvef50,model_version\nx,0.1,low,0123\n", r", row 2, column lvef50: 'low' is no probability; give"),
        ("case,scar,lvef50,model_version\nx,10,0.1,0123\n", r", row 2, column scar: '10' is no probability"),
        (
            "case,scar,lvef50,model_version\nx,0.1,0.1,4567\n",
            r", row 2, column model_version: .* the weights 4567, and the weights 0123 are evaluated; classify the",
        ),
    ],
)
def test_bad_controls_are_refused_in_one_sentence(tmp_path, text, message):
    with pytest.raises(InputError, match=rf"controls\.csv.*{message}"):
        controls(tmp_path / "controls.csv", text)
