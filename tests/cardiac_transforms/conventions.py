"""Checks of MONAI's conventions that hold for images and pages alike; each takes the transforms of one family."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any

import pytest
import torch
from monai.data import DataLoader, Dataset, set_track_meta
from monai.transforms import Compose, RandomizableTransform


def check_names(module: Any, form: str) -> None:
    """The three names of a dictionary form are one class, and the array form explains its arguments."""
    assert getattr(module, f"{form}D") is getattr(module, f"{form}Dict") is getattr(module, f"{form}d")
    assert getattr(module, f"{form}d").backend == getattr(module, form).backend
    assert "Args:" in (getattr(module, form).__doc__ or "")


def check_untracked(transforms: Iterable[Any], image: torch.Tensor) -> None:
    """A tensor comes out where MONAI tracks no metadata."""
    set_track_meta(False)
    try:
        for transform in transforms:
            assert type(transform(image)) is torch.Tensor
    finally:
        set_track_meta(True)


def check_record(transforms: Iterable[Any], image: torch.Tensor) -> None:
    """Each recorded severity is one number, noted in every case."""
    for transform in transforms:
        out = transform(image)
        if transform.recorded:
            record = out.applied_operations[-1]["extra_info"]
            assert all(type(record[key]) is float for key in transform.recorded)
        else:
            assert not out.applied_operations


def check_small(transform: Any, image: torch.Tensor, limit: int) -> None:
    """Nothing large stays on a dictionary form, and it comes back from a pickle."""
    assert isinstance(transform, RandomizableTransform) == type(transform).__name__.startswith("Rand")
    transform({"image": image})
    stored = pickle.dumps(transform)
    assert len(stored) < limit
    assert type(pickle.loads(stored)) is type(transform)


def epoch(transform: Any, image: torch.Tensor) -> list[torch.Tensor]:
    """Six images from two workers of a data loader, the same in every call."""
    torch.manual_seed(7)
    data = Dataset([{"image": image} for _ in range(6)], Compose([transform]))
    return [batch["image"][0] for batch in DataLoader(data, batch_size=1, num_workers=2)]


def check_refused(transform: Any, image: torch.Tensor, shapes: Iterable[Any]) -> None:
    """What is no image is refused in a sentence."""
    for wrong in shapes:
        with pytest.raises(ValueError, match="expects an image"):
            transform(wrong)
    for dtype in (torch.complex64, torch.bool):
        with pytest.raises(TypeError, match="real image, got img of type"):
            transform(image.to(dtype))
    with pytest.raises(TypeError, match="array or tensor"):
        transform("page.png")
