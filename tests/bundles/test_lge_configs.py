"""What the configs of the LGE bundle say: they agree with each other and with MONAI's specification."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
import yaml
from monai.bundle import ConfigParser, ConfigWorkflow, ckpt_export, verify_net_in_out

from monai_jdl import bundles

ROOT = bundles.find("lge_scar_jdl")
NAMES = ("train", "evaluate", "inference")


def raw(name: str) -> dict:
    return yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text())


def preprocessing(name: str) -> list[dict]:
    config = raw(name)
    chain = config["preprocessing"] if name == "inference" else config["validate"]["preprocessing"]
    return chain["transforms"]


def test_every_config_has_the_same_network():
    assert raw("train")["network_def"] == raw("evaluate")["network_def"] == raw("inference")["network_def"]


def test_images_are_preprocessed_alike_everywhere():
    def of_the_image(name: str) -> list[dict]:
        steps = [dict(step) for step in preprocessing(name) if "image" in step["keys"]]
        for step in steps:
            step["keys"] = "image"
            step.pop("reader", None)
        return [step for step in steps if not step["_target_"].startswith(("CopyItems", "DeleteItems"))]

    assert of_the_image("train") == of_the_image("evaluate") == of_the_image("inference")


@pytest.mark.parametrize("name", NAMES)
def test_the_common_flags_exist(name):
    flags = {"bundle_root", "dataset_dir", "output_dir", "device", "seed"} | ({"epochs"} if name == "train" else set())
    assert flags <= set(raw(name))


@pytest.mark.parametrize(("name", "kind"), [("train", "train"), ("inference", "infer")])
def test_required_properties_of_the_specification_are_there(name, kind, phantoms, tmp_path):
    workflow = ConfigWorkflow(
        config_file=str(ROOT / "configs" / f"{name}.yaml"),
        meta_file=str(ROOT / "configs" / "metadata.json"),
        workflow_type=kind,
        bundle_root=str(ROOT),
        dataset_dir=str(phantoms),
        output_dir=str(tmp_path),
    )
    workflow.initialize()
    assert not workflow.check_properties()


def test_metadata_has_what_the_schema_requires_and_describes_the_network():
    meta = json.loads((ROOT / "configs" / "metadata.json").read_text())
    required = (
        "schema version monai_version pytorch_version numpy_version required_packages_version task description authors"
    )
    assert set(f"{required} copyright network_data_format".split()) <= set(meta)
    assert meta["version"] in meta["changelog"]
    for tensor in (meta["network_data_format"]["inputs"]["image"], meta["network_data_format"]["outputs"]["pred"]):
        assert {"type", "format", "num_channels", "spatial_shape", "dtype", "value_range"} <= set(tensor)
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(ROOT / "configs" / "metadata.json"),
        config_file=str(ROOT / "configs" / "inference.yaml"),
        n=4,
        device="cpu",
    )


def test_weights_export_to_torchscript_with_the_same_answer(tmp_path):
    ckpt_export(
        net_id="network_def",
        filepath=str(tmp_path / "model.ts"),
        ckpt_file=str(ROOT / "models" / "model.pt"),
        meta_file=str(ROOT / "configs" / "metadata.json"),
        config_file=str(ROOT / "configs" / "inference.yaml"),
        key_in_ckpt="",
    )
    config = ConfigParser(raw("inference"))
    config.update({"ckpt_path": str(ROOT / "models" / "model.pt"), "device": "cpu"})
    network = config.get_parsed_content("network").eval()
    image = torch.rand(1, 1, 64, 64)
    torch.testing.assert_close(
        torch.jit.load(tmp_path / "model.ts").eval()(image), network(image), atol=1e-4, rtol=1e-3
    )


def test_what_monai_label_overrides_is_there(phantoms, tmp_path):
    """MONAI Label replaces these ids before it trains; ``train#handlers`` must be a plain list of dictionaries."""
    train = raw("train")
    assert all(isinstance(handler, dict) for handler in train["train"]["handlers"])
    assert train["train"]["trainer"]["train_handlers"] == "@train#handlers"
    assert "data" in train["train"]["dataset"] and "data" in train["validate"]["dataset"]
    assert {"network", "bundle_root", "device"} <= set(train)
    assert set(raw("inference")) >= {
        "network_def",
        "preprocessing",
        "postprocessing",
        "inferer",
        "device",
        "bundle_root",
    }


def test_bundle_folder_is_usable_alone(tmp_path):
    copy = shutil.copytree(ROOT, tmp_path / "bundle")
    for name in NAMES:
        text = (copy / "configs" / f"{name}.yaml").read_text()
        assert str(ROOT) not in text and "%" not in text
    assert (copy / "LICENSE").is_file() and (copy / "docs" / "README.md").is_file()
