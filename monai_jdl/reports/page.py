"""Self-contained HTML pages: text, tables and pictures in one file that needs no network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from monai_jdl.reports.tables import write_text
from monai_jdl.version import __version__

NOT_CLINICAL = "Not for clinical use."

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #ffffff; --line: #d9dee5; --warn: #fff4e0; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ee; --soft: #9aa5b4; --paper: #14181e; --line: #333b46; --warn: #3a2c12; }
}
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 75rem; margin: 0 auto; padding: 1.5rem; }
h1 { margin: 0 0 .6rem; font-size: 1.7rem; } h2 { margin: 2.2rem 0 .5rem; font-size: 1.2rem; }
p { max-width: 48rem; margin: .5rem 0; }
.notice { background: var(--warn); border-left: 4px solid #e08a00; padding: .5rem .9rem; max-width: none; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { padding: .28rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; } th:first-child, td:first-child { text-align: left; }
figure { margin: .9rem 0; } img { max-width: 100%; border-radius: 4px; }
figcaption, footer { color: var(--soft); font-size: .85rem; } footer { margin-top: 3rem; }
"""


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        heading: its title.
        text: a paragraph.
        table: rows as mappings; the first row's keys are the columns.
        pictures: caption -> PNG bytes.
        links: text -> file or address.
    """

    heading: str
    text: str = ""
    table: Sequence[Mapping[str, Any]] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)


def write_page(path: str | Path, title: str, sections: Sequence[Section], notice: str = "") -> Path:
    """Write a page with its pictures inside, for light and dark screens.

    Args:
        path: the ``.html`` file.
        title: of the page.
        sections: what it shows.
        notice: follows "Not for clinical use.", which every page says first.

    Raises:
        InputError: the folder cannot be written.
    """
    body = "\n".join(map(_section, sections))
    return write_text(
        path,
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p class="notice"><strong>{NOT_CLINICAL}</strong> {escape(notice)}</p>
{body}
<footer>monai_jdl {__version__}</footer>
</body>
</html>
""",
    )


def _section(section: Section) -> str:
    parts = [f"<h2>{escape(section.heading)}</h2>"]
    if section.text:
        parts.append(f"<p>{escape(section.text)}</p>")
    if section.table:
        parts.append(_table(section.table))
    for caption, picture in section.pictures.items():
        source = base64.b64encode(picture).decode("ascii")
        parts.append(
            f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{source}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )
    if section.links:
        links = (f'<a href="{escape(target)}">{escape(name)}</a>' for name, target in section.links.items())
        parts.append(f"<p>{' · '.join(links)}</p>")
    return "\n".join(parts)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(f"<th>{escape(str(name).replace('_', ' '))}</th>" for name in rows[0])
    lines = ("".join(f"<td>{escape(_shown(value))}</td>" for value in row.values()) for row in rows)
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def _shown(value: Any) -> str:
    """A cell for people: three digits, a dash for what is not there."""
    if value is None or value == "" or value != value:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
