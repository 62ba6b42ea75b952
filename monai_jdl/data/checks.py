"""Does a label map belong to its image?"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import ImageMetaKey

from cardiac_transforms.mri.scar_label import SCHEMES
from monai_jdl.errors import InputError


class CheckLabelGridd(MapTransform):
    """Refuses a label map on another grid than its image, or with values that its scheme does not have.

    Comes after loading and ``EnsureChannelFirstd``, before anything resamples. The scheme is the item ``label_scheme``
    (``jdl`` where there is none). Corners of the volume may lie up to half a voxel (the smallest edge) apart, so that
    rounded headers pass.

    Args:
        keys: the label maps.
        image_key: their image.
        allow_missing_keys: as in MONAI.
    """

    def __init__(self, keys: KeysCollection, image_key: str = "image", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.image_key = image_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The data unchanged.

        Raises:
            InputError: another shape, another place, or foreign values; the sentence names both files.
        """
        image = data[self.image_key]
        for key in self.key_iterator(data):
            label = data[key]
            _check_grid(label, image)
            _check_values(label, str(data.get("label_scheme", "jdl")))
        return dict(data)


def _check_grid(label: MetaTensor, image: MetaTensor) -> None:
    if label.shape[1:] != image.shape[1:]:
        shapes = [" x ".join(map(str, tensor.shape[1:])) for tensor in (label, image)]
        raise InputError(
            f"The label map {_name(label)} has {shapes[0]} voxels but its image {_name(image)} has {shapes[1]}; resample "
            "the label map to the image's grid."
        )
    corners = np.stack(np.meshgrid(*[(0, length - 1) for length in image.shape[1:]]), -1).reshape(-1, 3)
    corners = np.c_[corners, np.ones(len(corners))]
    places = [corners @ np.asarray(tensor.affine, dtype=np.float64).T for tensor in (label, image)]
    apart = float(np.linalg.norm(places[0] - places[1], axis=1).max())
    if apart > 0.5 * float(image.pixdim.min()):
        raise InputError(
            f"The label map {_name(label)} lies up to {apart:.1f} mm off its image {_name(image)}; resample the label map "
            "to the image's grid, or correct its affine."
        )


def _check_values(label: MetaTensor, scheme: str) -> None:
    values = {int(value) for value in label.unique()}
    foreign = sorted(values - set(range(len(SCHEMES[scheme]))))
    if foreign:
        raise InputError(
            f"The label map {_name(label)} holds {', '.join(map(str, foreign))}, which its scheme '{scheme}' does not "
            f"have (0 to {len(SCHEMES[scheme]) - 1}); correct the label map or the datalist's label_scheme."
        )


def _name(tensor: MetaTensor) -> str:
    return str(tensor.meta.get(ImageMetaKey.FILENAME_OR_OBJ, "(unnamed)"))
