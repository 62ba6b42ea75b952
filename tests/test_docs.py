"""The documents are true: what they name exists, and every capability of the seeds has its row."""

from __future__ import annotations

import json
import pkgutil
import re
from itertools import takewhile
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from monai_jdl.cli import ECG_BUNDLES, main
from monai_jdl.version import __version__

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT / "docs" / "seeds.md"
PAGES = sorted(
    path for pattern in ("*.md", "docs/*.md", "transforms/*.md", "bundles/*/docs/*.md") for path in ROOT.glob(pattern)
)
FOLDERS = ("bundles/", "docs/", "monai_jdl/", "scripts/", "tests/", "transforms/")
FILES = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE"),
    *("setup.cfg", "pyproject.toml", "constraints.txt"),
)

ROW = re.compile(r"\| (\d+) \| ([^|]+) \| ([^|]+) \| (done|open|dropped) \|")
CAPABILITIES = 86
ISSUES = ("LGE bundle", "MR transforms", "ECG pages", "ECG bundles")

FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(\s*([^)\s]+)[^)]*\)|\bsrc=\"([^\"]+)\"")
COMMAND = re.compile(r"(?:^|[\s/])monai-jdl((?:[ \t]+[^\s|&;#>]+)*)", re.MULTILINE)
DOTTED = re.compile(r"(?<![\w/.-])(?:monai_jdl|cardiac_transforms)(?:\.[A-Za-z_]\w*)+")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code(page: Path) -> list[str]:
    """What stands in backticks: fenced blocks, long lines joined, and spans."""
    text = page.read_text(encoding="utf-8")
    blocks = [block.replace("\\\n", " ") for block in FENCE.findall(text)]
    return blocks + SPAN.findall(FENCE.sub("", text))


def rows() -> list[tuple[str, ...]]:
    """Number, capability, where and state of each row of the seeds' table."""
    table = [line for line in SEEDS.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert table[:2] == ["| # | capability | where | state |", "|---|---|---|---|"]
    found = [ROW.fullmatch(line) for line in table[2:]]
    assert all(found), table[2 + found.index(None)]
    return [match.groups() for match in found if match]


def test_every_capability_of_the_seeds_has_one_row():
    assert [int(number) for number, *_ in rows()] == list(range(1, CAPABILITIES + 1))


def test_a_row_says_what_its_state_means():
    for number, _, where, state in rows():
        named = set(re.findall(r'issue "([^"]+)"', where))
        assert named <= set(ISSUES), f"row {number} names an unknown issue"
        if state == "done":
            assert SPAN.search(where), f"row {number} is done but names no command, key or function"
        elif state == "open":
            assert named or "no open issue" in where, (
                f"row {number} is open but says neither which issue nor that there is none"
            )


def test_ids_of_the_config_that_the_seeds_page_names_exist():
    config = yaml.safe_load((ROOT / "bundles/lge_scar_jdl/configs/train.yaml").read_text())
    ids = {key for span in code(SEEDS) for key in re.findall(r"\w+(?:#\w+)+", span)}
    assert ids
    for key in ids:
        *parents, last = key.split("#")
        node = config
        for parent in parents:
            assert parent in node, key
            node = node[parent]
        # The last part may also be an argument that the config leaves at its default.
        assert last in node or "_target_" in node, key


@each_page
def test_files_exist(page):
    words = {word.rstrip(".") for snippet in code(page) for word in re.split(r"[\s'\"\[\](),=:]+", snippet)}
    paths = [word for word in words if word in FILES or word.startswith(FOLDERS)]
    missing = [path for path in paths if not any(ROOT.glob(path.rstrip("/")))]
    assert not missing


@each_page
def test_commands_exist(page, capsys):
    for words in (words.split() for snippet in code(page) for words in COMMAND.findall(snippet)):
        command = takewhile(lambda word: re.fullmatch(r"[a-z]+", word), words)
        options = [word for word in words if word.startswith("--")]
        with pytest.raises(SystemExit) as end:
            main([*command, "--help"])
        shown = capsys.readouterr()
        assert end.value.code == 0, f"monai-jdl {' '.join(words)}: {shown.err}"
        unknown = [
            option for option in options if not re.search(rf"{re.escape(option.split('=')[0])}(?![\w-])", shown.out)
        ]
        assert not unknown, f"monai-jdl {' '.join(words)}"


@each_page
def test_names_can_be_imported(page):
    for name in sorted({name for snippet in code(page) for name in DOTTED.findall(snippet)}):
        pkgutil.resolve_name(name)


@each_page
def test_links_lead_somewhere(page):
    text = SPAN.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))
    targets = [unquote((link or source).split("#")[0]) for link, source in LINK.findall(text)]
    missing = [target for target in targets if not re.match(r"\w+:", target) and not (page.parent / target).exists()]
    assert not missing


@each_page
def test_a_block_of_commands_has_one_working_directory(page):
    for block in FENCE.findall(page.read_text(encoding="utf-8")):
        words = set(re.split(r"[\s'\"\[\](),=]+", block))
        at_root = {word for word in words if word.startswith(("bundles/", "scripts/"))}
        in_bundle = {word for word in words if word.startswith("configs/")}
        assert not (at_root and in_bundle), block


@pytest.mark.parametrize("bundle", ECG_BUNDLES)
def test_the_page_of_an_ecg_bundle_names_every_option_and_no_other(bundle):
    folder = ROOT / "bundles" / bundle
    known: set[str] = set()
    options: set[str] = set()
    for name in ("train", "evaluate", "inference"):
        config = yaml.safe_load((folder / "configs" / f"{name}.yaml").read_text(encoding="utf-8"))
        known |= set(config)
        options |= {key for key, value in config.items() if _is_setting(value)}
    page = folder / "docs" / "README.md"
    named = {
        match
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `--") or "Options common to all" in line
        for match in re.findall(r"--(\w+)", line)
    }
    assert options - named == set()
    assert named - known == set()


def _is_setting(value: object) -> bool:
    """Whether a user may set it: a number, a word, a list of numbers or the id of a default; no formula, no component."""
    if isinstance(value, list):
        return all(isinstance(entry, int | float) for entry in value)
    return not isinstance(value, dict) and not str(value).startswith("$")


@pytest.mark.parametrize("bundle", ECG_BUNDLES)
def test_metadata_names_the_papers_by_their_titles(bundle):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    titles = {reference["doi"]: reference["title"] for reference in citation["references"] if "doi" in reference}
    metadata = json.loads((ROOT / "bundles" / bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    for doi, title in titles.items():
        (named,) = [reference for reference in metadata["references"] if doi in reference]
        assert title in named


def test_citation_and_changelog_know_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == __version__
    assert citation["license"] == "Apache-2.0"
    assert all({"type", "title", "authors", "year"} <= set(reference) for reference in citation["references"])
    assert f"\n## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
