"""The joint network: myocardium network -> message -> scar network."""

from __future__ import annotations

import torch
from torch import nn


class JointNet(nn.Module):
    """Two networks trained as one: the first finds the myocardium, a message carries its answer to the second, the scar.

    The message is not detached: the loss of the scar also trains the myocardium network (Xing et al., ISBI 2023,
    arXiv 2211.06247). Both networks are any network of one input and one output, MONAI's or one's own, chosen in a bundle's
    config by ``_target_``.

    Scar is part of the myocardium, so in evaluation the logit of the myocardium is never below that of scar: it is the larger
    of the two networks' answers (the coherence constraint of Giunchiglia and Lukasiewicz, NeurIPS 2020, arXiv 2010.10151). Scar
    that the first network takes for blood thereby joins the wall. In training each network answers for its own task alone, so
    that a case without a mask for one task teaches nothing about it.

    Args:
        myocardium: network [B, C, \\*spatial] -> [B, 1 + F, \\*spatial]; channel 0 is the logit of the myocardium (the whole
            wall, scar included), the F others are features for messages that read them.
        message: module (image, myocardium output) -> input of ``scar``; see :mod:`monai_jdl.networks.messages`.
        scar: network [B, M, \\*spatial] -> [B, 1, \\*spatial], M being the channels of the message.

    Example:
        >>> import torch
        >>> from monai.networks.nets import BasicUNet
        >>> from monai_jdl.networks import Concatenation, JointNet
        >>> unet = {"spatial_dims": 2, "out_channels": 1, "features": (4, 4, 4, 4, 4, 4)}
        >>> net = JointNet(BasicUNet(in_channels=1, **unet), Concatenation(), BasicUNet(in_channels=2, **unet))
        >>> net(torch.zeros(1, 1, 32, 32)).shape
        torch.Size([1, 2, 32, 32])
    """

    def __init__(self, myocardium: nn.Module, message: nn.Module, scar: nn.Module) -> None:
        super().__init__()
        self.myocardium = myocardium
        self.message = message
        self.scar = scar

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Segment ``image`` [B, C, \\*spatial]; returns logits [B, 2, \\*spatial]: 0 myocardium, 1 scar (they overlap)."""
        myocardium = self.myocardium(image)
        scar = self.scar(self.message(image, myocardium))
        wall = myocardium[:, :1]
        return torch.cat([wall if self.training else torch.maximum(wall, scar), scar], dim=1)
