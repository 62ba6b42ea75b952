"""What the configs of the ECG bundles say: they agree with each other and with MONAI's specification."""

from __future__ import annotations

import json

import pytest
import torch
import yaml
from monai.bundle import ConfigParser, ConfigWorkflow, verify_net_in_out

from monai_jdl import bundles
from monai_jdl.data import write_ecg_phantoms
from monai_jdl.phantoms import simulate_ecg

BUNDLES = ("ecg_image_classification", "ecg_image_clinical_classification", "ecg_signal_classification")
NAMES = ("train", "evaluate", "inference")
every_bundle = pytest.mark.parametrize("bundle", BUNDLES)


def raw(bundle: str, name: str) -> dict:
    return yaml.safe_load((bundles.find(bundle) / "configs" / f"{name}.yaml").read_text())


@pytest.fixture(scope="module")
def ecgs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ecgs")
    cases = [simulate_ecg(seed) for seed in range(6)]
    write_ecg_phantoms(folder, {"training": cases[:2], "validation": cases[2:4], "testing": cases[4:]})
    return folder


@every_bundle
def test_every_config_has_the_same_network(bundle):
    assert raw(bundle, "train")["network_def"] == raw(bundle, "evaluate")["network_def"]
    assert raw(bundle, "train")["network_def"] == raw(bundle, "inference")["network_def"]


@every_bundle
def test_ecgs_are_preprocessed_alike_everywhere(bundle):
    def of_the_ecg(name: str) -> list[dict]:
        config = raw(bundle, name)
        chain = config["preprocessing"] if name == "inference" else config["validate"]["preprocessing"]
        steps = [step | {"keys": "image"} for step in chain["transforms"] if "image" in step["keys"]]
        return [{key: value for key, value in step.items() if key not in ("page", "cache_dir")} for step in steps]

    assert of_the_ecg("train") == of_the_ecg("evaluate") == of_the_ecg("inference")


@every_bundle
@pytest.mark.parametrize("name", NAMES)
def test_the_common_flags_exist(bundle, name):
    flags = {"bundle_root", "dataset_dir", "output_dir", "device", "seed"} | ({"epochs"} if name == "train" else set())
    assert flags <= set(raw(bundle, name))


@every_bundle
@pytest.mark.parametrize(("name", "kind"), [("train", "train"), ("inference", "infer")])
def test_required_properties_of_the_specification_are_there(bundle, name, kind, ecgs, tmp_path):
    root = bundles.find(bundle)
    torch.save({}, tmp_path / "empty.pt")
    overrides = {} if name == "train" else {"network": "$@network_def", "handlers": []}
    workflow = ConfigWorkflow(
        config_file=str(root / "configs" / f"{name}.yaml"),
        meta_file=str(root / "configs" / "metadata.json"),
        workflow_type=kind,
        bundle_root=str(root),
        dataset_dir=str(ecgs),
        output_dir=str(tmp_path),
        **overrides,
    )
    workflow.initialize()
    missing = workflow.check_properties() or []
    # what the specification asks of segmentation: a classifier's logits are post-processed by its calibration
    assert set(missing) <= {"postprocessing"}


@every_bundle
def test_metadata_describes_the_network(bundle):
    root = bundles.find(bundle)
    meta = json.loads((root / "configs" / "metadata.json").read_text())
    assert meta["version"] in meta["changelog"] and "Not for clinical use" in meta["intended_use"]
    shape = meta["network_data_format"]["inputs"]["image"]["spatial_shape"]
    config = ConfigParser(raw(bundle, "inference"))
    config.update({"ckpt_path": None, "device": "cpu"})
    network = config.get_parsed_content("network_def").eval()
    channels = meta["network_data_format"]["inputs"]["image"]["num_channels"]
    answer = network(torch.zeros(1, channels, *shape))
    assert answer.shape == (1, meta["network_data_format"]["outputs"]["pred"]["num_channels"])
    if "signal" not in bundle:  # MONAI's check knows images of two and three dimensions
        verify_net_in_out(
            net_id="network_def",
            meta_file=str(root / "configs" / "metadata.json"),
            config_file=str(root / "configs" / "inference.yaml"),
            device="cpu",
        )


@every_bundle
def test_every_overlay_fits_the_config(bundle):
    train = raw(bundle, "train")
    methods = sorted((bundles.find(bundle) / "configs" / "methods").glob("*.yaml"))
    assert {"scar_only", "lvef_only", "loss_70_30", "loss_60_40", "lvef40", "transfer", "transfer_frozen"} <= {
        path.stem for path in methods
    }
    known = set(train) | set(raw(bundle, "inference"))
    for path in methods:
        assert f"'configs/methods/{path.name}'" in path.read_text()
        for key in yaml.safe_load(path.read_text()):
            part = train
            for step in key.split("#")[:-1]:
                part = part[step]
            assert key.split("#")[-1] in part or key in known, (path.name, key)


@every_bundle
def test_the_folder_is_usable_alone(bundle):
    root = bundles.find(bundle)
    for path in (root / "configs").rglob("*.yaml"):
        assert str(root) not in path.read_text()
    assert (root / "LICENSE").is_file() and (root / "docs" / "README.md").is_file()
