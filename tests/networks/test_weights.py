"""Loading weights: wholly or not at all, with a sentence."""

import pytest
import torch
from torch import nn

from monai_jdl.errors import InputError
from monai_jdl.networks import load_weights


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
