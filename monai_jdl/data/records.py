"""The JDL seed's record sheet: one row per slice, MATLAB or NumPy arrays, into volumes and a datalist.

Columns (letter case does not matter; ``Exists`` is accepted for ``Exisits``): Set Name; Patient Name; Slice Name; LGE Data
Path under Patient Directory; Allow to Use (Myocardium Segmentation); Allow to Use (Scar Segmentation); Scar Exisits;
Scar Mask Exisits.

Arrays: ``.mat`` (before v7.3) with ``img_PSIR``, ``myocardium_mask`` and ``scar_mask``, each [rows, columns]; or ``.npy`` with
[rows, columns] (image alone) or [3, rows, columns] (image, myocardium, scar). Pickled arrays are refused.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from tqdm import tqdm

from monai_jdl.data.datalist import Item, write_datalist
from monai_jdl.data.files import check_output_dir
from monai_jdl.data.sheets import MISSING, YES_NO, read_sheet
from monai_jdl.data.volumes import save_nifti
from monai_jdl.errors import InputError

logger = logging.getLogger(__name__)

_ARRAYS = ("img_PSIR", "myocardium_mask", "scar_mask")
_COLUMNS = {
    "set": "setname",
    "patient": "patientname",
    "slice": "slicename",
    "path": "lgedatapathunderpatientdirectory",
    "use_myocardium": "allowtousemyocardiumsegmentation",
    "use_scar": "allowtousescarsegmentation",
    "has_scar": "scarexists",
    "has_scar_mask": "scarmaskexists",
}


@dataclass(frozen=True)
class Record:
    """One row of the sheet; a flag is None where the cell is empty."""

    group: str
    path: Path
    use_myocardium: bool | None
    use_scar: bool | None
    has_scar: bool | None
    has_scar_mask: bool | None

    @property
    def scar_known(self) -> bool:
        """Whether it is known where scar is: a mask may be used, or the sheet says there is none."""
        if not self.use_scar or self.has_scar is None:
            return False
        return not self.has_scar or bool(self.has_scar_mask)


def prepare_records(
    sheet: str | Path,
    folder: str | Path,
    output: str | Path,
    *,
    pixel_spacing: tuple[float, float] = (1.0, 1.0),
    slice_spacing: float = 10.0,
    must_allow_myocardium: bool = False,
    must_allow_scar: bool = False,
    must_have_scar: bool = False,
    must_have_scar_mask: bool = False,
    validation_patients: Collection[str] = (),
    testing_patients: Collection[str] = (),
) -> Path:
    """Stack each patient's slices into a volume with a label map (scheme ``jdl``) and write ``OUT/datalist.json``.

    A mask that may not be used, or is not there, must not be trained as "nothing here". The slices of a patient are
    therefore put into one volume for each set of tasks that they can train (and each matrix size), in sheet order:
    myocardium where its use is allowed and the mask is there; scar where its use is allowed and either the mask is there or
    the sheet says that the slice has no scar. Slices of neither task go into a volume without label.

    The seed used only slices with scar, of which both masks are allowed: that is all four ``must_...`` set. By default all
    rows are used, so that slices without scar are seen, too.

    Args:
        sheet: ``.xlsx`` (needs openpyxl, extra ``tables``) or ``.csv``.
        folder: data folder; a slice is ``folder / set / patient / path``.
        output: folder to write to: ``images/``, ``labels/``, ``datalist.json``.
        pixel_spacing: mm between columns (X) and rows (Y). The sheet has no geometry: distances, mL and g are only as good
            as these.
        slice_spacing: mm between slices.
        must_allow_myocardium, must_allow_scar, must_have_scar, must_have_scar_mask: keep only rows with that flag.
        validation_patients, testing_patients: ``Set-Patient`` names of these lists; the others train.

    Returns:
        The path of the datalist.

    Raises:
        InputError: a column or file is missing, an array cannot be used, no row is left, a named patient is unknown.
    """
    musts = {
        "use_myocardium": must_allow_myocardium,
        "use_scar": must_allow_scar,
        "has_scar": must_have_scar,
        "has_scar_mask": must_have_scar_mask,
    }
    records = [
        record
        for record in _records(Path(sheet).expanduser(), Path(folder).expanduser().absolute())
        if all(getattr(record, flag) for flag, must in musts.items() if must)
    ]
    if not records:
        raise InputError(f"{sheet} has no row that passes the filters; loosen them.")
    patients = {record.group for record in records}
    unknown = sorted({*validation_patients, *testing_patients} - patients)
    if unknown:
        raise InputError(
            f"{sheet} has no patient '{unknown[0]}' (named Set-Patient); its patients begin {min(patients)}."
        )
    out = check_output_dir(output)
    affine = np.diag([-pixel_spacing[0], -pixel_spacing[1], slice_spacing, 1.0])  # rows and columns as DICOM's, LPS
    sections: dict[str, list[Item]] = {"training": [], "validation": [], "testing": []}
    for patient in tqdm(sorted(patients), "patients"):
        section = (
            "testing" if patient in testing_patients else "validation" if patient in validation_patients else "training"
        )
        slices = [record for record in records if record.group == patient]
        sections[section] += list(_write_volumes(slices, patient, out, affine))
    return write_datalist(out / "datalist.json", sections, "jdl")


def _write_volumes(slices: list[Record], patient: str, out: Path, affine: np.ndarray) -> Iterator[Item]:
    volumes: dict[tuple, list[tuple[np.ndarray, np.ndarray]]] = {}
    for record in slices:
        image, label, tasks = _slice(record)
        volumes.setdefault((tasks, image.shape), []).append((image, label))
    _join_single_slices(volumes, patient)
    safe = re.sub(r"[^A-Za-z0-9.+-]+", "_", patient)
    for number, ((tasks, _), pairs) in enumerate(volumes.items(), start=1):
        case = safe if len(volumes) == 1 else f"{safe}_{number}"
        images, labels = (np.stack([array.T for array in arrays], axis=-1) for arrays in zip(*pairs, strict=True))
        image_path = save_nifti(out / "images" / f"{case}.nii.gz", images, affine)
        label_path = save_nifti(out / "labels" / f"{case}.nii.gz", labels, affine) if tasks else None
        yield {
            "image": str(image_path),
            "label": str(label_path) if label_path else None,
            "case": case,
            "patient": patient,
            "tasks": list(tasks),
        }


def _join_single_slices(volumes: dict[tuple, list], patient: str) -> None:
    """A single slice is no stack: it joins the patient's volume of most tasks that it can serve too, or is left out."""
    for tasks, shape in [key for key, pairs in volumes.items() if len(pairs) == 1]:
        hosts = [key for key in volumes if key[1] == shape and set(key[0]) < set(tasks)]
        pairs = volumes.pop((tasks, shape))
        if hosts:
            volumes[max(hosts, key=lambda key: len(key[0]))] += pairs
        else:
            logger.warning("%s: one slice for %s alone is left out.", patient, " and ".join(tasks) or "no task")


def _slice(record: Record) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Image float32 [rows, columns], label map uint8 of the same shape, tasks that the label map serves."""
    image, myocardium, scar = _arrays(record.path)
    label = np.zeros(image.shape, np.uint8)
    tasks = []
    if record.use_myocardium and myocardium is not None:
        tasks.append("myocardium")
        label[myocardium > 0] = 1
    if record.scar_known and (scar is not None or not record.has_scar):
        tasks.append("scar")
        if scar is not None and record.has_scar:
            label[scar > 0] = 2
    return image, label, tuple(tasks)


def _arrays(path: Path) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    if not path.is_file():
        raise InputError(f"{path}, named in the record sheet, does not exist; check the data folder.")
    suffix = path.suffix.lower()
    if suffix not in (".mat", ".npy"):
        raise InputError(f"{path} is neither .mat nor .npy; convert the slice.")
    try:
        if suffix == ".mat":
            found = scipy.io.loadmat(path, variable_names=_ARRAYS)
            arrays = [found.get(name) for name in _ARRAYS]
        else:
            loaded = np.load(path, allow_pickle=False)
            arrays = [*loaded, None, None][:3] if loaded.ndim == 3 else [loaded, None, None]
    except NotImplementedError as error:  # scipy's word for MATLAB 7.3 files
        raise InputError(f"{path} is a MATLAB 7.3 file; save it with -v7.") from error
    except Exception as error:  # scipy and NumPy raise many kinds for damaged files
        raise InputError(f"{path} cannot be read ({error}); write its arrays again, as numbers.") from error
    image = arrays[0]
    if image is None:
        raise InputError(f"{path} has no array {_ARRAYS[0]}; a slice needs its image.")
    for name, array in zip(_ARRAYS, arrays, strict=True):
        if array is None:
            continue
        if array.dtype.kind not in "biuf" or array.ndim != 2 or array.shape != image.shape:
            raise InputError(
                f"{path} has {name} of type {array.dtype} and shape {array.shape}; it takes 2-D numbers alike."
            )
    return image.astype(np.float32), arrays[1], arrays[2]


def _records(sheet: Path, folder: Path) -> Iterator[Record]:
    if not sheet.is_file():
        raise InputError(f"The record sheet {sheet} does not exist; check the path.")
    rows = read_sheet(sheet)
    names = [re.sub(r"[^a-z]", "", str(name or "").lower()).replace("exisits", "exists") for name in next(rows, [])]
    missing = [column for column in _COLUMNS.values() if column not in names and column != _COLUMNS["slice"]]
    if missing:
        raise InputError(
            f"{sheet} lacks the column '{missing[0]}' of a record sheet; its columns are {', '.join(names)}."
        )
    for number, row in enumerate(rows, start=2):
        cells = dict(zip(names, row, strict=False))
        cell = {key: cells.get(column) for key, column in _COLUMNS.items()}
        text = {key: "" if value is None else str(value).strip() for key, value in cell.items()}
        if not any(text.values()):
            continue
        flags: dict[str, Any] = {}
        for key in ("use_myocardium", "use_scar", "has_scar", "has_scar_mask"):
            cell_text = text[key].lower()
            if cell_text not in YES_NO and cell_text not in MISSING:
                raise InputError(f"{sheet}, row {number}: '{text[key]}' is neither yes nor no; write 1 or 0.")
            flags[key] = YES_NO.get(cell_text)
        relative = Path(text["path"].replace("\\", "/"))
        yield Record(f"{text['set']}-{text['patient']}", folder / text["set"] / text["patient"] / relative, **flags)
