"""Tables of a run, written by handlers of a real evaluator and by two ranks."""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from ignite.engine import Engine
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import SupervisedEvaluator
from monai.transforms import Compose, CopyItemsd, Lambdad
from torch.utils.data import IterableDataset

from cardiac_transforms.mri import ScarLabelMapd
from monai_jdl.analysis import METRICS_COLUMNS, SCAR_COLUMNS
from monai_jdl.errors import InputError
from monai_jdl.reports.case_tables import MetricsTable, ScarTable

AFFINE = np.diag([-2.0, -2.0, 10.0, 1.0])  # 0.04 mL a voxel
SHAPE = (20, 20, 4)


def probabilities(scar_width: int) -> torch.Tensor:
    """A wall of 10 x 10 x 3 voxels whose first columns are scar."""
    prob = torch.zeros(2, *SHAPE)
    prob[0, 5:15, 5:15, :3] = 0.9
    prob[1] = 0.1
    prob[1, 5 : 5 + scar_width, 5:15, :2] = 0.8
    return prob


def item(case: str, patient: str, true_width: int, predicted_width: int) -> dict:
    meta = {"case": case}
    return {
        "image": MetaTensor(probabilities(predicted_width), affine=AFFINE, meta=meta),
        "label": MetaTensor((probabilities(true_width) > 0.5).float(), affine=AFFINE),
        "case": case,
        "patient": patient,
    }


def evaluate(items: list[dict], handler: ScarTable | MetricsTable) -> None:
    """A SupervisedEvaluator whose network hands the probabilities through, with the bundle's last post-processing."""
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(Dataset(items), batch_size=2),
        network=torch.nn.Identity(),
        postprocessing=Compose([Lambdad("pred", lambda x: x), CopyItemsd("pred", names="prob"), ScarLabelMapd("pred")]),
        val_handlers=[handler],
    )
    evaluator.run()
    evaluator.run()  # the second run replaces the first


def read(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_scar_csv(tmp_path):
    evaluate([item("b", "P", 5, 5), item("a", "P", 5, 0), item("c", "Q", 5, 2)], ScarTable(tmp_path / "new" / "out"))
    rows = read(tmp_path / "new" / "out" / "scar.csv")
    assert tuple(rows[0]) == SCAR_COLUMNS
    assert [row["case"] for row in rows] == ["a", "b", "c"]
    assert float(rows[1]["myocardium_ml"]) == pytest.approx(300 * 0.04)
    assert float(rows[1]["scar_g"]) == pytest.approx(100 * 0.04 * 1.05)
    assert float(rows[1]["scar_percent"]) == pytest.approx(100 / 3, rel=1e-5)
    assert (rows[1]["slices"], rows[1]["slices_with_scar"]) == ("4", "2")
    assert [float(row["detection_score"]) for row in rows] == pytest.approx([0.1, 0.8, 0.8])
    assert [path.name for path in (tmp_path / "new" / "out").iterdir()] == ["scar.csv"]


def test_raw_channels_are_cut_each_at_its_own_threshold(tmp_path):
    evaluate([item("a", "P", 5, 5)], MetricsTable(tmp_path, thresholds=(0.5, 0.85)))
    (row,) = read(tmp_path / "metrics.csv")
    assert (row["raw_dice_myocardium"], row["raw_dice_scar"]) == ("1", "0")


def test_metrics_csv_and_summary(tmp_path):
    evaluate(
        [item("b", "P", 5, 5), item("a", "P", 5, 0), item("c", "Q", 0, 0), item("d", "R", 0, 2)], MetricsTable(tmp_path)
    )
    rows = read(tmp_path / "metrics.csv")
    assert tuple(rows[0])[: len(METRICS_COLUMNS)] == METRICS_COLUMNS
    assert [(row["case"], row["patient"]) for row in rows] == [("a", "P"), ("b", "P"), ("c", "Q"), ("d", "R")]
    assert [row["dice_scar"] for row in rows] == ["0", "1", "", "0"]
    assert rows[1]["raw_dice_scar"] == "1"
    assert [row["true_scar_empty"] for row in rows] == ["False", "False", "True", "True"]
    assert float(rows[0]["volume_error_scar_ml"]) == pytest.approx(-4)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["cases"], summary["patients"]) == (4, 3)
    assert summary["metrics"]["dice_scar"]["mean"] == pytest.approx(1 / 3)
    counts = {"both_present": 1, "missed": 1, "true_negative": 1, "false_positive": 1, "not_annotated": 0}
    assert summary["empty"]["scar"] == counts
    assert summary["detection"]["patient"] == {**summary["detection"]["patient"], "n": 3, "sensitivity": 1.0}
    assert summary["detection"]["slice"]["n"] == 12
    assert summary["detection"]["slice"]["sensitivity"] == 0.5
    assert summary["detection"]["slice"]["specificity"] == pytest.approx(6 / 8)


def test_a_task_that_was_not_annotated_leaves_its_cells_empty(tmp_path):
    only_wall = item("a", "P", 5, 5)
    only_wall["label"][1] = math.nan
    evaluate([only_wall], MetricsTable(tmp_path))
    (row,) = read(tmp_path / "metrics.csv")
    assert row["dice_myocardium"] == "1"
    assert [row[name] for name in ("dice_scar", "true_scar_empty", "scar_percent_true", "raw_dice_scar")] == [""] * 4
    assert json.loads((tmp_path / "summary.json").read_text())["detection"]["patient"]["n"] == 0


def test_a_label_on_another_grid_is_refused(tmp_path):
    bad = item("a", "P", 5, 5)
    bad["label"] = bad["label"][..., :3]
    with pytest.raises(InputError, match="a: the label has shape"):
        evaluate([bad], MetricsTable(tmp_path))
    assert not list(tmp_path.iterdir())


class Cases(IterableDataset):
    """Names of cases, as few as none."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)


def label_as_thick_as_its_name_is_long(engine: Engine, case: str) -> list[dict]:
    label = torch.zeros(1, *SHAPE)
    label[..., : len(case)] = 1
    engine.state.batch = [{"case": case}]
    return [{"pred": MetaTensor(label, affine=AFFINE)}]


def run_rank(rank: int, folder: str, runs: dict[str, list[list[str]]]) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    for name, cases in runs.items():
        engine = Engine(label_as_thick_as_its_name_is_long)
        ScarTable(Path(folder, name)).attach(engine)
        engine.run(DataLoader(Cases(cases[rank]), batch_size=None), max_epochs=1)
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_rows_of_two_ranks_are_gathered_and_counted_once(tmp_path):
    """Uneven ranks with one case on both, as a sampler that fills up gives it; then a rank without any case."""
    runs = {"uneven": [["c", "aa", "dddd"], ["bbb", "c"]], "one": [["é"], []]}
    mp.spawn(run_rank, (str(tmp_path), runs), nprocs=2)
    rows = read(tmp_path / "uneven" / "scar.csv")
    assert [row["case"] for row in rows] == ["aa", "bbb", "c", "dddd"]
    assert [float(row["myocardium_ml"]) for row in rows] == pytest.approx([32, 48, 16, 64])
    assert rows[0]["detection_score"] == ""
    assert [row["case"] for row in read(tmp_path / "one" / "scar.csv")] == ["é"]
