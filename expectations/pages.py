"""The pages under `quality/data_docs`: what Great Expectations renders, made to stand on its own.

Its pages load styles and scripts from other people's servers. These must be readable without a network, and
must not tell a third party who looks at them: so scripts, remote parts and what needs them are taken out,
and one small style sheet is put in. Lists of runs are written here, from the result rows; earlier runs stay
listed.

    data_docs/index.html                      the three boundaries
    data_docs/<boundary>/index.html           the newest runs, newest first
    data_docs/<boundary>/<run>/<subject>.html one page per subject

"""

import re
import shutil
from collections.abc import Iterable
from datetime import datetime
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from linkwork.engine import connect, texts
from linkwork.files import write_whole

BOUNDARIES = {
    "landed": "Each file, before it is committed to the event log",
    "recorded": "What each commit added to the event log",
    "released": "Each table, before it is published",
}
RUNS_KEPT = 200  # of each boundary; result rows of older runs stay, their pages go
STYLE = Path(__file__).with_name("pages.css").read_text()

STATUS = {"fa-check-circle": "passed", "fa-times": "failed", "fa-exclamation-triangle": "not checked"}
DROPPED_TAGS = {"script", "style", "title", "footer", "label"}
DROPPED_CLASSES = {"navbar-expand-md", "collapse", "mb-3"}  # top bar, technical details, buttons
VOID = {"br", "hr", "img", "input", "link", "meta"}
KEPT_VOID = {"br", "hr"}
STRUCTURE = {"html", "head", "body"}


class Listed(NamedTuple):
    """One subject of one run, as the list shows it."""

    run_at: datetime
    subject: str
    feed: str | None
    sender: str | None
    page: str | None
    rules: int
    failed: int
    warned: int
    unchecked: int


def slug(text: str) -> str:
    """A name that is safe as a file name and as a part of a link."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text) or "-"


def write(quality: Path, boundary: str, run: str, name: str, html: str) -> None:
    """Take over one rendered page of a run."""
    title = f"{name.removesuffix('.html')} · {run[:15]}Z"
    path = quality / "data_docs" / boundary / run / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_page(title, _cleaned(html), f"../index.html>{boundary}"))


def publish(quality: Path, boundary: str) -> None:
    """Drop the pages of the oldest runs, and write the lists anew. Runs are named by when they began."""
    site = quality / "data_docs" / boundary
    results = sorted((quality / "results").glob(f"{boundary}-*.parquet"))[-RUNS_KEPT:]
    oldest = min((path.stem.removeprefix(f"{boundary}-") for path in results), default="")
    for folder in site.glob("*/"):
        if folder.name < oldest:  # a later one without results is being written by another process
            shutil.rmtree(folder)
    write_whole(site / "index.html", _list_page(boundary, list(_listed(results))))
    write_whole(quality / "data_docs" / "index.html", _front_page(quality / "data_docs"))


class _Cleaner(HTMLParser):
    """Keeps text, tables, headings and links within the page; drops all that is fetched or executed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._dropping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        classes = set(given.get("class", "").split())
        unwanted = tag in DROPPED_TAGS or classes & DROPPED_CLASSES or given.get("data-toggle") == "collapse"
        if self._dropping or unwanted:
            self._dropping += tag not in VOID
        elif tag == "i":
            status = next((STATUS[one] for one in sorted(classes) if one in STATUS), "")
            self.parts.append(f'<i class="{slug(status)}">{status}')
        elif tag not in STRUCTURE and (tag not in VOID or tag in KEPT_VOID):
            href = given.get("href", "")
            kept = {key: given[key] for key in ("id", "class", "hidden", "colspan") if key in given}
            kept |= {"href": href} if href.startswith("#") else {}
            attributes = "".join(f' {key}="{escape(value)}"' for key, value in kept.items())
            self.parts.append(f"<{tag}{attributes}>")

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            self._dropping -= tag not in VOID
        elif tag not in STRUCTURE | VOID:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self.parts.append(escape(data))


def _cleaned(html: str) -> str:
    cleaner = _Cleaner()
    cleaner.feed(html.partition("<body>")[2])
    cleaner.close()
    return re.sub(r"\n\s*\n+", "\n", "".join(cleaner.parts))


def _listed(results: list[Path]) -> Iterable[Listed]:
    if results:
        con = connect()
        yield from (
            Listed(*row)
            for row in con.execute(
                f"""select run_at, subject, any_value(feed), any_value(sender), any_value(page), count(*),
                    count(*) filter (not success and not could_not_check and severity = 'failing'),
                    count(*) filter (not success and not could_not_check and severity = 'warning'),
                    count(*) filter (could_not_check)
                from read_parquet({texts(results)}) group by run_at, subject order by run_at desc, subject"""
            ).fetchall()
        )


def _list_page(boundary: str, listed: list[Listed]) -> bytes:
    rows = "".join(_row(one) for one in listed)
    table = (
        "<table class=table><thead><tr><th>Status<th>Checked at (UTC)<th>Subject<th>Feed<th>Sender"
        f"<th>Rules<th>Failed<th>Warnings<th>Not checked</tr></thead><tbody>{rows}</tbody></table>"
        if rows
        else "<p>Nothing was checked so far.</p>"
    )
    intro = f"<h1>{escape(boundary)}</h1><p>{escape(BOUNDARIES[boundary])}. Counts only, never values.</p>"
    return _page(boundary, intro + table, "../index.html>quality")


def _row(one: Listed) -> str:
    status = "not-checked" if one.unchecked else "failed" if one.failed else "passed"
    subject = escape(one.subject)
    link = f'<a href="{escape(one.page)}">{subject}</a>' if one.page else subject
    counts = "".join(f"<td class=number>{n}" for n in (one.rules, one.failed, one.warned, one.unchecked))
    return (
        f'<tr><td><i class="{status}">{status.replace("-", " ")}</i>'
        f"<td>{one.run_at:%Y-%m-%d %H:%M:%S}<td>{link}"
        f"<td>{escape(one.feed or '')}<td>{escape(one.sender or '')}{counts}</tr>"
    )


def _front_page(docs: Path) -> bytes:
    items = "".join(
        f'<li><a href="{name}/index.html">{name}</a>: {escape(what)}'
        if (docs / name / "index.html").exists()
        else f"<li>{name}: {escape(what)} (not checked so far)"
        for name, what in BOUNDARIES.items()
    )
    return _page("Quality", f"<h1>Quality</h1><p>What was checked, and what came out.</p><ul>{items}</ul>")


# What a page may load: nothing, and its own style. Should markup ever slip through, it does not run.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def _page(title: str, body: str, parent: str = "") -> bytes:
    href, _, name = parent.partition(">")
    up = f'<p class=crumbs><a href="{escape(href)}">{escape(name)}</a> / {escape(title)}</p>' if parent else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body>{up}{body}</body></html>\n"
    ).encode()
