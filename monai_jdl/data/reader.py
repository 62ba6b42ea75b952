"""MONAI image readers for LGE stacks and their label maps, for ``LoadImaged(keys=..., reader=...)``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from monai.config import PathLike
from monai.data import ImageReader
from monai.utils import MetaKeys, SpaceKeys, ensure_tuple

from monai_jdl.data.volumes import Volume, read_volume
from monai_jdl.errors import InputError


class PathReader(ImageReader):
    """A reader that does all its work in ``get_data``.

    ``monai.transforms.LoadImage`` swallows what :meth:`read` raises and tries its other readers instead.
    """

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        """Every name is accepted, so that :meth:`get_data` can say what is wrong with the file."""
        return True

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: object) -> list[str]:
        """The paths, as text; nothing is read yet."""
        return [str(path) for path in ensure_tuple(data)]


class LGEReader(PathReader):
    """Reads an LGE stack from NIfTI, NRRD, MHA/MHD or DICOM (a file, a list of files or a study's folder).

    Args:
        phase: of several cardiac phases the one to take, from 0; ignored where there is one.
        series: which DICOM series of a study: SeriesInstanceUID, SeriesNumber or text of the description; None chooses
            by the rule in :mod:`monai_jdl.data.lge_choice`.
    """

    def __init__(self, phase: int | None = None, series: str | int | None = None) -> None:
        if phase is not None and (not isinstance(phase, int) or phase < 0):
            raise InputError(f"The phase must be a whole number from 0, not {phase!r}.")
        super().__init__()
        self.phase = phase
        self.series = None if series is None else str(series)

    def get_data(self, img: Sequence[str]) -> tuple[np.ndarray, dict]:
        """Read the paths that :meth:`read` returned.

        Returns:
            (array, meta): float32 [X, Y, Z], and ``affine`` and ``original_affine`` (RAS+), ``space``,
            ``spatial_shape``, ``original_channel_dim`` and, for DICOM, the ``info`` of :class:`Volume`.

        Raises:
            InputError: as :func:`read_volume`; not finite or constant intensities.
        """
        volume = read_volume(img, self.phase, self.series)
        array = self.check_values(volume.array, Path(img[0]))
        return array, _meta(volume)

    def check_values(self, array: np.ndarray, path: Path) -> np.ndarray:
        """The array, if its values can be an image's."""
        bad = array.size - np.count_nonzero(np.isfinite(array))
        if bad:
            raise InputError(f"{path} holds {bad} voxels that are NaN or infinite; replace them (by 0) and try again.")
        if array.min() == array.max():
            raise InputError(f"{path} has the same intensity {array.flat[0]:g} everywhere; give the LGE image itself.")
        return array


class LabelReader(LGEReader):
    """Reads a label map: whole numbers from 0 to 255, as uint8; one value everywhere (no scar, say) is allowed."""

    def check_values(self, array: np.ndarray, path: Path) -> np.ndarray:
        """The array as uint8, if its values can be labels."""
        whole = np.round(array)  # scaled storage may give 0.9999 for 1
        if not (np.allclose(array, whole, rtol=0, atol=1e-3) and whole.min() >= 0):
            raise InputError(f"{path} is no label map: it holds values that are not whole numbers from 0; give a mask.")
        if whole.max() > 255:
            raise InputError(
                f"{path} is no label map: it holds values up to {array.max():g}; give a mask, not an image."
            )
        return whole.astype(np.uint8)


def _meta(volume: Volume) -> dict:
    return {
        MetaKeys.AFFINE: volume.affine,
        MetaKeys.ORIGINAL_AFFINE: volume.affine.copy(),
        MetaKeys.SPACE: SpaceKeys.RAS,
        MetaKeys.SPATIAL_SHAPE: np.asarray(volume.array.shape),
        MetaKeys.ORIGINAL_CHANNEL_DIM: "no_channel",
        **volume.info,
    }
