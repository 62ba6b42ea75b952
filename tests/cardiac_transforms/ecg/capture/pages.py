"""Small pages to test on."""

from __future__ import annotations

import torch


def plain(height: int = 96, width: int = 128, value: float = 255.0, channels: int = 3) -> torch.Tensor:
    """A page of one value."""
    return torch.full((channels, height, width), value)


def gridded(height: int = 96, width: int = 128, pitch: int = 8, ink=(240.0, 130.0, 140.0)) -> torch.Tensor:
    """White paper with lines of ``ink`` every ``pitch`` pixels and a black trace, two pixels high, across the middle."""
    page = plain(height, width)
    colour = torch.tensor(ink)[:, None, None]
    page[:, ::pitch], page[:, :, ::pitch] = colour, colour
    page[:, height // 2 - 1 : height // 2 + 1] = 0
    return page


def dotted(points: torch.Tensor, height: int, width: int, sigma: float = 1.8) -> torch.Tensor:
    """White paper with a round black dot at each of ``points`` ``(N, 2)``."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    ink = sum(torch.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)) for px, py in points)
    return (255 * (1 - torch.as_tensor(ink).clamp(max=1)))[None].expand(3, -1, -1).float().contiguous()


def centroid(picture: torch.Tensor, near: torch.Tensor, reach: int = 7) -> torch.Tensor:
    """Centre (x, y) of the ink within ``reach`` pixels of ``near``."""
    column, row = (round(float(value)) for value in near)
    patch = picture[:, row - reach : row + reach + 1, column - reach : column + reach + 1].mean(0).double()
    ink = (patch.max() - patch).clamp(min=0)
    ink = torch.where(ink > 0.15 * ink.max(), ink, torch.zeros_like(ink))
    at = torch.arange(-reach, reach + 1, dtype=torch.float64)
    return torch.stack([(ink.sum(0) * at).sum(), (ink.sum(1) * at).sum()]) / ink.sum() + torch.tensor([column, row])
