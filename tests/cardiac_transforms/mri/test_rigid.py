"""Rigid motion line by line: a direct non-uniform Fourier sum agrees, rotation is a rotation in mm."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.mri.kernels import rigid
from cardiac_transforms.mri.kernels.rigid import rigid_motion
from cardiac_transforms.mri.kernels.shots import shot_of_line
from cardiac_transforms.mri.kernels.translation import translate_lines


def spots(nx: int, ny: int, nz: int = 1, channels: int = 1, seed: int = 0) -> torch.Tensor:
    """Gaussian spots ``(C, X, Y, Z)`` in float64, band-limited in good approximation, zero at the border."""
    g = torch.Generator().manual_seed(seed)
    x, y = (torch.arange(n, dtype=torch.float64) for n in (nx, ny))
    image = torch.zeros(channels, nx, ny, nz, dtype=torch.float64)
    for c in range(channels):
        for z in range(nz):
            for _ in range(4):
                a, b, width = torch.rand(3, generator=g)
                gx = torch.exp(-((x - nx * (0.35 + 0.3 * a)) ** 2) / (2 * (1.6 + width) ** 2))
                gy = torch.exp(-((y - ny * (0.35 + 0.3 * b)) ** 2) / (2 * (1.6 + width) ** 2))
                image[c, :, :, z] += torch.outer(gx, gy)
    return image


def direct(image, shift, angle, shot, axis, spacing, centre):
    """The moved object's Fourier sum, line by line, voxel by voxel, frequency by frequency."""
    nx, ny = image.shape[1:3]
    kx, ky = ((torch.arange(n, dtype=torch.float64) - n // 2) / n for n in (nx, ny))
    kspace = torch.zeros(image.shape, dtype=torch.complex128)
    for line, pose in enumerate(shot.tolist()):
        c, s, ratio = math.cos(angle[pose]), math.sin(angle[pose]), spacing[0] / spacing[1]
        x, y = torch.arange(nx)[:, None] - centre[0], torch.arange(ny) - centre[1]
        x, y = (
            c * x - s / ratio * y + centre[0] + shift[pose, 0],
            s * ratio * x + c * y + centre[1] + shift[pose, 1],
        )
        fx, fy = torch.meshgrid(*((kx[[line]], ky) if axis == 1 else (kx, ky[[line]])), indexing="ij")
        wave = torch.exp(-2j * math.pi * (fx[:, :, None, None] * x + fy[:, :, None, None] * y))
        known = ((c * fx + s * ratio * fy).abs() <= 0.5) & ((c * fy - s / ratio * fx).abs() <= 0.5)
        signal = torch.einsum("abxy,cxyz->cabz", wave, image.to(wave.dtype)) * known[..., None]
        kspace[(slice(None),) * axis + (slice(line, line + 1),)] = signal
    return torch.fft.ifft2(kspace, dim=(1, 2)).abs()


@pytest.mark.parametrize("poses", [3, None])
@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize(("nx", "ny", "spacing"), [(30, 25, (1.4, 1.4)), (24, 32, (1.3, 2.0))])
def test_agrees_with_a_direct_nonuniform_fourier_sum(nx, ny, spacing, axis, poses):
    image, lines = spots(nx, ny, 2, 2), (nx, ny)[axis - 1]
    g = torch.Generator().manual_seed(1)
    shot = torch.randperm(lines, generator=g) % (poses or lines)
    shift, angle = 3 * torch.randn(lines, 2, generator=g).double(), 0.4 * torch.randn(lines, generator=g).double()
    expected = direct(image, shift, angle, shot, axis, spacing, (nx / 3, ny / 2))
    for dtype in (torch.float64, torch.float32):
        moved = rigid_motion(image.to(dtype), shift, angle, shot, axis, spacing, (nx / 3, ny / 2))
        assert moved.dtype == dtype and (moved - expected).norm() < 1.5e-4 * expected.norm()


@pytest.mark.parametrize("axis", [1, 2])
def test_a_quarter_turn_in_all_lines_is_that_turn(axis):
    image = spots(33, 33, 2)
    shot = torch.zeros(33, dtype=torch.long)
    moved = rigid_motion(image, torch.zeros(1, 2), torch.tensor([math.pi / 2]), shot, axis, (1.0, 1.0), (16.0, 16.0))
    turned = torch.rot90(image, 1, (1, 2))  # X goes to Y
    assert (moved - turned).abs().max() < 2e-4 * image.max()


@settings(deadline=None, max_examples=25)
@given(angle=st.floats(-1.5, 1.5), ratio=st.floats(0.6, 1.6), axis=st.sampled_from([1, 2]), dx=st.floats(-2, 2))
def test_rotation_under_anisotropic_spacing_keeps_distances_in_mm(angle, ratio, axis, dx):
    """A disc in mm stays that disc; its centre turns about the given centre, then moves."""
    nx, ny, centre, at = 40, 64, (18.0, 32.0), (23.0, 29.0)
    spacing = torch.tensor([1.5, 1.5 * ratio])

    def disc(x0: float, y0: float) -> torch.Tensor:
        x, y = (torch.arange(nx)[:, None] - x0) * spacing[0], (torch.arange(ny) - y0) * spacing[1]
        return torch.exp(-(x**2 + y**2) / (2 * 3.8**2))[None, :, :, None]

    offset = (torch.tensor(at) - torch.tensor(centre)) * spacing
    c, s = math.cos(angle), math.sin(angle)
    to = torch.stack([c * offset[0] - s * offset[1], s * offset[0] + c * offset[1]]) / spacing
    shot = torch.zeros((nx, ny)[axis - 1], dtype=torch.long)
    moved = rigid_motion(
        disc(*at), torch.tensor([[dx, 0.0]]), torch.tensor([angle]), shot, axis, tuple(spacing.tolist()), centre
    )
    expected = disc(float(to[0]) + centre[0] + dx, float(to[1]) + centre[1])
    assert (moved - expected).abs().max() < 1e-3


@pytest.mark.parametrize("axis", [1, 2])
def test_lines_without_rotation_agree_with_translation(axis):
    """A rotation of one outer line only: the other lines still have their exact translation."""
    image, lines = spots(32, 30, 2), (32, 30)[axis - 1]
    shift, angle = torch.randn(lines, 2, generator=torch.Generator().manual_seed(2)), torch.zeros(lines)
    exact = rigid_motion(image, shift, angle, torch.arange(lines), axis, (1.0, 1.0), (15.0, 15.0))
    torch.testing.assert_close(exact, translate_lines(image, shift, axis))
    angle[0] = 1e-12
    gridded = rigid_motion(image, shift, angle, torch.arange(lines), axis, (1.0, 1.0), (15.0, 15.0))
    assert (gridded - exact).norm() < 1e-4 * exact.norm()


def test_a_stack_equals_its_slices_and_channels_one_by_one_and_scales_with_the_image(monkeypatch):
    image, shot = spots(26, 23, 5, 2), shot_of_line(23, 4, "interleaved")
    g = torch.Generator().manual_seed(5)
    motion = (torch.randn(4, 2, generator=g), 0.2 * torch.randn(4, generator=g), shot, 2, (1.0, 1.2), (12.0, 11.0))
    stack = rigid_motion(image, *motion)
    torch.testing.assert_close(rigid_motion(3 * image, *motion), 3 * stack)
    for c in range(2):
        for z in range(5):
            one = (slice(c, c + 1), slice(None), slice(None), slice(z, z + 1))
            torch.testing.assert_close(rigid_motion(image[one], *motion), stack[one])
    monkeypatch.setattr(rigid, "SAMPLES", 64)
    torch.testing.assert_close(rigid_motion(image, *motion), stack)


def test_what_leaves_the_field_enters_on_the_other_side():
    image = spots(32, 32)
    shot = torch.zeros(32, dtype=torch.long)
    moved = rigid_motion(image, torch.tensor([[20.0, 0.0]]), torch.tensor([1e-9]), shot, 2, (1.0, 1.0), (16.0, 16.0))
    assert (moved - torch.roll(image, 20, 1)).abs().max() < 1e-3


@pytest.mark.parametrize(("shot", "axis", "message"), [
    (torch.zeros(8, dtype=torch.long), 0, "axis must be 1 or 2"), (torch.full((8,), 2), 2, "shot must name"),
    (torch.zeros(7, dtype=torch.long), 2, "shot must name"), (torch.full((8,), -1), 2, "shot must name"),
])  # fmt: skip
def test_wrong_arguments_are_refused(shot, axis, message):
    with pytest.raises(ValueError, match=message):
        rigid_motion(torch.zeros(1, 8, 8, 1), torch.zeros(2, 2), torch.zeros(2), shot, axis, (1.0, 1.0), (4.0, 4.0))
