"""Lists and pages of results, without Great Expectations: earlier runs stay listed, names are harmless."""

from datetime import UTC, datetime
from pathlib import Path

from expectations import pages
from expectations.outcomes import Checked, Outcome, write_rows
from expectations.subjects import Subject, measured

RULE = measured("records", "The file holds at least one record.", at_least=1)
RENDERED = "<html><body><h4>Result</h4><script>alert(1)</script><a href='https://x'>out</a></body></html>"


def published(quality: Path, run: str, subject: str, *outcomes: Outcome) -> None:
    page = f"{pages.slug(subject)}.html"
    checked = Checked(Subject(subject, "landed", [RULE], [], feed="<b>feed"), outcomes, page)
    write_rows(quality / "results", "landed", run, datetime(2025, 1, int(run), tzinfo=UTC), [checked])
    pages.write(quality, "landed", run, page, RENDERED)
    pages.publish(quality, "landed")


def test_earlier_runs_stay_listed_newest_first(tmp_path):
    published(tmp_path, "01", "first", Outcome(RULE, True))
    published(tmp_path, "02", "second", Outcome(RULE, False, observed=0))
    index = (tmp_path / "data_docs" / "landed" / "index.html").read_text()
    assert 0 < index.index("02/second.html") < index.index("01/first.html")
    assert index.count('class="passed"') == index.count('class="failed"') == 1
    assert (tmp_path / "data_docs" / "landed" / "01" / "first.html").exists()


def test_pages_of_the_oldest_runs_go_and_their_rows_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "RUNS_KEPT", 1)
    published(tmp_path, "01", "first", Outcome(RULE, True))
    published(tmp_path, "02", "second", Outcome(RULE, True))
    assert [path.stem for path in (tmp_path / "data_docs" / "landed").glob("*/*.html")] == ["second"]
    assert len(list((tmp_path / "results").glob("landed-*.parquet"))) == 2


def test_f67_names_cannot_become_markup_or_leave_the_folder(tmp_path):
    published(tmp_path, "01", "../<script>alert(1)</script>", Outcome(RULE, True))
    docs = tmp_path / "data_docs"
    written = [path.relative_to(docs) for path in docs.rglob("*.html")]
    assert len(written) == 3
    for html in (path.read_text() for path in docs.rglob("*.html")):
        assert "<script" not in html
        assert "Content-Security-Policy\" content=\"default-src 'none'" in html
        assert "<b>" not in html
        assert "https:" not in html
