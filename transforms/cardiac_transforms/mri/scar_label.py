"""Between label maps and the two masks, myocardium and scar, that networks are trained on."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping

import numpy as np
import torch
from monai.config import KeysCollection
from monai.config.type_definitions import NdarrayOrTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_data_type, convert_to_dst_type, convert_to_tensor
from scipy import ndimage

__all__ = ["ScarLabelMap", "ScarLabelMapd", "ScarScheme", "ScarSchemed", "ScarTargets", "ScarTargetsd"]

TASKS = ("myocardium", "scar")

# What each value of a scheme's label map becomes in scheme "jdl".
SCHEMES: dict[str, tuple[int, ...]] = {
    "jdl": (0, 1, 2),  # background, myocardium without scar, scar
    "emidec": (0, 0, 1, 2, 2),  # background, cavity, myocardium, infarct, no-reflow
}


class ScarScheme(Transform):
    """Label map of any scheme -> label map of scheme ``jdl``: 0 background, 1 myocardium without scar, 2 scar.

    Schemes: ``jdl`` itself and ``emidec`` (0 background, 1 cavity, 2 myocardium, 3 infarct, 4 no-reflow).
    """

    backend = [TransformBackends.TORCH]

    def __call__(self, label: NdarrayOrTensor, scheme: str = "jdl") -> NdarrayOrTensor:
        """Convert ``label`` of any shape; returns uint8.

        Raises:
            ValueError: the scheme is unknown, or ``label`` holds a value that the scheme does not have.
        """
        if scheme not in SCHEMES:
            raise ValueError(f"label scheme must be one of {sorted(SCHEMES)}, got {scheme!r}.")
        table = torch.tensor(SCHEMES[scheme], dtype=torch.uint8)
        values = convert_to_tensor(label, track_meta=False).round().long()
        if values.min() < 0 or values.max() >= len(table):
            raise ValueError(
                f"label scheme {scheme!r} has the values 0 to {len(table) - 1}, the label map holds"
                f" {int(values.min())} to {int(values.max())}."
            )
        return convert_to_dst_type(table[values], dst=label, dtype=torch.uint8)[0]


class ScarSchemed(MapTransform):
    """Dictionary form of :class:`ScarScheme`.

    The scheme is the data's item ``label_scheme``, ``jdl`` where there is none. The item is removed, for the label then is
    of the default scheme (and MONAI >= 1.6 ``Spacingd`` takes a string called ``label_...`` for meta data and fails).
    """

    backend = ScarScheme.backend

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.convert = ScarScheme()

    def __call__(self, data: Mapping[Hashable, NdarrayOrTensor]) -> dict[Hashable, NdarrayOrTensor]:
        d: dict = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.convert(d[key], d.get("label_scheme", "jdl"))
        d.pop("label_scheme", None)
        return d


class ScarTargets(Transform):
    """Label map of scheme ``jdl`` [1, \\*spatial] -> masks [2, \\*spatial] float32: 0 myocardium (whole wall), 1 scar.

    The channel of a task that was not annotated is NaN throughout, which :class:`monai_jdl.losses.JointLoss` leaves out.
    """

    backend = [TransformBackends.TORCH]

    def __call__(self, label: NdarrayOrTensor, tasks: Collection[str] = TASKS) -> NdarrayOrTensor:
        """Convert ``label``; ``tasks`` names the tasks that it holds.

        Raises:
            ValueError: a task is unknown, or ``label`` has more than one channel.
        """
        if not set(tasks) <= set(TASKS):
            raise ValueError(f"tasks must be among {TASKS}, got {tuple(tasks)}.")
        if label.shape[0] != 1:
            raise ValueError(f"a label map has one channel, got shape {tuple(label.shape)}.")
        values = convert_to_tensor(label, track_meta=False)[0]
        masks = torch.stack([values >= 1, values >= 2]).float()
        for channel, task in enumerate(TASKS):
            if task not in tasks:
                masks[channel] = torch.nan
        return convert_to_dst_type(masks, dst=label, dtype=torch.float32)[0]


class ScarTargetsd(MapTransform):
    """Dictionary form of :class:`ScarTargets`; the tasks are the data's item ``tasks``, both where there is none."""

    backend = ScarTargets.backend

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.convert = ScarTargets()

    def __call__(self, data: Mapping[Hashable, NdarrayOrTensor]) -> dict[Hashable, NdarrayOrTensor]:
        d: dict = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.convert(d[key], d.get("tasks", TASKS))
        return d


class ScarLabelMap(Transform):
    """Probabilities [2, X, Y, Z] -> label map [1, X, Y, Z] uint8: 0 background, 1 myocardium without scar, 2 scar.

    The wall is the largest connected piece of ``p_myocardium > threshold`` (voxels that touch at a corner belong together).
    Scar is ``p_scar > scar_threshold`` inside the wall; islands that scar encloses within a slice and that lie mostly in the
    wall are obstruction (no-reflow), and count as scar.

    Args:
        threshold: on the probability of myocardium.
        scar_threshold: on the probability of scar.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(self, threshold: float = 0.5, scar_threshold: float = 0.5) -> None:
        self.threshold = threshold
        self.scar_threshold = scar_threshold

    def __call__(self, probabilities: NdarrayOrTensor) -> NdarrayOrTensor:
        """Convert ``probabilities`` [2, X, Y, Z].

        Raises:
            ValueError: not two channels of a volume.
        """
        if probabilities.ndim != 4 or probabilities.shape[0] != 2:
            raise ValueError(f"expected probabilities of shape [2, X, Y, Z], got {tuple(probabilities.shape)}.")
        myocardium, scar = convert_data_type(probabilities, np.ndarray)[0]
        wall = largest_component(myocardium > self.threshold)
        scar = fill_islands((scar > self.scar_threshold) & wall, wall)
        label = wall.astype(np.uint8)
        label[scar] = 2
        return convert_to_dst_type(label[None], dst=probabilities, dtype=torch.uint8)[0]


class ScarLabelMapd(MapTransform):
    """Dictionary form of :class:`ScarLabelMap`."""

    backend = ScarLabelMap.backend

    def __init__(
        self,
        keys: KeysCollection,
        threshold: float = 0.5,
        scar_threshold: float = 0.5,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.convert = ScarLabelMap(threshold, scar_threshold)

    def __call__(self, data: Mapping[Hashable, NdarrayOrTensor]) -> dict[Hashable, NdarrayOrTensor]:
        d: dict = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.convert(d[key])
        return d


def largest_component(mask: np.ndarray) -> np.ndarray:
    """The largest connected piece of a boolean ``mask`` of any dimension; voxels touching at a corner are connected."""
    pieces, count = ndimage.label(mask, structure=np.ones((3,) * mask.ndim))
    if count < 2:
        return mask
    return pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])


def fill_islands(scar: np.ndarray, wall: np.ndarray) -> np.ndarray:
    """Add to ``scar`` the islands that it encloses within a slice, where more than half of the island is ``wall``.

    The second condition keeps the cavity out when scar runs round the whole ring.

    Args:
        scar: boolean [X, Y, Z].
        wall: boolean [X, Y, Z].

    Returns:
        boolean [X, Y, Z]; only voxels of the wall are added.
    """
    filled = scar.copy()
    for z in np.flatnonzero(scar.any(axis=(0, 1))):
        islands, count = ndimage.label(ndimage.binary_fill_holes(scar[..., z]) & ~scar[..., z])
        if count:
            inside = ndimage.mean(wall[..., z], islands, index=range(1, count + 1))
            filled[..., z] |= np.isin(islands, 1 + np.flatnonzero(np.asarray(inside) > 0.5)) & wall[..., z]
    return filled
