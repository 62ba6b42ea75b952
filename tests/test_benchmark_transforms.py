"""The benchmark of the transforms runs and says what it measured."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture(scope="module")
def scripts():
    """The benchmark's modules, which find each other as they do when run."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        import benchmark_memory
        import benchmark_transforms

        yield benchmark_transforms, benchmark_memory
    finally:
        sys.path.remove(str(SCRIPTS))


def test_the_page_has_a_line_for_each_effect_and_says_why_a_rival_is_missing(scripts):
    benchmark, _ = scripts
    size = (32, 24, 3)
    text = benchmark.page((size,), dict.fromkeys(benchmark.RELEASES, "not here"), rounds=1)
    for row in benchmark.rows(size):
        (line,) = [line for line in text.splitlines() if line.startswith(f"| {row.effect} |")]
        cells = [cell.strip() for cell in line.split("|")[2:-1]]
        assert all(float(cell) > 0 for cell in cells[:2])
        assert cells[2] == ("not here" if row.torchio else "")
        assert ("(" in cells[4]) == (row.monai is not None)


def test_a_bar_is_met_by_the_ratio_of_times_and_missed_by_one_below(scripts):
    benchmark, _ = scripts
    (row,) = [row for row in benchmark.rows(benchmark.STACK) if row.effect == "ghosting"]
    kernel, transform = row.bars["TorchIO 1.2.1", benchmark.STACK]
    for time, verdict in (
        (10 * max(kernel, transform), "met"),
        (9.9 * min(kernel, transform), "**missed** (kernel, transform)"),
    ):
        times = {"kernel": 10.0, "transform": 10.0, "TorchIO 1.2.1": float(time)}
        assert benchmark.bars_table([(row, benchmark.STACK, times)]).endswith(f"| {verdict} |")
    assert benchmark.bars_table([(row, benchmark.STACK, {**times, "TorchIO 1.2.1": "no"})]).endswith("not measured |")


def test_every_bar_names_a_rival_that_its_row_calls_and_a_size_that_is_run(scripts):
    benchmark, _ = scripts
    bars = [(row, *key) for size in benchmark.SIZES for row in benchmark.rows(size) for key in row.bars]
    assert len({(row.effect, *key) for row, *key in bars}) == 11
    for row, rival, size in bars:
        assert size in benchmark.SIZES
        assert (row.monai if rival == "MONAI" else row.torchio) is not None


def test_a_process_that_cannot_answer_says_so(scripts, tmp_path):
    from rival import RivalError
    from torchio_rival import TorchIO

    (tmp_path / "torchio-1.2.1").mkdir()  # taken for an installed release, but empty
    with pytest.raises(RivalError, match="No module named 'torchio'"):
        TorchIO("1.2.1", tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux only")
def test_memory_is_counted_in_copies_of_the_input(scripts):
    import subprocess

    code = (
        "import torch, benchmark_memory as b\n"
        "class Three:\n"
        "    def __call__(self, image):\n"
        "        one, two = image * 2, image * 3\n"
        "        return one + two\n"
        "image = torch.rand(1, 256, 256, 32)\n"
        "print([b.peak_copies(Three(), image, {}) for _ in range(2)][1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=scripts[1].ENVIRONMENT,
        cwd=SCRIPTS,
        capture_output=True,
        check=True,
        text=True,
    )
    assert float(done.stdout) == pytest.approx(3, abs=0.2)
