"""Cases for inference and evaluation: find them, go through them so that a bad one does not stop the others."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterator
from os.path import commonpath
from pathlib import Path
from typing import Any

import torch.distributed as dist
from monai.data import MetaTensor
from torch.utils.data import IterableDataset, get_worker_info
from tqdm import tqdm

from monai_jdl.atomic import atomic_path
from monai_jdl.data.datalist import read_datalist
from monai_jdl.data.dicom import choose_stack, find_studies
from monai_jdl.data.dicom_headers import DicomFile
from monai_jdl.data.files import case_names, folder_files, is_label_name, is_volume_name, stem
from monai_jdl.errors import InputError, find_input_error

logger = logging.getLogger(__name__)


def find_cases(dataset_dir: str | Path, series: str | None = None, phase: int | None = None) -> list[dict[str, Any]]:
    """Images to segment.

    Args:
        dataset_dir: a folder with NIfTI, NRRD, MetaImage files and DICOM studies nested at will (label maps are left
            out by name, see :func:`monai_jdl.data.files.is_label_name`); one such file; or a datalist (``.json``) or a
            folder with a ``datalist.json``, whose testing list counts, or all its lists where that is empty.
        series, phase: which stack of a DICOM study, as in :class:`monai_jdl.data.LGEReader`.

    Returns:
        Items ``{"image", "case"}``: the path of a volume file, or the sorted files of the chosen DICOM stack; and a name
        that is unique and safe as a folder name. A study without a usable stack is listed with all its files: reading
        it raises the :class:`InputError` that says why, so that the other cases are still done.

    Raises:
        InputError: nothing is there, or nothing is an image.
    """
    path = Path(dataset_dir).expanduser().absolute()
    if not path.exists():
        raise InputError(f"{path} does not exist; give --dataset_dir a folder or a file.")
    listed = path / "datalist.json" if path.is_dir() else path
    if listed.suffix.lower() == ".json" and listed.is_file():
        sections = read_datalist(listed)
        items = sections["testing"] or [item for section in sections.values() for item in section]
        return [{"image": item["image"], "case": item["case"]} for item in items]
    if path.is_file():
        return [{"image": str(path), "case": case_names([[stem(path)]])[0]}]
    found = _volumes(path) + _studies(path, series, phase)
    if not found:
        what = "is empty" if not any(path.iterdir()) else "holds no image (NIfTI, NRRD, MetaImage or DICOM)"
        raise InputError(f"{path} {what}; give --dataset_dir a folder with images.")
    names = case_names([parts for parts, _ in found])
    return [{"image": image, "case": name} for name, (_, image) in zip(names, found, strict=True)]


def _volumes(root: Path) -> list[tuple[tuple[str, ...], str | list[str]]]:
    """(path components, file) of the volume files below ``root``."""
    return [
        ((*file.relative_to(root).parts[:-1], stem(file)), str(file))
        for file in folder_files(root)
        if is_volume_name(file) and not is_label_name(file, root)
    ]


def _studies(root: Path, series: str | None, phase: int | None) -> list[tuple[tuple[str, ...], str | list[str]]]:
    """(path components, files of the stack) of the DICOM studies below ``root``."""
    studies = find_studies(root)
    folders = [Path(commonpath([file.path.parent for file in study])) for study in studies]
    found: list[tuple[tuple[str, ...], str | list[str]]] = []
    for study, folder in zip(studies, folders, strict=True):
        parts = folder.relative_to(root).parts or (root.name,)
        if folders.count(folder) > 1:  # several studies in one folder are told apart by patient
            parts = (*parts, study[0].study[0] or stem(study[0].path))
        found.append((parts, _stack_files(study, series, phase)))
    return found


def _stack_files(study: list[DicomFile], series: str | None, phase: int | None) -> list[str]:
    try:
        return choose_stack(study, series, phase).files
    except InputError:
        return [str(file.path) for file in study]


class CaseDataset(IterableDataset):
    """Transforms cases one by one; a case that fails is recorded and skipped, the others are finished.

    The failing happens while the case is fetched, so the data loader must have no workers (errors noted in a worker
    process would be lost). Where ``torch.distributed`` runs, each rank takes every world-size-th case.

    Args:
        data: items with ``image`` and ``case``, as of :func:`find_cases` or ``load_datalist``.
        transform: takes an item and returns it transformed.
        errors_file: the CSV for :meth:`write_errors`, or None.

    Attributes:
        data: all items, those of other ranks included.
        errors: rows ``case``, ``image``, ``error`` of the failed cases.
    """

    def __init__(
        self,
        data: list[dict[str, Any]],
        transform: Callable[[dict[str, Any]], dict[str, Any]],
        errors_file: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.data = data
        self.transform = transform
        self.errors_file = None if errors_file is None else Path(errors_file)
        self.errors: list[dict[str, str]] = []

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if get_worker_info() is not None:
            raise RuntimeError("CaseDataset notes failed cases in its own process; set the loader's num_workers to 0.")
        self.errors = []
        rank, world = (dist.get_rank(), dist.get_world_size()) if _distributed() else (0, 1)
        for item in tqdm(self.data[rank::world], "cases", disable=rank > 0):
            try:
                transformed = self.transform(dict(item))
            except Exception as error:
                self._note(item, error)
                continue
            if isinstance(transformed.get("image"), MetaTensor):
                transformed["image"].meta["case"] = item["case"]
            yield transformed

    def _note(self, item: dict[str, Any], error: Exception) -> None:
        plain = find_input_error(error)
        if plain is None:
            logger.exception("Case %s failed.", item["case"])
            while error.__cause__ is not None and isinstance(error.__cause__, Exception):
                error = error.__cause__
        sentence = str(plain) if plain else f"{type(error).__name__}: {error}"
        image = item["image"] if isinstance(item["image"], str) else str(Path(item["image"][0]).parent)
        self.errors.append({"case": item["case"], "image": image, "error": " ".join(sentence.split())})
        if len(self.data) > 1:  # of a single case the sentence is raised in the end
            tqdm.write(f"{item['case']}: {self.errors[-1]['error']}")

    def write_errors(self) -> None:
        """Write ``errors_file`` if a case failed, else remove one of an earlier run.

        Where ``torch.distributed`` runs, every rank must call this: the errors of all are gathered and rank 0 writes.
        """
        if _distributed():
            gathered: list = [None] * dist.get_world_size()
            dist.all_gather_object(gathered, self.errors)
            unique = {error["case"]: error for errors in gathered for error in errors}
            self.errors = [unique[item["case"]] for item in self.data if item["case"] in unique]
        if self.errors_file is None or (_distributed() and dist.get_rank() > 0):
            return
        write_errors_csv(self.errors_file, self.errors)

    def raise_if_any(self) -> None:
        """Write the errors (:meth:`write_errors`), then raise if there were any.

        Raises:
            InputError: the sentence of the one case there was, or how many failed, which, and where it is written.
        """
        self.write_errors()
        if not self.errors:
            return
        if len(self.data) == 1:
            raise InputError(self.errors[0]["error"])
        shown = ", ".join(error["case"] for error in self.errors[:5]) + (", ..." if len(self.errors) > 5 else "")
        see = f", see {self.errors_file}" if self.errors_file else ""
        raise InputError(
            f"{len(self.errors)} of {len(self.data)} cases failed ({shown}){see}; the first: {self.errors[0]['error']}"
        )


def write_errors_csv(path: Path, errors: list[dict[str, str]]) -> None:
    """Write rows ``case``, ``image``, ``error``; without any, remove the file of an earlier run."""
    if not errors:
        path.unlink(missing_ok=True)
        return
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["case", "image", "error"])
        writer.writeheader()
        writer.writerows(errors)


def _distributed() -> bool:
    return dist.is_available() and dist.is_initialized()
