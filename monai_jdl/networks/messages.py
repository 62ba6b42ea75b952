"""Messages: what the myocardium network tells the scar network.

A message is a module ``forward(image, myocardium) -> scar network input`` with ``image`` [B, C, \\*spatial] the input of the
myocardium network and ``myocardium`` [B, 1 + F, \\*spatial] its raw output: channel 0 the logit of the myocardium, the other
F channels (none, unless the network was given more output channels) features that only the message reads. Every message is
differentiable, so the loss of the scar network reaches the myocardium network (Xing et al., ISBI 2023, arXiv 2211.06247).
"""

from __future__ import annotations

import torch
from monai.networks.blocks import Convolution
from monai.networks.layers.factories import Pool
from torch import nn
from torch.nn import functional


class ProbabilityGate(nn.Module):
    """The message of the JDL paper: the image times the probability of myocardium, ``x * sigmoid(z)``.

    The scar network needs as many input channels as the image has.
    """

    def forward(self, image: torch.Tensor, myocardium: torch.Tensor) -> torch.Tensor:
        """Gate ``image`` [B, C, \\*spatial] by ``myocardium`` [B, 1 + F, \\*spatial]; returns [B, C, \\*spatial]."""
        return image * torch.sigmoid(myocardium[:, :1])


class SoftGate(nn.Module):
    """A gate that forgives a wrong border: the probability is averaged over a neighbourhood and never closes wholly.

    ``x * (floor + (1 - floor) * mean(sigmoid(z)))``; scar that the myocardium network misses stays visible, if dimmed.

    Args:
        spatial_dims: 2 or 3.
        kernel_size: odd side in voxels of the neighbourhood that the probability is averaged over.
        floor: what the gate lets through where there is no myocardium, in [0, 1).
    """

    def __init__(self, spatial_dims: int = 2, kernel_size: int = 7, floor: float = 0.1) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size}.")
        if not 0 <= floor < 1:
            raise ValueError(f"floor must be in [0, 1), got {floor}.")
        self.floor = floor
        self.mean = Pool["AVG", spatial_dims](kernel_size, stride=1, padding=kernel_size // 2, count_include_pad=False)

    def forward(self, image: torch.Tensor, myocardium: torch.Tensor) -> torch.Tensor:
        """Gate ``image`` [B, C, \\*spatial] by ``myocardium`` [B, 1 + F, \\*spatial]; returns [B, C, \\*spatial]."""
        gate = self.mean(torch.sigmoid(myocardium[:, :1]))
        return image * (self.floor + (1 - self.floor) * gate)


class Concatenation(nn.Module):
    """The image and, as one more channel, the probability of myocardium.

    The scar network needs one input channel more than the image has.
    """

    def forward(self, image: torch.Tensor, myocardium: torch.Tensor) -> torch.Tensor:
        """Join ``image`` [B, C, \\*spatial] and ``myocardium`` [B, 1 + F, \\*spatial] to [B, C + 1, \\*spatial]."""
        return torch.cat([image, torch.sigmoid(myocardium[:, :1])], dim=1)


class FeaturePyramid(nn.Module):
    """A multi-resolution feature message: features of the myocardium network seen at several scales, beside the image.

    At scale k the image, the probability and the features are averaged over 2^k voxels, passed through a convolution with
    normalisation and activation, and brought back to full resolution; the scar network reads the image and all scales.

    Args:
        spatial_dims: 2 or 3.
        image_channels: C, the channels of the image.
        features: F, the output channels of the myocardium network beyond the logit; its out_channels is 1 + F.
        channels: channels of the message per scale; the scar network needs C + levels * channels input channels.
        levels: number of scales; the spatial size must be divisible by 2^(levels - 1).
    """

    def __init__(
        self, spatial_dims: int = 2, image_channels: int = 1, features: int = 4, channels: int = 4, levels: int = 3
    ) -> None:
        super().__init__()
        self.pool = Pool["AVG", spatial_dims](2)
        self.scales = nn.ModuleList(
            Convolution(spatial_dims, image_channels + 1 + features, channels, norm="batch") for _ in range(levels)
        )

    def forward(self, image: torch.Tensor, myocardium: torch.Tensor) -> torch.Tensor:
        """Build the message from ``image`` [B, C, \\*spatial] and ``myocardium`` [B, 1 + F, \\*spatial].

        Returns:
            [B, C + levels * channels, \\*spatial].
        """
        seen = torch.cat([image, torch.sigmoid(myocardium[:, :1]), myocardium[:, 1:]], dim=1)
        parts = [image]
        for level, scale in enumerate(self.scales):
            if level > 0:
                seen = self.pool(seen)
            parts.append(functional.interpolate(scale(seen), size=image.shape[2:]))
        return torch.cat(parts, dim=1)
