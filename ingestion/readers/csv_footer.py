"""The footer of a file: the last line that is no record, where it begins, and how many records it says there are."""

from dataclasses import dataclass
from pathlib import Path

from ingestion.file_form import File
from ingestion.readers.base import FileRefused
from linkwork import engine


@dataclass(frozen=True)
class Footer:
    """Where the footer begins, in bytes, and the number of records it gives; None where it gives none."""

    offset: int
    records: int | None


def footer_of(path: Path, form: File, encoding: str) -> Footer | None:
    """The file's footer; None where its contract has none. Raises FileRefused where it should end with one.

    `encoding` is that of the file's bytes, such as utf-16-le.
    """
    if form.footer is None:
        return None
    size = path.stat().st_size
    with path.open("rb") as handle:
        start = max(0, size - 2 * form.maxLineLength) // 2 * 2
        handle.seek(start)
        tail = handle.read()
    # One character for each byte keeps places what they are, also where bytes are wrong.
    text = tail.decode(encoding, "replace") if encoding.startswith("utf-16") else tail.decode("latin-1")
    content = text.rstrip()
    begins = max(content.rfind("\n"), content.rfind("\r")) + 1
    width = len(" ".encode(encoding))
    line = tail[begins * width :].decode(encoding, "replace").rstrip()
    with engine.asking() as con:  # RE2: whatever the pattern, a line cannot make it slow
        query = "select regexp_full_match(?, ?), regexp_extract(?, ?, ?)"
        group = 1 if form.footer.count else 0
        matches, number = con.execute(query, [line, form.footer.pattern, line, form.footer.pattern, group]).fetchall()[
            0
        ]
    if not matches:
        raise FileRefused("The file does not end with the footer its contract states: it may have been cut off.")
    if form.footer.count and not number.strip().isdecimal():
        raise FileRefused("The footer of the file gives no number of records.")
    return Footer(start + begins * width, int(number) if form.footer.count else None)
