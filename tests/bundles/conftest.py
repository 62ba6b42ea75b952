"""A tiny phantom data set, and the bundle runner as a user calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from monai_jdl import bundles
from monai_jdl.data import write_phantoms
from monai_jdl.phantoms import simulate

ROOT = bundles.find("lge_scar_jdl")
KINDS = ("ischaemic", "normal", "ischaemic", "nonischaemic", "ischaemic", "ischaemic")


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory) -> Path:
    """Six patients at a low resolution, as NIfTI with a datalist.json."""
    folder = tmp_path_factory.mktemp("phantoms")
    cases = [simulate(seed, kind=kind, size=96) for seed, kind in enumerate(KINDS)]
    write_phantoms(folder, {"training": cases[:2], "validation": cases[2:4], "testing": cases[4:]})
    return folder


def bundle_run(*configs: str, cwd: Path, check: bool = True, **overrides) -> subprocess.CompletedProcess:
    """``python -m monai.bundle run`` with configs of the bundle, as a user types it, in any working directory."""
    files = [str(ROOT / "configs" / name) for name in configs]
    command = [
        sys.executable,
        "-m",
        "monai.bundle",
        "run",
        "--config_file",
        files[0] if len(files) == 1 else str(files),
    ]
    command += ["--bundle_root", str(ROOT)]
    for name, value in overrides.items():
        command += [f"--{name}", str(value)]
    result = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=300
    )
    if check and result.returncode:
        raise AssertionError(f"{' '.join(command)}\n{result.stdout}\n{result.stderr}")
    return result


def two_ranks_run(root: Path, workflow: str, cwd: Path, **overrides) -> None:
    """A workflow of a bundle on two processes of this machine, as ``torchrun`` starts them."""
    files = [str(root / "configs" / name) for name in (f"{workflow}.yaml", f"multi_gpu_{workflow}.yaml")]
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node=2",
        "-m",
        "monai.bundle",
    ]
    command += ["run", "--config_file", str(files), "--bundle_root", str(root)]
    for name, value in overrides.items():
        command += [f"--{name}", str(value)]
    result = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert result.returncode == 0, result.stdout + result.stderr
