"""The command line ``monai-jdl``: thin, it runs bundles and calls the data layer."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from monai_jdl.errors import InputError, find_input_error
from monai_jdl.version import __version__

LGE_BUNDLE = "lge_scar_jdl"
ECG_BUNDLES = ("ecg_image_classification", "ecg_image_clinical_classification", "ecg_signal_classification")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; the process ends with exit code 1 and one sentence where the input cannot be used or the disk is full.

    Args:
        arguments: words of the command line; ``None`` takes the process's own.
    """
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except Exception as error:
        plain = find_input_error(error)
        if plain is not None:
            sys.exit(f"error: {plain}")
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            sys.exit(f"error: {options.output} is on a disk that is full; free some space or give another folder.")
        raise


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="monai-jdl",
        description="Myocardial scar from late gadolinium enhancement (LGE) cardiac MR; scar and a low ejection fraction from "
        "ECGs, pictures of pages included. For research; not for clinical use.",
    )
    parser.add_argument("--version", action="version", version=f"monai_jdl {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    _add_phantom(commands.add_parser("phantom", help="simulate patients with exact truth: LGE stacks, ECGs, or both"))
    _add_prepare(commands.add_parser("prepare", help="describe your data in a list for training and evaluation"))

    _add_workflows(commands)

    report = commands.add_parser(
        "report", help="numbers and pictures from your own or a corrected mask", description=_report.__doc__
    )
    report.add_argument("image", type=Path, metavar="IMAGE", help="the LGE stack: NIfTI, NRRD or DICOM folder")
    report.add_argument("mask", type=Path, metavar="MASK", help="label map on the same grid")
    report.add_argument("output", type=Path, metavar="OUT", help="folder to write scar.csv and report.html to")
    report.add_argument(
        "--label-scheme",
        choices=("jdl", "emidec"),
        default="jdl",
        help="jdl: 1 myocardium without scar, 2 scar; emidec: 1 cavity, 2 myocardium, 3 infarct, 4 no-reflow (default jdl)",
    )
    report.set_defaults(command=_report)

    _add_digitize(commands.add_parser("digitize", help="read ECG pages: signals from photographs, scans and PDF"))
    _add_render(commands.add_parser("render", help="print ECG records on pages, with the places of their leads"))
    return parser


def _add_phantom(parser: argparse.ArgumentParser) -> None:
    examinations = parser.add_subparsers(title="examinations", required=True, metavar="WHAT")

    def examination(name: str, what: str, files: str) -> argparse.ArgumentParser:
        added = examinations.add_parser(name, help=what, description=f"Simulate {what}.")
        added.add_argument("output", type=Path, metavar="OUT", help=f"folder to write: {files}")
        added.add_argument(
            "--patients",
            type=int,
            default=10,
            metavar="N",
            help="how many, at least 3; a tenth each is for validation and testing (default 10)",
        )
        added.add_argument("--seed", type=int, default=0, help="of the first patient; the others follow (default 0)")
        if name != "ecg":
            added.add_argument(
                "--motion", type=float, default=0.0, metavar="MM", help="RMS heart motion (default 0 mm)"
            )
            added.add_argument(
                "--format", choices=("nifti", "dicom"), default="nifti", help="of stacks (default nifti)"
            )
        if name != "lge":
            added.add_argument("--pages", action="store_true", help="also print each ECG on a page (PNG)")
        added.set_defaults(command=_phantom, examination=name)
        return added

    lge = examination("lge", "LGE stacks as a scanner would store them", "images, labels and datalist.json")
    lge.add_argument(
        "--test-set",
        action="store_true",
        help="the frozen test set of 40 patients instead; never train or select on it",
    )
    examination("ecg", "12-lead ECGs", "WFDB records and patients.csv")
    examination(
        "twin",
        "LGE stack and ECG of the same heart with the same scar",
        "images, labels and datalist.json; WFDB records and patients.csv",
    )


def _phantom(options: argparse.Namespace) -> None:
    """Simulate patients and write them in three sections."""
    from monai_jdl import data, phantoms

    def patients(seeds: range) -> Iterator[Any]:
        if options.examination == "ecg":
            return (phantoms.simulate_ecg(seed) for seed in seeds)
        simulate: Callable[..., Any] = phantoms.simulate if options.examination == "lge" else phantoms.simulate_twin
        return (simulate(seed, motion_mm=options.motion) for seed in seeds)

    if getattr(options, "test_set", False):
        sections: dict[str, Iterator[Any]] = {"testing": phantoms.frozen_test_set(options.motion)}
    elif options.patients < 3:
        raise InputError(
            f"--patients {options.patients}: give at least 3, one each for training, validation and testing."
        )
    else:
        last = options.seed + options.patients
        held_out = max(1, options.patients // 10)
        sections = {
            "training": patients(range(options.seed, last - 2 * held_out)),
            "validation": patients(range(last - 2 * held_out, last - held_out)),
            "testing": patients(range(last - held_out, last)),
        }
    if options.examination == "lge":
        print(data.write_phantoms(options.output, sections, file_format=options.format))
    elif options.examination == "ecg":
        print(data.write_ecg_phantoms(options.output, sections, pages=options.pages))
    else:
        print(data.write_twin_phantoms(options.output, sections, file_format=options.format, pages=options.pages))


def _add_prepare(parser: argparse.ArgumentParser) -> None:
    sources = parser.add_subparsers(title="what you have", required=True, metavar="SOURCE")

    def source(name: str, what: str) -> argparse.ArgumentParser:
        added = sources.add_parser(name, help=what, description=f"Write a datalist.json from {what}.")
        added.set_defaults(command=_prepare, source=name)
        return added

    emidec = source("emidec", "the EMIDEC data set in its official layout, split by patient and stratified by infarct")
    emidec.add_argument("folder", type=Path, metavar="DIR")
    emidec.add_argument("output", type=Path, metavar="OUT", nargs="?", help="folder of datalist.json (default DIR)")
    emidec.add_argument("--seed", type=int, default=0, help="of the split (default 0)")

    dicom = source("dicom", "DICOM studies, nested at will, whose LGE stacks are converted to NIfTI")
    dicom.add_argument("folder", type=Path, metavar="DIR")
    dicom.add_argument("output", type=Path, metavar="OUT", help="folder of images/ and datalist.json")
    dicom.add_argument("--series", help="which series of a study: its number, UID or words of its name")
    dicom.add_argument("--phase", type=int, help="which cardiac phase of a series with several (from 0)")

    folder = source("folder", "images/ and labels/ with equal names, or an MSD-style dataset.json")
    folder.add_argument("folder", type=Path, metavar="DIR")
    folder.add_argument("output", type=Path, metavar="OUT", nargs="?", help="folder of datalist.json (default DIR)")
    folder.add_argument("--label-scheme", choices=("jdl", "emidec"), help="what the labels' values mean")

    ptbxl = source("ptbxl", "the PTB-XL data set in its official layout: a table of ECGs with infarction as scar")
    ptbxl.description = "Write patients.csv, the table of ECGs that the ECG bundles take, for the PTB-XL data set."
    ptbxl.add_argument("folder", type=Path, metavar="DIR")
    ptbxl.add_argument("output", type=Path, metavar="OUT", nargs="?", help="folder of patients.csv (default DIR)")
    ptbxl.add_argument(
        "--seed", type=int, default=0, help="of the split, where the data set recommends none (default 0)"
    )

    records = source("records", "a record sheet (xlsx or csv), one row per slice, with .mat or .npy slices")
    records.add_argument("sheet", type=Path, metavar="SHEET")
    records.add_argument("folder", type=Path, metavar="DIR", help="data folder; slices are DIR/set/patient/path")
    records.add_argument("output", type=Path, metavar="OUT", help="folder of images/, labels/ and datalist.json")
    records.add_argument("--pixel-spacing", type=float, nargs=2, default=(1.0, 1.0), metavar="MM", help="default 1 1")
    records.add_argument("--slice-spacing", type=float, default=10.0, metavar="MM", help="default 10")
    for flag, what in {
        "must-allow-myocardium": "rows allowed for the myocardium",
        "must-allow-scar": "rows allowed for scar",
        "must-have-scar": "rows with scar",
        "must-have-scar-mask": "rows with a scar mask",
    }.items():
        records.add_argument(f"--{flag}", action="store_true", help=f"keep only {what}")
    for section in ("validation", "testing"):
        records.add_argument(
            f"--{section}-patients", nargs="*", default=(), metavar="SET-PATIENT", help=f"of the {section} list"
        )


def _prepare(options: argparse.Namespace) -> None:
    """Call the data layer's function of that name with the options of its sub-command."""
    from monai_jdl import data

    given = {name: value for name, value in vars(options).items() if name not in ("command", "source")}
    given["output"] = options.output or options.folder
    print(getattr(data, f"prepare_{options.source}")(**given))


def _add_workflows(commands: Any) -> None:
    listed = "datalist.json (LGE) or patients.csv (ECG), or the folder of one"
    for name, (text, data) in {
        "segment": ("find myocardium and scar: one label map per case and scar.csv", "folder, or one image of a stack"),
        "classify": (
            "probabilities of scar and LVEF below 50 per cent from ECGs: predictions.csv, and heat maps on the pages",
            "folder, or one file (page, record, or a table of them)",
        ),
        "train": ("train a network on your own labelled data", listed),
        "evaluate": ("score a network on labelled cases: metrics.csv and summary.json", listed),
    }.items():
        workflow = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        workflow.add_argument("dataset", type=Path, metavar="DATA", help=data)
        workflow.add_argument("output", type=Path, metavar="OUT", help="folder to write the results to")
        choices = {"segment": (LGE_BUNDLE,), "classify": ECG_BUNDLES}.get(name, (LGE_BUNDLE, *ECG_BUNDLES))
        workflow.set_defaults(bundle=choices[0])
        if len(choices) > 1:
            workflow.add_argument("--bundle", choices=choices, help=f"default {choices[0]}")
        workflow.add_argument("--device", help="cpu or cuda:0 (default: the GPU where there is one)")
        workflow.add_argument("--seed", type=int, help="seed of everything random (default 0)")
        if name == "train":
            workflow.add_argument("--epochs", type=int, help="how long to train (default: the bundle's)")
        else:
            workflow.add_argument(
                "--weights", type=Path, dest="ckpt_path", metavar="FILE", help="other weights than the bundle's"
            )
        if name == "segment":
            workflow.add_argument("--phase", type=int, help="which cardiac phase of a series with several (from 0)")
            workflow.add_argument(
                "--series", help="which DICOM series of a study: its number, UID or words of its name"
            )
            workflow.add_argument("--save-probabilities", action="store_true", help="also write the probability maps")
        if name == "classify":
            workflow.add_argument("--page", type=int, help="which page of a PDF or TIFF (from 0; default 0)")
        workflow.set_defaults(command=_workflow, workflow=name if name in ("train", "evaluate") else "inference")


def _workflow(options: argparse.Namespace) -> None:
    """Run a workflow of a bundle; what was not said on the command line keeps the config's default."""
    from monai_jdl import bundles

    names = ("epochs", "device", "seed", "ckpt_path", "phase", "series", "save_probabilities", "page")
    said: dict[str, Any] = {name: getattr(options, name) for name in names if getattr(options, name, None) is not None}
    bundles.run(options.bundle, options.workflow, dataset_dir=options.dataset, output_dir=options.output, **said)


def _report(options: argparse.Namespace) -> None:
    """Numbers (mL, g, % of LV mass) and a page of pictures from an image and a mask drawn or corrected by hand."""
    from monai_jdl.reports import case_report

    print(case_report(options.image, options.mask, options.output, label_scheme=options.label_scheme))


def _add_digitize(parser: argparse.ArgumentParser) -> None:
    parser.description = _digitize.__doc__
    parser.add_argument("pages", type=Path, metavar="PAGES", help="folder, or one file (picture, PDF or DICOM)")
    parser.add_argument(
        "output",
        type=Path,
        metavar="OUT",
        help="folder to write the records, pictures of what was found and pages.csv to",
    )
    parser.add_argument("--format", choices=("wfdb", "csv"), default="wfdb", help="of the records (default wfdb)")
    parser.add_argument("--page", type=int, default=0, help="which page of a PDF or TIFF (from 0; default 0)")
    parser.add_argument(
        "--layout", help='of reports with fixed lead boxes: "mtecg 6x2" or "mtecg 3x4" (default: found on the page)'
    )
    parser.set_defaults(command=_digitize)


def _digitize(options: argparse.Namespace) -> None:
    """Read ECG pages: the leads in mV, with their quality and a picture of what was found."""
    from monai_jdl.reports import digitize_pages

    said = {"file_format": options.format, "page": options.page, "layout": options.layout}
    print(digitize_pages(options.pages, options.output, **said))


def _add_render(parser: argparse.ArgumentParser) -> None:
    parser.description = _render.__doc__
    parser.add_argument(
        "records", type=Path, metavar="RECORDS", help="WFDB header, DICOM ECG, CSV, or a folder of them"
    )
    parser.add_argument("output", type=Path, metavar="OUT", help="folder to write <case>.png and <case>.json to")
    parser.add_argument("--layout", default="3x4+1", help="of the leads: 3x4, 3x4+1, 6x2, 12x1, ... (default 3x4+1)")
    parser.add_argument("--format", choices=("png", "jpg", "pdf"), default="png", help="of the pages (default png)")
    for name, unit, default in (("dpi", "DPI", 200), ("speed", "MM/S", 25), ("gain", "MM/MV", 10)):
        parser.add_argument(f"--{name}", type=float, metavar=unit, default=default, help=f"default {default}")
    parser.add_argument("--grid", metavar="COLOUR", default="pink", help="pink, red, green, blue, ... (default pink)")
    parser.add_argument(
        "--start", type=float, metavar="S", default=0.0, help="of the 10 s that are printed (default 0)"
    )
    parser.add_argument("--rate", type=float, metavar="HZ", help="of CSV files without a time column")
    parser.add_argument("--units", choices=("mV", "uV", "V"), help="of the records, over what the files say")
    parser.set_defaults(command=_render)


def _render(options: argparse.Namespace) -> None:
    """Print ECG records on pages as machines do; the JSON beside each page tells where its leads are."""
    from monai_jdl import data, phantoms

    colors = phantoms.GRID_COLORS.get(options.grid)
    if colors is None:
        raise InputError(f"--grid {options.grid}: give one of {', '.join(phantoms.GRID_COLORS)}.")
    style = phantoms.PageStyle(dpi=options.dpi, speed=options.speed, gain=options.gain, colors=colors)
    said = {name: getattr(options, name) for name in ("layout", "start", "rate", "units")}
    print(data.render_records(options.records, options.output, style=style, file_format=options.format, **said))
