"""A pinhole camera above a page that need not be flat: where its points lie in the picture, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from cardiac_transforms.ecg.capture.surface import Bend, Ridge, Surface
from cardiac_transforms.ecg.page_transform import PageWarp, hulls

STEP = 16
"""Pixels of the picture between the nodes of the mesh on which the way back to the page, and the light, are computed."""
ROUNDS, TOLERANCE = 60, 0.005
"""The way back is iterated until it moves by less than TOLERANCE page pixels, at most ROUNDS times."""
PART = 2048
"""Nodes that the way back is computed for at a time, to stay in the processor's cache."""


@dataclass(frozen=True)
class Camera:
    """Where a camera stands and what it takes in.

    Attributes:
        tilt: degrees between the optical axis and the normal of the page.
        toward: the direction in which the page falls away from the camera, degrees from x (right) towards y (down).
        rotation: of the page in the picture, degrees clockwise; any angle.
        distance: from the page's centre, in lengths of its longer side, at least 1.
        fill: size of the page in the frame: 1 fits it in, more cuts it off, less leaves desk around. ``None``: the centre
            of the page is shown at ``scale`` in the centre of the frame.
        shift: of the page in the frame, x and y, as a share of the frame's width and height.
        scale: pixels of the frame for one of the page; with ``fill``, it only sets the frame's size.
    """

    tilt: float = 0.0
    toward: float = 90.0
    rotation: float = 0.0
    distance: float = 2.5
    fill: float | None = None
    shift: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0

    def frame(self, page_size: tuple[int, int]) -> tuple[int, int]:
        """``(H, W)`` of the picture: the page's, times ``scale``; turned where the page is turned by more than 45 degrees."""
        height, width = (max(round(n * self.scale), 1) for n in page_size)
        return (width, height) if abs(math.cos(math.radians(self.rotation))) < math.sqrt(0.5) else (height, width)

    def axes(self) -> Tensor:
        """Rotation ``(3, 3)`` from page to camera axes: x right, y down, z towards the camera."""
        rotation, toward, tilt = (math.radians(a) for a in (self.rotation, self.toward, self.tilt))
        turned = _about_z(rotation)
        lean = torch.tensor(
            [[math.cos(tilt), 0, math.sin(tilt)], [0, 1, 0], [-math.sin(tilt), 0, math.cos(tilt)]], dtype=torch.float64
        )
        return _about_z(toward) @ lean @ _about_z(-toward) @ turned


def _about_z(angle: float) -> Tensor:
    cos, sin = math.cos(angle), math.sin(angle)
    return torch.tensor([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], dtype=torch.float64)


@dataclass
class Mesh:
    """Values on the nodes of a mesh over a picture, every :data:`STEP` pixels from its first pixel to beyond its last.

    Attributes:
        size: ``(H, W)`` of the picture.
        values: ``(C, h, w)``.
    """

    size: tuple[int, int]
    values: Tensor
    wide: Tensor = field(init=False)

    def __post_init__(self) -> None:
        # along the rows once for all; between them as bands of the picture are asked for
        self.wide = between_nodes(self.values.float(), STEP)[:, :, : self.size[1]]

    def rows(self, start: int, stop: int) -> Tensor:
        """Bilinear values ``(C, stop - start, W)`` of the picture's rows; ``start`` is a multiple of :data:`STEP`."""
        first, last = start // STEP, -(-stop // STEP)
        above, below = self.wide[:, first:last, None], self.wide[:, first + 1 : last + 1, None]
        return torch.lerp(above, below, _weights(STEP, self.wide)[:, None]).flatten(1, 2)[:, : stop - start]


def between_nodes(values: Tensor, step: int) -> Tensor:
    """Linear values ``step`` pixels apart, ``(C, h, w)``, at every pixel along the last axis, up to before the last node."""
    return torch.lerp(values[..., :-1, None], values[..., 1:, None], _weights(step, values)).flatten(2)


def _weights(step: int, like: Tensor) -> Tensor:
    """Of the later node, for the pixels from one node to the next."""
    return torch.arange(step, dtype=torch.float32, device=like.device) / step


def nodes(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """x and y in pixels, each ``(h, w)`` float32, of the nodes of a :class:`Mesh`."""
    y, x = (torch.arange((n - 1) // STEP + 2, dtype=torch.float32) * STEP for n in size)
    grid = torch.meshgrid(y, x, indexing="ij")
    return grid[1], grid[0]


class CameraWarp(PageWarp):
    """The picture that ``camera`` takes of a page of the given shape.

    Args:
        page_size: ``(H, W)``.
        camera: the camera.
        shapes: bends and ridges of the page.
    """

    def __init__(self, page_size: tuple[int, int], camera: Camera, shapes: Sequence[Bend | Ridge] = ()) -> None:
        super().__init__(page_size, camera.frame(page_size))
        height, width = page_size
        self.camera, self.length = camera, float(max(page_size))
        # a little beyond the page, so that no cell of the mesh holds both the bent page and the flat outside
        margin = 2 * STEP / (self.length * min(camera.scale, 1.0))
        self.surface = Surface(shapes, (width / 2 / self.length + margin, height / 2 / self.length + margin))
        self.axes = camera.axes()
        self.centre = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)
        frame_height, frame_width = self.size
        self.focus = torch.tensor(
            [
                (frame_width - 1) / 2 + camera.shift[0] * frame_width,
                (frame_height - 1) / 2 + camera.shift[1] * frame_height,
            ],
            dtype=torch.float64,
        )
        self.pixels = self.length * camera.scale
        if camera.fill is not None:
            # the hull of the page's outline, in lengths of its longer side
            page = torch.tensor([[-0.5, -0.5, width - 0.5, height - 0.5]], dtype=torch.float64)
            outline = hulls(page, self._projected)[0]
            extent = outline[2:] - outline[:2]
            self.pixels = camera.fill * float(torch.minimum(frame_width / extent[0], frame_height / extent[1]))
            self.focus = self.focus - self.pixels * (outline[2:] + outline[:2]) / 2

    def forward(self, points: Tensor) -> Tensor:
        """Places in the picture of places on the page, exactly."""
        return self.focus + self.pixels * self._projected(points)

    def _projected(self, points: Tensor) -> Tensor:
        """Places on the page as seen from the pinhole, from its axis, in lengths of the page's longer side."""
        flat = (points - self.centre) / self.length
        space = torch.cat([flat, torch.zeros_like(flat[:, :1])], dim=1) + self.surface.displacement(flat)
        seen = space @ self.axes.T
        distance = self.camera.distance
        return seen[:, :2] * (distance / (distance - seen[:, 2:]))

    def _back(self, points: Tensor) -> Tensor:
        """Flat places, in lengths of the page's longer side, of places in the picture, ``(N, 2)``, in their type.

        The ray through a pixel is cut with the plane at the height that the page had at the last estimate, and the sideways
        displacement there is taken off; that converges where no part of the page hides another.
        """
        distance = self.camera.distance
        axes, focus = self.axes.to(points.dtype), self.focus.to(points.dtype)
        rays = torch.cat([(points - focus) / self.pixels, torch.full_like(points[:, :1], -distance)], 1) @ axes
        eye = distance * axes[2]
        flat, moved = torch.zeros_like(points), points.new_zeros(len(points), 3)
        for _ in range(1 if self.surface.flat else ROUNDS):
            way = (moved[:, 2:] - eye[2]) / rays[:, 2:].clamp(max=-0.01 * distance)  # at most up to the horizon
            before, flat = flat, eye[:2] + way * rays[:, :2] - moved[:, :2]
            if self.surface.flat or float((flat - before).abs().max()) * self.length < TOLERANCE:
                return flat
            moved = self.surface.displacement(flat)
        raise ValueError("The page is bent or tilted so far that a part of it hides another; choose smaller angles.")

    def mesh(self) -> Mesh:
        """The way back on a mesh: place on the page, x and y in pixels, ``(2, h, w)``."""
        x, y = nodes(self.size)
        flat = [self._back(part) for part in torch.stack([x.flatten(), y.flatten()], dim=1).split(PART)]
        back = torch.cat(flat) * self.length + self.centre.float()
        return Mesh(self.size, back.T.reshape(2, *x.shape))

    def backward(self) -> Tensor:
        """Place on the page of every pixel of the picture, bilinear between the nodes of :meth:`mesh`."""
        return self.mesh().rows(0, self.size[0]).permute(1, 2, 0)
