"""The ECG classifier: what reaches the heads, and what clinical features can change."""

import io

import pytest
import torch
from monai.networks.nets import DenseNet, ResNet
from monai.utils import set_determinism

from monai_jdl.networks import ECGClassifier, FiLMFusion, RecurrentFusion

LATENT = 16
FUSIONS = {"film": lambda: FiLMFusion(LATENT), "recurrent": lambda: RecurrentFusion(LATENT, hidden=8)}
KNOWN = torch.tensor([[70.0, 1, 0, 1, 0, 1], [40.0, 0, 1, 0, 1, 0]])


@pytest.fixture(autouse=True)
def seeded():
    set_determinism(0)
    yield
    set_determinism(None)


def resnet(dims: int, channels: int) -> torch.nn.Module:
    return ResNet("basic", [1, 1, 1, 1], [8, 8, 8, 8], spatial_dims=dims, n_input_channels=channels, num_classes=LATENT)


def classifier(fusion: str | None = None) -> ECGClassifier:
    return ECGClassifier(resnet(1, 12), LATENT, FUSIONS[fusion]() if fusion else None)


@pytest.mark.parametrize(
    ("encoder", "shape"),
    [
        (resnet(2, 3), (2, 3, 64, 48)),
        (resnet(1, 12), (2, 12, 500)),
        (DenseNet(2, 3, LATENT, init_features=8, growth_rate=4, block_config=(1, 1)), (2, 3, 64, 48)),
    ],
)
def test_pages_and_signals_by_any_encoder_of_monai(encoder, shape):
    net = ECGClassifier(encoder, LATENT).eval()
    image = torch.rand(shape)
    answer = net(image)
    assert answer.shape == (2, 2)
    torch.testing.assert_close(answer, net(image, KNOWN))  # without fusion nobody looks at them
    scripted = torch.jit.trace(net, image)
    torch.testing.assert_close(scripted(image), answer)


def test_both_tasks_train_the_encoder_they_share():
    net = classifier()
    for task in (0, 1):
        net.zero_grad()
        net(torch.rand(4, 12, 200))[:, task].sum().backward()
        assert max(p.grad.abs().max() for p in net.encoder.parameters() if p.grad is not None) > 0
        assert net.heads[1 - task].weight.grad.abs().max() == 0


def test_film_begins_as_the_identity():
    net, plain = classifier("film").eval(), classifier().eval()
    plain.load_state_dict({k: v for k, v in net.state_dict().items() if not k.startswith("fusion")})
    signals = torch.rand(2, 12, 200)
    torch.testing.assert_close(net(signals, KNOWN), plain(signals))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_clinical_features_change_the_answer_and_are_trained(fusion):
    net = classifier(fusion)
    signals = torch.rand(2, 12, 200)
    optimiser = torch.optim.SGD(net.parameters(), 0.1)
    net(signals, KNOWN)[:, 0].sum().backward()
    optimiser.step()
    net.eval()
    answer = net(signals, KNOWN)
    for index in range(KNOWN.shape[1]):
        other = KNOWN.clone()
        other[:, index] = 1 - other[:, index] if index else other[:, index] + 30
        assert (net(signals, other) - answer).abs().min() > 1e-7, index


@pytest.mark.parametrize("fusion", FUSIONS)
def test_what_is_missing_is_imputed_as_the_training_data_say(fusion):
    net = classifier(fusion).eval()
    # whoever is old smokes, whoever is young does not
    table = torch.rand(400, 6).round()
    table[:, 0] = 40 + 30 * table[:, 4]
    net.fusion.imputer.fit(table)
    if fusion == "film":
        torch.nn.init.normal_(net.fusion.modulation[-1].weight)
    signals = torch.rand(2, 12, 200)
    asked, meant = KNOWN.clone(), KNOWN.clone()
    asked[:, 4], meant[:, 4] = torch.nan, torch.tensor([1.0, 0.0])
    torch.testing.assert_close(net(signals, asked), net(signals, meant))
    nothing = net(signals)
    torch.testing.assert_close(nothing, net(signals, torch.full_like(KNOWN, torch.nan)))
    assert torch.isfinite(nothing).all()


@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_imputation_travels_with_the_weights(fusion):
    net, other = classifier(fusion).eval(), classifier(fusion).eval()
    net.fusion.imputer.fit(torch.rand(50, 6).round() * torch.tensor([80.0, 1, 1, 1, 1, 1]))
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    signals = torch.rand(2, 12, 200)
    torch.testing.assert_close(other(signals), net(signals))


def test_clinical_features_of_another_number_are_refused():
    with pytest.raises(ValueError, match="age, female"):
        classifier("film")(torch.rand(2, 12, 200), KNOWN[:, :5])
