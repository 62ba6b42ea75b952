"""Tables of ECGs: how patients are divided into sections and folds, with their labels in proportion."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_jdl.data import find_ecgs, load_ecg_table
from monai_jdl.data.ecg_table import deal_patients
from monai_jdl.errors import InputError
from tests.data.ecg_tables import many, patients_of, refused, table


def test_a_split_is_drawn_by_patient_with_the_labels_in_proportion(tmp_path, caplog):
    rows = many(80, ecgs=2)
    path = table(tmp_path, rows, ["path", "patient", "scar", "lvef"])
    found = {section: load_ecg_table(path, section) for section in ("training", "validation", "testing")}
    assert "a fifth of its patients" in caplog.text and "32 of 160 ECGs" in caplog.text
    by_section = [patients_of(items) for items in found.values()]
    assert [len(patients) for patients in by_section] == [51, 13, 16]
    assert len(set.union(*by_section)) == 80 and all(len(items) % 2 == 0 for items in found.values())
    for items in found.values():
        for label in range(
            2
        ):  # 1 in 4 has scar, 1 in 3 a reduced LVEF; to within one patient of each of the four kinds
            expected = len(items) / 2 * [1 / 4, 1 / 3][label]
            assert abs(sum(item["label"][label] for item in items) / 2 - expected) <= 2
    again = load_ecg_table(path, "testing")
    assert [item["case"] for item in again] == [item["case"] for item in found["testing"]]
    assert patients_of(load_ecg_table(path, "testing", seed=1)) != by_section[2]
    table(tmp_path, rows[::-1], ["path", "patient", "scar", "lvef"])
    assert patients_of(load_ecg_table(path, "testing")) == by_section[2]


def test_the_rule_of_lvef_does_not_move_patients_between_sections(tmp_path):
    path = table(tmp_path, [[f"{k}.png", f"P{k}", 30 + k % 31] for k in range(60)], ["path", "patient", "lvef"])
    for section in ("training", "validation", "testing"):
        usual = patients_of(load_ecg_table(path, section))
        for options in ({"lvef_threshold": 40}, {"lvef_rule": "le"}):
            assert patients_of(load_ecg_table(path, section, **options)) == usual


def test_each_fold_of_a_drawn_split_validates_once_and_never_meets_the_test(tmp_path):
    path = table(tmp_path, many(30), ["path", "patient", "scar", "lvef"])
    testing = patients_of(load_ecg_table(path, "testing"))
    validated = Counter()
    for fold in range(5):
        training, validation = (patients_of(load_ecg_table(path, s, fold=fold)) for s in ("training", "validation"))
        assert not training & validation and not (training | validation) & testing
        assert len(training | validation | testing) == 30
        validated.update(validation)
    assert set(validated.values()) == {1} and len(validated) == 30 - len(testing)
    refused(path, "has no case in fold 5", fold=5)


def test_folds_of_the_table_are_kept(tmp_path):
    rows = [[f"{k}.png", f"P{k}", k % 2, k % 3] for k in range(9)]
    path = table(tmp_path, rows, ["path", "patient", "scar", "fold"])
    for fold in range(3):
        assert {int(item["case"]) % 3 for item in load_ecg_table(path, "validation", fold=fold)} == {fold}
        assert {int(item["case"]) % 3 for item in load_ecg_table(path, "training", fold=fold)} == {0, 1, 2} - {fold}
    table(tmp_path, [*rows, ["9.png", "P0", 0, 1]], ["path", "patient", "scar", "fold"])
    refused(path, "patient 'P0' in two folds")
    table(tmp_path, [["0.png", "A", 1, "x"]], ["path", "patient", "scar", "fold"])
    refused(path, "row 2, column fold: 'x' is no number")


def test_training_rows_alone_give_a_fold_to_validate(tmp_path):
    rows = [[f"{k}.png", f"P{k}", k % 2, "train"] for k in range(10)] + [["t.png", "T", 1, "test"]]
    path = table(tmp_path, rows, ["path", "patient", "scar", "split"])
    training, validation = (patients_of(load_ecg_table(path, s)) for s in ("training", "validation"))
    assert len(training) == 8 and len(validation) == 2 and not training & validation
    assert patients_of(load_ecg_table(path, "testing")) == {"T"}


def test_rows_without_label_are_left_out(tmp_path):
    rows = [[f"{k}.png", "" if k % 2 else 1, "train" if k else "val"] for k in range(6)]
    path = table(tmp_path, rows, ["path", "scar", "split"])
    assert {item["case"] for item in load_ecg_table(path, "training")} == {"2", "4"}
    assert len(find_ecgs(path)) == 6


def test_tables_of_several_cohorts_are_taken_together(tmp_path):
    for cohort in ("old", "new"):
        (tmp_path / cohort).mkdir()
        table(tmp_path / cohort)
    for section in ("training", "testing"):
        alone = load_ecg_table(tmp_path / "old", section)
        both = load_ecg_table([tmp_path / "old", str(tmp_path / "new/patients.csv")], section)
        assert len(both) == 2 * len(alone) and len({item["case"] for item in both}) == len(both)
        assert patients_of(both) == patients_of(alone), "a patient's pages in two layouts"
        assert [item["image"] for item in both[: len(alone)]] == [item["image"] for item in alone]


def test_a_patient_is_not_trained_on_in_one_table_and_tested_in_another(tmp_path):
    for cohort, splits in (("old", ("train", "val")), ("new", ("test", "val"))):
        (tmp_path / cohort).mkdir()
        rows = [[f"{name}.png", name, 1, split] for name, split in zip("AB", splits, strict=True)]
        table(tmp_path / cohort, rows, ["path", "patient", "scar", "split"])
    for section in ("training", "testing"):
        with pytest.raises(InputError, match=r"Patient A is for training in .*old.* and for testing in .*new"):
            load_ecg_table([tmp_path / "old", tmp_path / "new"], section)


def test_ecgs_without_a_patient_are_different_people_in_every_table(tmp_path):
    both = [tmp_path / "old", tmp_path / "new"]
    for folder in both:
        folder.mkdir()
        table(folder, [[f"{k}.png", 1, "test"] for k in range(4)], ["path", "scar", "split"])
    assert len(patients_of(load_ecg_table(both, "testing"))) == 8


def test_validation_rows_are_tested_aloud_where_there_are_no_others(tmp_path, caplog):
    rows = [[f"{k}.png", f"P{k}", 1, "val" if k else "train"] for k in range(4)]
    path = table(tmp_path, rows, ["path", "patient", "scar", "split"])
    assert patients_of(load_ecg_table(path, "testing")) == {"P1", "P2", "P3"}
    assert "no ECG for testing: its 3 ECGs for validation are scored" in caplog.text


@settings(max_examples=50, deadline=None)
@given(
    labels=st.dictionaries(
        st.text("abc0", min_size=1), st.tuples(st.sampled_from([0.0, 1.0, np.nan])), min_size=1, max_size=60
    ),
    folds=st.integers(2, 20),
    seed=st.integers(0, 9),
)  # fmt: skip
def test_folds_hold_their_share_of_every_label(labels, folds, seed):
    dealt = deal_patients(labels.items(), seed, folds)
    assert set(dealt) == set(labels) and set(dealt.values()) <= set(range(folds))
    for value in (0.0, 1.0, np.nan):
        alike = [
            patient for patient, (label,) in labels.items() if label == value or (label != label and value != value)
        ]
        counts = Counter(dealt[patient] for patient in alike)
        assert max(counts[f] for f in range(folds)) - min(counts[f] for f in range(folds)) <= 1


def test_a_patient_has_what_one_ecg_shows():
    ecgs = [("A", [1.0]), ("A", [0.0]), ("B", [1.0]), ("C", [0.0]), ("C", [np.nan]), ("D", [0.0]), ("E", [np.nan])]
    one_each = [("A", [1.0]), ("B", [1.0]), ("C", [0.0]), ("D", [0.0]), ("E", [np.nan])]
    for seed in range(5):
        assert deal_patients(ecgs, seed, 5) == deal_patients(one_each, seed, 5)
