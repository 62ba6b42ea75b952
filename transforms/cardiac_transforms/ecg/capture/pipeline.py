"""One capture of a page: every effect in its physical order, all geometry in one resampling, all light in one gain field.

paper (ink, marks) -> shape of the page and camera -> light -> optics (blur) -> sensor (moire, noise) -> file (JPEG,
thresholds). The picture is made in bands of rows that stay in the processor's cache.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate

from cardiac_transforms.ecg.capture.camera import PART, STEP, Camera, CameraWarp, Mesh, nodes
from cardiac_transforms.ecg.capture.surface import Bend, Ridge
from cardiac_transforms.ecg.page_transform import PageTransform, PageWarp, Unmoved, picture_memory

BAND = 2 * STEP
"""Rows that are worked on at a time; more than any blur reaches."""


@dataclass(frozen=True)
class View:
    """What an effect of light sees on the nodes of the mesh, all ``(h, w)``.

    Attributes:
        x: place in the frame, in lengths of its longer side from its centre.
        y: the same downwards.
        slope_x: rise of the paper towards the viewer along the frame's x axis.
        slope_y: the same along y.
    """

    x: Tensor
    y: Tensor
    slope_x: Tensor
    slope_y: Tensor


class Effect(PageTransform):
    """One thing that happens to a page. Alone it is a transform; several are composed by :func:`capture`."""

    def picture(self, page: Tensor) -> Tensor:
        """The page with this one effect."""
        return capture(page, [self])

    def warp(self, size: tuple[int, int]) -> PageWarp:
        """Where the points of a page of ``size`` ``(H, W)`` lie in the picture."""
        return warp_of(size, [self])


class PaperEffect(Effect):
    """Changes the ink or the paper before it is captured."""

    @abstractmethod
    def mark(self, page: Tensor) -> None:
        """Change ``page`` ``(C, H, W)`` in place."""


class ShapeEffect(Effect):
    """Bends the page; what its slopes do to the light comes with it.

    Args:
        light: direction that the light comes from, degrees in the frame from x (right) towards y (down).
        elevation: of the light above the page in degrees, above 0: the lower, the stronger the shading.
    """

    def __init__(self, light: float, elevation: float) -> None:
        super().__init__()
        if not 0 < elevation <= 90:
            raise ValueError(f"elevation must be above 0 and at most 90 degrees, got {elevation!r}.")
        self.light, self.elevation = light, elevation

    @abstractmethod
    def shapes(self) -> Sequence[Bend | Ridge]:
        """What is added to the page's surface."""


class CameraEffect(Effect):
    """Looks at the page from somewhere; at most one of a capture.

    Args:
        camera: where from.
        desk: colour of what lies under the page, RGB 0 to 255.
        grain: how uneven that colour is, as on wood: its SD as a share of it. With a grain, the page throws a shadow on it.
    """

    def __init__(self, camera: Camera, desk: tuple[float, float, float], grain: float) -> None:
        super().__init__()
        self.camera, self.desk, self.grain = camera, desk, grain


class LightEffect(Effect):
    """Multiplies the light by a smooth gain, and may veil the picture with white."""

    @abstractmethod
    def gain(self, view: View) -> Tensor:
        """Gain ``(1, h, w)`` or ``(3, h, w)`` on the nodes of the mesh."""

    def veil(self, view: View) -> Tensor | None:
        """Share 0 to 1 of white ``(h, w)`` that covers the picture, or ``None``."""
        return None


class OpticsEffect(Effect):
    """Blurs the picture."""

    @abstractmethod
    def taps(self) -> list[list[tuple[int, int, float]]]:
        """Kernels to apply one after the other, each a list of (rows down, columns right, weight)."""


class SensorEffect(Effect):
    """Changes the values as the sensor reads them, pixel by pixel."""

    @abstractmethod
    def read(self, band: Tensor, start: int, size: tuple[int, int]) -> None:
        """Change rows from ``start`` on, ``(C, rows, W)``, of a picture of ``size`` ``(H, W)`` in place."""


class FileEffect(Effect):
    """What is done to the finished picture of whole values."""

    @abstractmethod
    def encode(self, picture: Image.Image) -> Image.Image:
        """The changed picture of one, both in mode ``L`` or ``RGB``."""


def warp_of(size: tuple[int, int], effects: Sequence[Effect]) -> PageWarp:
    """Where the points of a page of ``size`` ``(H, W)`` lie after ``effects``."""
    cameras = [e.camera for e in effects if isinstance(e, CameraEffect)]
    shapes = [shape for e in effects if isinstance(e, ShapeEffect) for shape in e.shapes()]
    return CameraWarp(size, cameras[0] if cameras else Camera(), shapes) if cameras or shapes else Unmoved(size)


def capture(page: Tensor, effects: Sequence[Effect]) -> Tensor:
    """The picture of a page after all ``effects``; within a stage they act in their order.

    Args:
        page: float32 ``(1, H, W)`` or ``(3, H, W)``, values 0 to 255; not written to.
        effects: of which at most one is a camera.

    Returns:
        float32 ``(C, H', W')``, values 0 to 255.
    """
    source = page
    if marks := [e for e in effects if isinstance(e, PaperEffect)]:
        source = picture_memory(page, *page.shape).copy_(page)
        for mark in marks:
            mark.mark(source)
    exposure = _Exposure(source, effects)
    blurs = [taps for e in effects if isinstance(e, OpticsEffect) for taps in e.taps()]
    sensors = [e for e in effects if isinstance(e, SensorEffect)]
    files = [e for e in effects if isinstance(e, FileEffect)]
    channels, height, width = page.shape[0], *exposure.size
    planes = np.empty((channels, height, width), np.uint8) if files else None
    out = picture_memory(page, channels, height, width) if planes is None else None
    for start, band in _blurred_bands(exposure, blurs):
        for sensor in sensors:
            sensor.read(band, start, exposure.size)
        band.clamp_(0, 255)
        if planes is not None:
            planes[:, start : start + band.shape[1]] = band.add_(0.5).to(torch.uint8).cpu().numpy()
        elif out is not None:
            out[:, start : start + band.shape[1]] = band
    return out if planes is None else _through_files(planes, files).to(page.device)


class _Exposure:
    """The page as light on the sensor: resampled, on its desk, times the gain; computed in bands of rows."""

    def __init__(self, page: Tensor, effects: Sequence[Effect]) -> None:
        warp = warp_of((page.shape[1], page.shape[2]), effects)
        mesh = warp.mesh() if isinstance(warp, CameraWarp) else None
        light = _light(page.shape[0], warp, mesh, effects)
        self.page, self.size = page, warp.size
        self.light = None if light is None else Mesh(light.size, light.values.to(page.device))
        self.resampler = None if mesh is None else _Resampler(page, mesh, warp, effects)

    def rows(self, start: int, stop: int) -> Tensor:
        """Rows ``(C, stop - start, W)`` of the exposed picture, in memory of their own; ``start`` on the mesh."""
        band = self.page[:, start:stop].clone() if self.resampler is None else self.resampler.rows(start, stop)
        if self.light is not None:
            gain = self.light.rows(start, stop)
            band.mul_(gain[: 1 if len(gain) < 3 else 3])
            if len(gain) in (2, 4):
                band.add_(gain[-1:])
        return band


def _blurred_bands(exposure: _Exposure, blurs: list[list[tuple[int, int, float]]]) -> Iterator[tuple[int, Tensor]]:
    """First row and values of each band of a picture after all ``blurs``; what lies beyond the frame repeats its edge."""
    height, _ = exposure.size
    reach = sum(max(abs(down) for down, _, _ in taps) for taps in blurs)
    sides = sum(max(abs(right) for _, right, _ in taps) for taps in blurs)
    bands = ((start, exposure.rows(start, min(start + BAND, height))) for start in range(0, height, BAND))
    if not blurs:
        yield from bands
        return
    start, band = next(bands)
    above = band[:, :1].expand(-1, reach, -1)
    while True:
        following, below = next(bands, (height, band[:, -1:]))
        rows, width = band.shape[1:]
        surrounded = band.new_empty(len(band), rows + 2 * reach, width + 2 * sides)
        middle = surrounded[:, :, sides : sides + width]
        middle[:, :reach], middle[:, reach : reach + rows] = above, band
        found = min(reach, below.shape[1])
        middle[:, reach + rows : reach + rows + found] = below[:, :found]
        middle[:, reach + rows + found :] = below[:, -1:]
        surrounded[:, :, :sides], surrounded[:, :, sides + width :] = middle[:, :, :1], middle[:, :, -1:]
        above = middle[:, rows : rows + reach].clone()
        for taps in blurs:
            surrounded = _blurred(surrounded, taps)
        yield start, surrounded
        if following == height:
            return
        start, band = following, below


class _Resampler:
    """Bands of a page as the camera sees them, with the desk around it."""

    def __init__(self, page: Tensor, mesh: Mesh, warp: PageWarp, effects: Sequence[Effect]) -> None:
        height, width = page.shape[1:]
        assert isinstance(warp, CameraWarp)
        # a much smaller picture sees the mean of some pixels of the page
        shrink = max(1, min(int(warp.length / warp.pixels + 0.25), height, width))
        self.page = avg_pool2d(page[None], shrink) if shrink > 1 else page[None]
        # grid_sample's -1 and 1 are the outer edges of the (shrunk) page: align_corners=False
        edge = torch.tensor([self.page.shape[3] * shrink, self.page.shape[2] * shrink]).view(2, 1, 1)
        self.grid = Mesh(mesh.size, ((mesh.values.float() + 0.5) * 2 / edge - 1).to(page.device))
        self.half = (edge.flatten() / 2 * warp.pixels / warp.length).tolist()  # in pixels of the picture
        cameras = [e for e in effects if isinstance(e, CameraEffect)]
        desk = torch.tensor(cameras[0].desk if cameras else (255.0, 255.0, 255.0), dtype=torch.float32)
        self.desk = (desk if page.shape[0] == 3 else desk.mean()[None]).view(-1, 1, 1).to(page.device)
        self.shadow = 0.01 * warp.pixels  # how far that of the page reaches
        self.wood = None
        if cameras and cameras[0].grain:
            rows, columns = mesh.values.shape[1:]
            fibres = torch.randn(1, rows, 1 + columns // 16, generator=torch.Generator().manual_seed(0))
            fibres = interpolate(fibres, size=columns, mode="linear", align_corners=True)
            self.wood = Mesh(mesh.size, (1 + cameras[0].grain * fibres).to(page.device))

    def rows(self, start: int, stop: int) -> Tensor:
        """Rows of the picture, ``(C, stop - start, W)``."""
        across, down = grid = self.grid.rows(start, stop)
        band = grid_sample(self.page, grid.permute(1, 2, 0)[None], padding_mode="border", align_corners=False)[0]
        near = self.grid.values[:, start // STEP : -(-stop // STEP) + 1].abs().amax((0, 1)) > 1
        on_page = (~near).nonzero().flatten()
        left, right = (int(on_page[0]), int(on_page[-1])) if len(on_page) else (len(near), len(near))
        if near[left:right].any():  # a corner of the page in the middle of the band
            left = right = len(near)
        for part in (slice(0, left * STEP), slice(right * STEP, None)):
            if band[:, :, part].numel():
                beyond_x = across[:, part].abs().mul_(self.half[0]).sub_(self.half[0])  # pixels outside the page
                beyond_y = down[:, part].abs().mul_(self.half[1]).sub_(self.half[1])
                beyond = torch.maximum(beyond_x, beyond_y)
                desk = self.desk
                if self.wood is not None:
                    shade = 1 - 0.4 * (beyond / -self.shadow).exp_()
                    desk = desk * (self.wood.rows(start, stop)[0, :, part] * shade)
                band[:, :, part] = torch.lerp(band[:, :, part], desk, beyond.add_(0.5).clamp_(0, 1))
        return band


def _light(channels: int, warp: PageWarp, mesh: Mesh | None, effects: Sequence[Effect]) -> Mesh | None:
    """Gain on the mesh, one or three channels, and if the picture is veiled one more: what is added. ``None``: no effect."""
    lights = [e for e in effects if isinstance(e, LightEffect)]
    shaped = [e for e in effects if isinstance(e, ShapeEffect)]
    if not (lights or shaped):
        return None
    x, y = nodes(warp.size)
    flat = torch.zeros_like(x)
    slope_x, slope_y = flat, flat
    if isinstance(warp, CameraWarp) and mesh is not None:
        places = mesh.values.flatten(1).T - warp.centre.float()
        on_page = places.abs() <= warp.centre.float() + STEP
        slopes = torch.cat([warp.surface.slopes(part / warp.length) for part in places.split(PART)])
        turned = (slopes * on_page.all(1, keepdim=True)) @ warp.axes[:2, :2].T.float()
        slope_x, slope_y = turned.T.reshape(2, *x.shape)
    longer, (height, width) = max(warp.size), warp.size
    # the last nodes lie beyond the frame: they see what its edge sees
    frame_x = (x.clamp(max=width - 1) - (width - 1) / 2) / longer
    frame_y = (y.clamp(max=height - 1) - (height - 1) / 2) / longer
    view = View(frame_x, frame_y, slope_x, slope_y)
    gain, veil = torch.ones(1, *x.shape), None
    for shape in shaped[:1]:  # the slopes are those of all shapes together; the first says where the light stands
        gain = gain * lambert(view, shape.light, shape.elevation)
    for effect in lights:
        gain = gain * effect.gain(view)
        if (white := effect.veil(view)) is not None:
            veil = white if veil is None else 1 - (1 - veil) * (1 - white)
    gain = gain / gain.max().clamp(min=1)  # exposed so that white paper is not overexposed
    if channels == 1:
        gain = gain.mean(0, keepdim=True)
    if veil is not None:
        gain = torch.cat([gain * (1 - veil), 255 * veil[None]])
    return Mesh(warp.size, gain)


def lambert(view: View, light: float, elevation: float) -> Tensor:
    """Brightness of matt paper by its slopes, relative to flat paper, ``(h, w)``; ``light`` and ``elevation`` in degrees."""
    azimuth, height = np.deg2rad(light), np.deg2rad(elevation)
    facing = 1 - (view.slope_x * np.cos(azimuth) + view.slope_y * np.sin(azimuth)) / np.tan(height)
    return (facing / (1 + view.slope_x.square() + view.slope_y.square()).sqrt()).clamp(min=0.05)


def _through_files(planes: np.ndarray, files: list[FileEffect]) -> Tensor:
    """Float32 ``(C, H, W)`` of a picture, uint8 ``(C, H, W)``, after all ``files``."""
    images = [Image.fromarray(plane) for plane in planes]
    image = images[0] if len(images) == 1 else Image.merge("RGB", images)
    for file in files:
        image = file.encode(image)
    result = picture_memory(torch.empty(0), len(planes), image.height, image.width)
    for channel, plane in zip(result, image.split(), strict=True):
        channel.copy_(torch.from_numpy(np.array(plane)))
    return result


def _blurred(band: Tensor, taps: list[tuple[int, int, float]]) -> Tensor:
    """Weighted sum of shifted copies, smaller by the reach of the taps on each side."""
    down, right = (max(abs(tap[axis]) for tap in taps) for axis in (0, 1))
    height, width = band.shape[1] - 2 * down, band.shape[2] - 2 * right
    if right == 0:  # downwards a product with a band matrix is faster than the sum
        matrix = band.new_zeros(height, band.shape[1])
        for tap_down, _, weight in taps:
            matrix.diagonal(down + tap_down)[:height] = weight
        return matrix @ band
    out = band.new_zeros(band.shape[0], height, width)
    for tap_down, tap_right, weight in taps:
        top, left = down + tap_down, right + tap_right
        out.add_(band[:, top : top + height, left : left + width], alpha=weight)
    return out
