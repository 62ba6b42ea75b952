"""Mixed precision where it pays."""

from __future__ import annotations

from typing import Any

import torch
from monai.inferers import SimpleInferer


def gains_by_bf16(device: torch.device | str) -> bool:
    """Whether bfloat16 is faster than float32 on ``device``: where the hardware computes in it."""
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # older versions of PyTorch cannot tell
    checks = (getattr(torch.cpu, name, bool) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks)


class AutocastInferer(SimpleInferer):
    """A forward pass in bfloat16 autocast, its result in float32.

    MONAI's trainer autocasts on CUDA only; bfloat16 has the range of float32, so no loss scaling is needed on either device.

    Args:
        device: where the network runs.
        enabled: switches autocast on; default where it pays, see :func:`gains_by_bf16`.
    """

    def __init__(self, device: torch.device | str, enabled: bool | None = None) -> None:
        super().__init__()
        self.device_type = torch.device(device).type
        self.enabled = gains_by_bf16(device) if enabled is None else enabled

    def __call__(self, inputs: torch.Tensor, network: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Run ``network`` on ``inputs`` [B, C, \\*spatial]."""
        with torch.autocast(self.device_type, dtype=torch.bfloat16, enabled=self.enabled):
            return super().__call__(inputs, network, *args, **kwargs).float()
