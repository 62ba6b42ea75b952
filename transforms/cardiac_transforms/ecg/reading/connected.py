"""Connected ink. Little of a page is dark, so everything is found from the dark pixels alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Box = tuple[slice, slice]


def connected(dark: NDArray[np.bool_]) -> tuple[NDArray[np.int32], list[Box]]:
    """What :func:`scipy.ndimage.label` and :func:`scipy.ndimage.find_objects` find where corners connect.

    Args:
        dark: ``[H, W]``.

    Returns:
        ``[H, W]`` numbers from 1 in the order of the first pixels, 0 where nothing is dark; and rows and columns of each.
    """
    labels = np.zeros(dark.shape, np.int32)
    place = np.flatnonzero(dark)
    if not place.size:
        return labels, []
    # runs along the rows; numbered with an empty column at the right, no run goes on in the next row
    stride = dark.shape[1] + 1
    number = place + place // dark.shape[1]
    begins = np.flatnonzero(np.diff(number, prepend=-2) != 1)
    length = np.diff(begins, append=place.size)
    first = number[begins]
    last = first + length - 1
    # the runs of the next row that each one touches lie between these two
    low, high = np.searchsorted(last, first + stride - 1), np.searchsorted(first, last + stride + 1, side="right")
    ends = np.concatenate([[0], np.cumsum(high - low)])
    touching = csr_array((np.ones(ends[-1], np.int8), counted(low, high - low), ends), shape=(first.size, first.size))
    count, piece = connected_components(touching, directed=False)
    labels.ravel()[place] = np.repeat(piece + 1, length)
    low_ends, high_ends = np.full((2, count), dark.size), np.zeros((2, count), np.intp)
    for axis, (start, stop) in enumerate(((first // stride, last // stride), (first % stride, last % stride))):
        np.minimum.at(low_ends[axis], piece, start)
        np.maximum.at(high_ends[axis], piece, stop + 1)
    corners = np.concatenate([low_ends, high_ends]).T.tolist()
    return labels, [(slice(top, bottom), slice(left, right)) for top, left, bottom, right in corners]


def joined(dark: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    """``dark``, ``[H, W]``, and what lies between two dark pixels of a row, ``longest`` pixels at most."""
    place = np.flatnonzero(dark)
    length = np.diff(place) - 1
    row = place // dark.shape[1]
    gap = np.flatnonzero((length > 0) & (length <= longest) & (row[1:] == row[:-1]))
    out = dark.copy()
    out.ravel()[counted(place[gap] + 1, length[gap])] = True
    return out


def thinned(dark: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """Whether any of ``size`` x ``size`` pixels is dark; what is left over at the right and below is dropped."""
    height, width = (count // size for count in dark.shape)
    y, x = np.divmod(np.flatnonzero(dark), dark.shape[1])
    out = np.zeros((dark.shape[0] // size + 1, dark.shape[1] // size + 1), bool)
    out[y // size, x // size] = True
    return np.ascontiguousarray(out[:height, :width])


def counted(first: NDArray[np.intp], length: NDArray[np.intp]) -> NDArray[np.intp]:
    """``length`` whole numbers from every ``first`` on, end to end."""
    return np.arange(length.sum()) + np.repeat(first - np.cumsum(length) + length, length)
