"""Does the heat map point at the leads that the scar changed? Grad-CAM++ of the page network against the simulator's truth.

For every test patient with scar: the share of the heat for scar that lies on the leads whose QRS complex the scar changed by
more than 0.1 mV (column `changed_leads`), on the canonical page, against three kinds of chance:

- even: heat spread evenly over the page, that is the number of changed leads out of twelve;
- others: the same heat, in the changed leads of other patients with as many of them (mean over all such patients);
- no scar: the mean heat of the patients without scar, in the same leads.

Patients of whom no lead or all twelve are changed tell nothing and are left out. Called positive means at the bundle's
operating point. Territories are those of the AHA segments (Cerqueira et al., Circulation 2002;105:539), by the most scar. Means
with 95 % bootstrap intervals over patients.

    monai-jdl phantom ecg SIM --patients 4000 --seed 200000
    python scripts/benchmark_heat.py bundles/ecg_image_classification SIM/patients.csv OUT

Prints a table and writes OUT/heat.csv (a row per patient with scar), OUT/heat.json (the table) and OUT/heat.jpg: the first LAD,
RCA and LCX infarct of the table that are called positive and the first that is missed, each with at most six leads changed,
printed anew.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from make_page_table import pictured
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from monai.bundle import ConfigParser
from tqdm import tqdm

from cardiac_transforms.ecg import LEADS, canonical_boxes
from cardiac_transforms.ecg.canonical import TILE
from cardiac_transforms.ecg.capture import RandCapturePage
from monai_jdl.analysis import bootstrap_interval
from monai_jdl.atomic import atomic_path
from monai_jdl.data import load_ecg_table, read_ecg_page, read_record, write_page_image
from monai_jdl.networks import ECG_TASKS
from monai_jdl.phantoms import GRID_COLORS, PageHeader, PageStyle, render_page
from monai_jdl.reports import draw_heat, heat_on_picture, load_calibration, write_csv, write_json

SCAR = ECG_TASKS.index("scar")
TERRITORIES = {"LAD": (1, 2, 7, 8, 13, 14, 17), "RCA": (3, 4, 9, 10, 15), "LCX": (5, 6, 11, 12, 16)}
FEW = 6
"""Changed leads up to which their place tells much."""
CHANCES = ("even", "others", "no_scar")
COLUMNS = (
    *("patient", "territory", "scar_percent", "changed_leads", "changed", "probability", "called", "share", *CHANCES),
    *(f"heat_{lead}" for lead in LEADS),
)
EXAMPLES = (
    ("LAD", True, "3x4+1", ""),
    ("RCA", True, "6x2", ""),
    ("LCX", True, "3x4+1", "phone"),
    ("", False, "3x4+1", ""),
)
"""Territory (empty for any), whether called positive, layout of the page, how it is photographed."""
TRUTH = "tab:blue"


class Network:
    """A bundle's network with its preprocessing, heat maps and calibration.

    Args:
        bundle: folder of the bundle.
        weights: instead of the bundle's own.
    """

    def __init__(self, bundle: Path, weights: Path | None) -> None:
        config = ConfigParser()
        config.read_config(str(bundle / "configs" / "inference.yaml"))
        config["bundle_root"] = str(bundle)
        if weights is not None:
            config["ckpt_path"] = str(weights)
        handlers = [handler["_target_"].rpartition(".")[2] for handler in config["handlers"]]
        self.preprocessing = config.get_parsed_content("preprocessing")
        self.network = config.get_parsed_content("network").eval()
        self.device = config.get_parsed_content("device")
        self.maps = config.get_parsed_content(f"handlers#{handlers.index('HeatMaps')}")
        self.calibration = load_calibration(config.get_parsed_content("ckpt_path"))
        self.threshold = self.calibration.threshold("scar", config["operating_point"])

    def __call__(self, path: str | Path) -> tuple[float, np.ndarray]:
        """Probability of scar of an ECG, and the heat ``[H, W]`` over its canonical page."""
        item = self.preprocessing({"image": str(path)})
        with torch.no_grad():
            logits = self.network(torch.as_tensor(item["image"])[None].to(self.device))
        return float(self.calibration.probabilities(logits.cpu().numpy())[0, SCAR]), self.maps.heats(item, self.device)[
            SCAR
        ]


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="folder of the page network's bundle")
    parser.add_argument("table", type=Path, help="patients.csv of simulated ECGs; its testing rows are used")
    parser.add_argument("output", type=Path)
    parser.add_argument("--weights", type=Path, help="instead of the bundle's; calibration.json beside them")
    parser.add_argument("--patients", type=int, help="only so many test patients (default: all)")
    options = parser.parse_args()
    items = load_ecg_table(options.table, "testing")[: options.patients]
    if "changed_leads" not in items[0]["row"]:
        raise SystemExit(f"{options.table} does not say which leads the scar changed; use `monai-jdl phantom ecg`.")
    network = Network(options.bundle, options.weights)
    rows, healthy = [], []
    for item in tqdm(items, "heat maps"):
        probability, heat = network(item["image"])
        by_lead = lead_shares(heat)
        if item["label"][SCAR] == 1:
            rows.append(patient_row(item, probability, by_lead) | {"called": int(probability >= network.threshold)})
        else:
            healthy.append(by_lead)
    if not rows or not healthy:
        raise SystemExit(f"{options.table}: patients with and without scar are needed for testing; take more patients.")
    add_chances(rows, np.nanmean(healthy, axis=0))
    write_csv(options.output / "heat.csv", rows, COLUMNS)
    partly = [row for row in rows if 0 < row["changed"] < len(LEADS)]
    told = [row for row in partly if np.isfinite([row[name] for name in ("share", *CHANCES)]).all()]
    left_out = {
        "no lead changed": sum(row["changed"] == 0 for row in rows),
        "all leads changed": sum(row["changed"] == len(LEADS) for row in rows),
        "no heat, or no other patient with as many": len(partly) - len(told),
    }
    groups = {name: summary([row for row in told if chosen(row)]) for name, chosen in GROUPS.items()}
    result = {
        "model": network.calibration.model,
        "with_scar": len(rows),
        "without_scar": len(healthy),
        "left_out": left_out,
        "groups": groups,
    }
    write_json(options.output / "heat.json", result)
    print(f"Weights {result['model']}: {len(rows)} patients with scar, {len(healthy)} without; left out: {left_out}\n")
    print_table(groups)
    draw_examples(options.output / "heat.jpg", network, told, {item["patient"]: item["image"] for item in items})


def lead_shares(heat: np.ndarray) -> np.ndarray:
    """Share of the heat on each lead's part of the canonical page, ``[12]``; NaN where there is no heat."""
    parts = []
    for box in canonical_boxes(heat.shape[1] / (2 * TILE[0])):
        left, top, right, bottom = (round(edge + 0.5) for edge in box.box)
        parts.append(heat[top:bottom, left:right].sum())
    return np.array(parts) / (np.sum(parts) or np.nan)


def patient_row(item: Mapping[str, Any], probability: float, by_lead: np.ndarray) -> dict[str, Any]:
    """What is known of a patient with scar."""
    cells = item["row"]
    changed = np.isin(LEADS, cells["changed_leads"].split())
    scar = {name: sum(float(cells[f"segment_{k}"]) for k in segments) for name, segments in TERRITORIES.items()}
    return {
        "patient": item["patient"],
        "territory": max(scar, key=lambda name: scar[name]) if cells["kind"] == "ischaemic" else "nonischaemic",
        "scar_percent": float(cells["scar_percent"]),
        "changed_leads": cells["changed_leads"],
        "changed": int(changed.sum()),
        "probability": probability,
        "share": float(by_lead @ changed),
        **{f"heat_{lead}": float(share) for lead, share in zip(LEADS, by_lead, strict=True)},
    }


def add_chances(rows: Sequence[dict[str, Any]], without_scar: np.ndarray) -> None:
    """Add to each row what chance would give; ``without_scar`` are mean shares by lead ``[12]``."""
    changed = np.array([np.isin(LEADS, row["changed_leads"].split()) for row in rows])
    count = changed.sum(axis=1)
    for number, row in enumerate(rows):
        others = count == count[number]
        others[number] = False
        heat = np.array([row[f"heat_{lead}"] for lead in LEADS])
        row["even"] = count[number] / len(LEADS)
        row["others"] = float((changed[others] @ heat).mean()) if others.any() else np.nan
        row["no_scar"] = float(without_scar @ changed[number])


GROUPS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "all": lambda row: True,
    "called positive": lambda row: row["called"] == 1,
    "not called": lambda row: row["called"] == 0,
    f"1 to {FEW} leads changed": lambda row: row["changed"] <= FEW,
    f"1 to {FEW} leads changed, called positive": lambda row: row["changed"] <= FEW and row["called"] == 1,
    "LAD": lambda row: row["territory"] == "LAD",
    "RCA": lambda row: row["territory"] == "RCA",
    "LCX": lambda row: row["territory"] == "LCX",
}


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Number, share of the heat, and for each chance its mean and the ratio of the means, with intervals."""
    share = np.array([row["share"] for row in rows])
    found: dict[str, Any] = {"n": len(rows)}
    if not rows:
        return found
    found |= {"mean": share.mean(), "mean_ci95": bootstrap_interval(len(rows), lambda drawn: share[drawn].mean(-1))}
    found |= {"median": np.median(share)}
    found |= {"median_ci95": bootstrap_interval(len(rows), lambda drawn: np.median(share[drawn], axis=-1))}
    for name in CHANCES:
        chance = np.array([row[name] for row in rows])
        found[name] = {"mean": chance.mean(), "ratio": share.mean() / chance.mean()}
        found[name]["ratio_ci95"] = bootstrap_interval(len(rows), partial(ratio, share, chance))
    return found


def ratio(share: np.ndarray, chance: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Of the means of drawn patients ``[..., n]``."""
    return share[drawn].mean(-1) / chance[drawn].mean(-1)


def print_table(table: Mapping[str, Mapping[str, Any]]) -> None:
    """In markdown."""
    print(
        "| patients | n | share of heat, mean | median | even: chance; ratio | others: chance; ratio | no scar: chance; ratio |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, found in table.items():
        if not found["n"]:
            continue
        cells = [with_interval(found[key], found[f"{key}_ci95"]) for key in ("mean", "median")]
        for chance in (found[name] for name in CHANCES):
            cells.append(f"{chance['mean']:.2f}; {with_interval(chance['ratio'], chance['ratio_ci95'])}")
        print(f"| {name} | {found['n']} | {' | '.join(cells)} |")


def with_interval(value: float, interval: tuple[float, float] | None) -> str:
    """As text."""
    return f"{value:.2f}" if interval is None else f"{value:.2f} ({interval[0]:.2f} to {interval[1]:.2f})"


def draw_examples(path: Path, network: Network, rows: Sequence[Mapping[str, Any]], records: Mapping[str, str]) -> None:
    """Draw the first patient of each kind of example, of those with few changed leads, on a page."""
    figure = Figure(figsize=(16, 12), layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    for axis, (territory, called, layout, capture) in zip(axes, EXAMPLES, strict=True):
        axis.set_axis_off()
        for row in rows:
            if row["changed"] <= FEW and row["called"] == called and territory in ("", row["territory"]):
                draw_example(axis, network, row, records[row["patient"]], layout, capture)
                break
    keys = [Patch(fill=False, edgecolor=TRUTH, linewidth=2, label="lead that the scar changed (simulator's truth)")]
    paper = np.full((1, 1, 3), 255, np.uint8)
    for warmth, words in ((0.25, "little heat"), (0.5, "half"), (1.0, "most heat: what speaks for scar (Grad-CAM++)")):
        keys.append(Patch(color=draw_heat(paper, np.full((1, 1), warmth))[0, 0] / 255, label=words))
    figure.legend(handles=keys, loc="outside lower center", ncols=4, fontsize=13, frameon=False)
    figure.suptitle(
        "Simulated patients. The network sees the first 2.5 s of each lead, and II on the strip where there is one",
        fontsize=15,
    )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="jpeg", dpi=90, pil_kwargs={"quality": 60, "optimize": True})


def draw_example(axis, network: Network, row: Mapping[str, Any], record_path: str, layout: str, capture: str) -> None:
    """Print a patient's ECG, have the picture read, and draw heat and truth on it."""
    record = read_record(record_path)
    header = PageHeader(header=(f"SYNTHETIC, {row['patient']}",))
    style = PageStyle(dpi=150, height=165, colors=GRID_COLORS["grey"])
    page = render_page(record.signals, record.rate, layout=layout, style=style, header=header).image
    if capture:
        camera = RandCapturePage(1.0, kinds=(capture,), severity=(0.4, 0.4)).set_random_state(0)
        page = pictured(page, camera)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.png"
        write_page_image(file, page, style.dpi)
        probability, heat = network(file)
        _, reading = read_ecg_page(file)
    size = (page.shape[0], page.shape[1])
    axis.imshow(draw_heat(page, heat_on_picture(heat, reading, size)))
    scale = heat.shape[1] / (2 * TILE[0])
    for box in canonical_boxes(scale):
        if box.lead not in row["changed_leads"].split():
            continue
        left, top, right, bottom = (round(edge + 0.5) for edge in box.box)
        lead = np.zeros_like(heat)
        lead[top:bottom, left:right] = 1
        there = heat_on_picture(lead, reading, size) > 0.5
        axis.contour(there, [0.5], colors=TRUTH, linewidths=2)
        y, x = np.argwhere(there).min(axis=0)
        axis.text(x, y, box.lead, color="white", fontsize=11, weight="bold", va="top", backgroundcolor=TRUTH)
    share = lead_shares(heat) @ np.isin(LEADS, row["changed_leads"].split())
    call = "called positive" if probability >= network.threshold else "MISSED"
    axis.set_title(
        f"Truth: {row['territory']}, scar {row['scar_percent']:.0f} % of LV mass; changed leads {row['changed_leads']}\n"
        f"Network: probability of scar {100 * probability:.0f} %, {call}\n"
        f"Heat in the changed leads: {100 * share:.0f} %; spread evenly it would be {100 * row['even']:.0f} %",
        loc="left",
        fontsize=13,
    )


if __name__ == "__main__":
    main()
