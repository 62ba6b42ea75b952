"""Autocast: bfloat16 inside, float32 outside, close to the float32 answer."""

import torch
from torch import nn

from monai_jdl.engines import AutocastInferer, gains_by_bf16


class Seen(nn.Linear):
    """Notes the type in which it computes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = super().forward(x)
        self.dtype = y.dtype
        return y


def test_computes_in_bfloat16_and_returns_float32():
    net, x = Seen(8, 4), torch.rand(3, 8)
    y = AutocastInferer("cpu", enabled=True)(x, net)
    assert net.dtype == torch.bfloat16 and y.dtype == torch.float32
    torch.testing.assert_close(y, net(x), atol=0.02, rtol=0.02)


def test_switched_off_is_the_plain_network():
    net, x = Seen(8, 4), torch.rand(3, 8)
    assert torch.equal(AutocastInferer("cpu", enabled=False)(x, net), net(x))
    assert net.dtype == torch.float32


def test_default_follows_the_hardware():
    assert AutocastInferer("cpu").enabled == gains_by_bf16("cpu")
