"""Loading weights: wholly or not at all, with a sentence."""

import hashlib
from collections import OrderedDict

import pytest
import torch
from torch import nn

from monai_jdl.errors import InputError
from monai_jdl.networks import fingerprint, frozen, load_weights


def test_half_precision_and_wrapped_files_load(tmp_path):
    source, target = nn.Linear(3, 2), nn.Linear(3, 2)
    half = {name: value.half() for name, value in source.state_dict().items()}
    torch.save({"model": half}, tmp_path / "model.pt")
    load_weights(target, tmp_path / "model.pt")
    assert target.weight.dtype == torch.float32
    torch.testing.assert_close(target.weight, source.weight, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "no such checkpoint"),
        (b"not a checkpoint", "not a checkpoint"),
        (nn.Linear(4, 2).state_dict(), "another network"),
        ({"weight": torch.zeros(2, 3)}, "another network"),
    ],
)
def test_bad_files_are_refused_and_nothing_is_loaded(tmp_path, content, sentence):
    path = tmp_path / "bad.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    target = nn.Linear(3, 2)
    before = target.weight.clone()
    with pytest.raises(InputError, match=sentence) as error:
        load_weights(target, path)
    assert "bad.pt" in str(error.value)
    torch.testing.assert_close(target.weight, before)


def test_code_in_a_file_is_not_run(tmp_path):
    torch.save(nn.Linear(3, 2), tmp_path / "pickle.pt")
    with pytest.raises(InputError, match="not a checkpoint"):
        load_weights(nn.Linear(3, 2), tmp_path / "pickle.pt")


def test_a_frozen_part_learns_nothing_not_even_statistics():
    net = torch.nn.Sequential(
        OrderedDict(
            encoder=torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)), head=torch.nn.Linear(4, 1)
        )
    )
    before = {name: value.clone() for name, value in net.state_dict().items()}
    assert frozen(net, "encoder") is net
    net.train()
    optimiser = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.1)
    net(torch.randn(8, 3)).sum().backward()
    optimiser.step()
    after = net.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items() if name.startswith("encoder"))
    assert not torch.equal(before["head.weight"], after["head.weight"]) and net.head.training


def test_the_fingerprint_names_the_file_by_its_content(tmp_path):
    for name, content in (("a", b"weights"), ("b", b"weights"), ("c", b"others")):
        (tmp_path / name).write_bytes(content)
    marks = [fingerprint(tmp_path / name) for name in "abc"]
    assert marks[0] == marks[1] == hashlib.sha256(b"weights").hexdigest()[:12] != marks[2]
    with pytest.raises(InputError, match="none: cannot be read"):
        fingerprint(tmp_path / "none")
