"""Heat maps of the ECG page classifier, from the canonical page back to the picture that was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.visualize import GradCAMpp, default_upsampler
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from cardiac_transforms.ecg import LEADS
from cardiac_transforms.ecg.canonical import GAIN, SECONDS, SPEED, TILE
from cardiac_transforms.ecg.reading import PageReading
from monai_jdl.atomic import atomic_path
from monai_jdl.data.ecg_loading import read_ecg_page
from monai_jdl.engines.checkpoints import bare
from monai_jdl.networks import ECG_TASKS, page_of_leads
from monai_jdl.reports.calibration import Calibration
from monai_jdl.reports.ecg_overlay import caption_strip

_SIDE = 1600
"""Longer side in pixels up to which a picture is drawn."""
_STRONGEST = 0.6
"""Opacity where the heat is 1."""
_COLOURS = np.array([(255, 235, 120), (255, 130, 0), (200, 0, 40)], dtype=np.float32)
"""Of little, half and full heat."""
_STRIP = (28, 36, 48)
"""Colour of the strip with the caption."""


class HeatMaps:
    """Draws what in the picture spoke for each task that was trained: ``OUT/<case>/<case>_<task>.jpg``, by Grad-CAM++.

    Grad-CAM++ (Chattopadhay et al., WACV 2018) as in MONAI: where the features of a layer that raise the logit are active. A
    page is read again to carry the heat back onto it; of a record the canonical page is drawn. A strip below says what the
    task tells and what the network was trained on.

    Attached to the evaluator of a classifier of canonical pages; the items of its batch have ``image``, with the meta data of
    :class:`monai_jdl.data.LoadECG`, and ``case``.

    Args:
        output_dir: folder.
        network: the classifier.
        layer: name of the convolutional layer that is looked at, e.g. ``encoder.layer3``, or ``encoder.leads`` of a
            :class:`~monai_jdl.networks.LeadwiseEncoder`, where channels are weighed for each lead by itself.
        calibration: of the network.
        extra_keys: further inputs of the network in the batch, by name.
    """

    def __init__(
        self,
        output_dir: str | Path,
        network: torch.nn.Module,
        layer: str,
        calibration: Calibration,
        extra_keys: Sequence[str] = (),
    ) -> None:
        self.output_dir = Path(output_dir)
        self.cam = GradCAMpp(bare(network), layer, upsampler=_upsampler, postprocessing=_normalised)
        self.calibration = calibration
        self.extra_keys = tuple(extra_keys)

    def attach(self, engine: Engine) -> None:
        """Attach to an evaluator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Draw the ECGs of this iteration."""
        for item in engine.state.batch:
            heats = self.heats(item, engine.state.device)
            image, reading = self._picture(item)
            for task, heat in zip(self.calibration.temperatures, heats, strict=True):
                if reading is not None:
                    heat = heat_on_picture(heat, reading, (image.shape[0], image.shape[1]))
                path = self.output_dir / item["case"] / f"{item['case']}_{task}.jpg"
                width = image.shape[1]
                strip = caption_strip(_words(self.calibration.about(task)), width, max(13, width // 70), _STRIP)
                with atomic_path(path) as temporary:
                    drawn = Image.fromarray(np.concatenate([draw_heat(image, heat), strip]))
                    drawn.save(temporary, "JPEG", quality=85)

    def heats(self, item: Mapping[str, Any], device: torch.device | str | None = None) -> list[NDArray[np.float32]]:
        """Heat ``[H, W]``, 0 to 1, over the canonical page of an item, for each task that was trained."""
        extra = {key: torch.as_tensor(item[key])[None].to(device) for key in self.extra_keys}
        page = torch.as_tensor(item["image"])[None].to(device)
        heads = [ECG_TASKS.index(task) for task in self.calibration.temperatures]
        with torch.enable_grad():
            return [self.cam(page, class_idx=head, **extra)[0, 0].detach().cpu().numpy() for head in heads]

    def _picture(self, item: Mapping[str, Any]) -> tuple[NDArray[np.uint8], PageReading | None]:
        """The picture to draw on, and what was read in it; of a record the canonical page."""
        meta = item["image"].meta
        if meta["kind"] == "record":
            ink = torch.as_tensor(item["image"]).cpu().numpy()
            page = np.rint(255 * (1 - (ink[0] - ink[0].min()) / max(float(np.ptp(ink[0])), 1e-6))).astype(np.uint8)
            return np.repeat(page[..., None], 3, axis=-1), None
        loaded, reading = read_ecg_page(meta["filename_or_obj"], int(meta["page"]))
        return scaled_picture(loaded.image), reading


def _words(about: Mapping[str, str | None]) -> str:
    return f"{about['condition']}: trained on {about['trained_on']}" if about["trained_on"] else f"{about['condition']}"


def _upsampler(size: Sequence[int]) -> Callable[[torch.Tensor], torch.Tensor]:
    """MONAI's; heat of the twelve leads, [12, 1, h, w], is enlarged lead by lead, so that none gets its neighbour's."""
    whole, tile = default_upsampler(size), default_upsampler((size[0] // 6, size[1] // 2))
    return lambda heat: whole(heat) if len(heat) == 1 else page_of_leads(tile(heat))


def _normalised(heat: torch.Tensor) -> torch.Tensor:
    """``heat``, not negative, with its largest value 1."""
    return heat / heat.amax(dim=(-2, -1), keepdim=True).clamp_min(1e-12)


def heat_on_picture(heat: NDArray[np.floating], reading: PageReading, size: tuple[int, int]) -> NDArray[np.float32]:
    """Heat where the leads are in the picture of a page.

    A pixel of the picture has a place on the flat page, that a lead, a time and a height in mV, and that a place on the
    canonical page.

    Args:
        heat: ``[h, w]`` over the whole canonical page, at any resolution.
        reading: of the picture; its signals made the canonical page.
        size: ``(H, W)`` of the result, the picture scaled.

    Returns:
        float32 ``[H, W]``, 0 where the picture shows nothing that the canonical page does.
    """
    out = np.zeros(size, np.float32)
    if reading.page is None or reading.layout is None or reading.layout.layout is None:
        return out
    height, width = reading.page.grid.shape
    y, x = np.indices(size)
    places = np.stack([(x.ravel() + 0.5) * width / size[1] - 0.5, (y.ravel() + 0.5) * height / size[0] - 0.5], axis=1)
    flat = reading.page.from_picture(places)
    layout, scale = reading.layout, reading.page.pixels_per_mm
    strips = {box.lead for box in layout.boxes if box.rhythm}
    for box in layout.boxes:
        if box.lead in strips and not box.rhythm:
            continue
        lead = LEADS.index(box.lead.removeprefix("-"))
        begin = float(reading.signals.start[lead])
        left, top, right, bottom = box.box
        seconds = (flat[:, 0] - left) / (layout.speed * scale) + box.start - begin
        sign = -1.0 if box.lead.startswith("-") else 1.0
        millivolts = sign * ((top + bottom) / 2 - flat[:, 1]) / (layout.gain * scale)
        here = (flat[:, 0] >= left) & (flat[:, 0] <= right) & (flat[:, 1] >= top) & (flat[:, 1] < bottom)
        here &= (seconds >= 0) & (seconds <= SECONDS) & (np.abs(millivolts) * GAIN <= TILE[1] / 2)
        u = lead // 6 * TILE[0] + seconds[here] * SPEED
        v = (lead % 6 + 0.5) * TILE[1] - millivolts[here] * GAIN
        out.ravel()[here] = _sampled(heat, u, v)
    return out


def draw_heat(image: NDArray[np.uint8], heat: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A picture under a transparent layer of heat.

    Args:
        image: uint8 ``[H, W, 3]``.
        heat: ``[H, W]``, 0 to 1.

    Returns:
        uint8 ``[H, W, 3]``.
    """
    warm = np.clip(heat, 0.0, 1.0)[..., None]
    steps = np.linspace(0.0, 1.0, len(_COLOURS))
    colour = np.concatenate([np.interp(warm, steps, channel) for channel in _COLOURS.T], axis=-1)
    # ink stays black under the colour, as under a marker pen
    marked = image * (1 - _STRONGEST * warm * (1 - colour / 255))
    return np.rint(marked).astype(np.uint8)


def scaled_picture(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture, made smaller where its longer side exceeds 1600 pixels."""
    scale = min(1.0, _SIDE / max(image.shape[:2]))
    if scale == 1.0:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(Image.fromarray(image).resize(size, reducing_gap=3.0))


def _sampled(heat: NDArray[np.floating], u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float32]:
    """Heat at places of the canonical page in mm from its left and upper edge; 0 beyond it."""
    wide, tall = 2 * TILE[0], 6 * TILE[1]
    inside = (u >= 0) & (u < wide) & (v >= 0) & (v < tall)
    rows, columns = v * heat.shape[0] / tall - 0.5, u * heat.shape[1] / wide - 0.5
    sampled = ndimage.map_coordinates(heat.astype(np.float32), [rows, columns], order=1, mode="nearest")
    return np.where(inside, sampled, 0.0).astype(np.float32)
