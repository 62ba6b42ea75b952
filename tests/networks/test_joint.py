"""The joint network: what the message lets through, and that the scar's loss reaches the myocardium network."""

import io

import pytest
import torch
from monai.networks.nets import BasicUNet, UNet
from monai.utils import set_determinism

from monai_jdl.losses import JointLoss
from monai_jdl.networks import Concatenation, FeaturePyramid, JointNet, ProbabilityGate, SoftGate

FEATURES = (4, 4, 8, 8, 8, 4)


def unet(in_channels: int, out_channels: int = 1, spatial_dims: int = 2) -> torch.nn.Module:
    return BasicUNet(spatial_dims, in_channels, out_channels, features=FEATURES, norm="batch")


MESSAGES = {
    "gate": (ProbabilityGate(), 1, 1),
    "soft gate": (SoftGate(), 1, 1),
    "concatenation": (Concatenation(), 1, 2),
    "pyramid": (FeaturePyramid(features=2, channels=3, levels=3), 3, 10),
}


def joint(name: str) -> JointNet:
    message, myocardium_out, scar_in = MESSAGES[name]
    return JointNet(unet(1, myocardium_out), message, unet(scar_in))


@pytest.fixture(autouse=True)
def seeded():
    set_determinism(0)
    yield
    set_determinism(None)


@pytest.mark.parametrize("name", MESSAGES)
def test_scar_loss_trains_the_myocardium_network(name):
    net = joint(name)
    net(torch.rand(2, 1, 32, 32))[:, 1].sum().backward()
    gradients = [p.grad for p in net.myocardium.parameters() if p.grad is not None]
    assert gradients and max(g.abs().max() for g in gradients) > 0


@pytest.mark.parametrize("name", MESSAGES)
def test_scar_is_never_likelier_than_the_myocardium_that_it_is_part_of(name):
    net = joint(name).eval()
    image = torch.rand(2, 1, 32, 32)
    answer, own = net(image), net.myocardium(image)[:, :1]
    assert (answer[:, :1] >= answer[:, 1:]).all()
    torch.testing.assert_close(answer[:, :1], torch.maximum(own, answer[:, 1:]))


@pytest.mark.parametrize("name", MESSAGES)
def test_torchscript_gives_the_same(name):
    net = joint(name).eval()
    image = torch.rand(2, 1, 32, 48)
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(net), file)
    file.seek(0)
    torch.testing.assert_close(torch.jit.load(file)(image), net(image))


@pytest.mark.parametrize("name", MESSAGES)
def test_a_case_without_a_scar_mask_teaches_the_scar_network_nothing(name):
    net, target = joint(name), torch.zeros(2, 2, 32, 32)
    target[:, 1] = torch.nan
    net.zero_grad()
    JointLoss()(net(torch.rand(2, 1, 32, 32)), target).backward()
    assert all(p.grad is None or not p.grad.any() for p in (*net.scar.parameters(), *net.message.parameters()))
    assert any(p.grad is not None and p.grad.any() for p in net.myocardium.parameters())


def test_gate_is_image_times_probability():
    image, logit = torch.rand(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    torch.testing.assert_close(ProbabilityGate()(image, logit), image / 2)
    assert ProbabilityGate()(image, logit - 100).abs().max() < 1e-6


def test_soft_gate_dims_but_never_closes_and_reaches_beyond_the_border():
    image, logit = torch.ones(1, 1, 9, 9), torch.full((1, 1, 9, 9), -100.0)
    gate = SoftGate(kernel_size=3, floor=0.2)
    torch.testing.assert_close(gate(image, logit), torch.full_like(image, 0.2))
    logit[..., 4, 4] = 100
    opened = gate(image, logit)[0, 0]
    assert opened[5, 5] == pytest.approx(0.2 + 0.8 / 9) and opened[6, 6] == pytest.approx(0.2)


def test_neighbouring_slices_pass_every_gate():
    image, logit = torch.rand(1, 3, 8, 8), torch.full((1, 1, 8, 8), 100.0)
    torch.testing.assert_close(ProbabilityGate()(image, logit), image)
    assert Concatenation()(image, logit).shape[1] == 4


def test_pyramid_carries_the_features():
    message = FeaturePyramid(features=1, channels=2, levels=2).eval()
    image, answer = torch.rand(1, 1, 16, 16), torch.randn(1, 2, 16, 16)
    changed = answer.clone()
    changed[:, 1] += 1
    assert (message(image, answer) - message(image, changed)).abs().max() > 1e-3
    torch.testing.assert_close(message(image, answer)[:, :1], image)


def test_any_monai_network_and_three_dimensions():
    net = JointNet(UNet(3, 1, 1, channels=(4, 8), strides=(2,)), Concatenation(), unet(2, spatial_dims=3)).eval()
    assert net(torch.rand(1, 1, 16, 16, 16)).shape == (1, 2, 16, 16, 16)
    assert SoftGate(3)(torch.rand(1, 1, 8, 8, 8), torch.rand(1, 1, 8, 8, 8)).shape == (1, 1, 8, 8, 8)


@pytest.mark.parametrize("arguments", [{"kernel_size": 4}, {"floor": 1.0}, {"floor": -0.1}])
def test_soft_gate_refuses(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        SoftGate(**arguments)
