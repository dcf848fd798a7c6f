"""What a file is by its first bytes, against what its contract says it is: a page of HTML is refused as one."""

import re
from pathlib import Path

from ingestion.contract import Contract
from ingestion.readers.base import FileRefused

HEAD = 1024
# What is met where text or a table was expected, by its first bytes; what may stand before a mark of text is skipped.
KINDS = (
    ("a Parquet file", rb"PAR1"),
    ("a gzip file", rb"\x1f\x8b"),
    ("a zip archive or an Excel workbook", rb"PK(?:\x03\x04|\x05\x06)"),
    ("an Excel workbook of the old form or with a password", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("a PDF document", rb"%PDF-"),
    ("a bzip2 file", rb"BZh[1-9]1AY&SY"),
    ("an xz file", rb"\xfd7zXZ\x00"),
    ("a Zstandard file", rb"\x28\xb5\x2f\xfd"),
    ("a 7-Zip archive", rb"7z\xbc\xaf\x27\x1c"),
    ("an RTF document", rb"\{\\rtf"),
    ("an SQLite database", rb"SQLite format 3\x00"),
    ("an image", rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a"),
    ("a program", rb"\x7fELF"),
    ("an HTML page", rb"(?i:(?:\xef\xbb\xbf)?\s*(?:<!--[^>]*-->\s*)?<(?:!doctype\s+html|html|head|body)[\s>])"),
    ("an XML document", rb"(?:\xef\xbb\xbf)?\s*<\?xml\s"),
)
NAMES = {"csv": "CSV", "jsonl": "JSON Lines", "parquet": "Parquet", "xlsx": "an Excel workbook (XLSX)"}
WORKBOOK, LOCKED = "a zip archive or an Excel workbook", "an Excel workbook of the old form or with a password"
OWN = {"parquet": ("a Parquet file",), "xlsx": (WORKBOOK, LOCKED)}  # a reader says more of a workbook that is locked


def kind_of(head: bytes) -> str | None:
    """What a file is, in words; None for text and for what is not known."""
    return next((kind for kind, mark in KINDS if re.match(mark, head)), None)


def recognised(path: Path, contract: Contract) -> Contract:
    """The contract in the form that a file has: its own, or another that it allows.

    Raises FileRefused, saying what was found, where the file is neither.
    """
    with path.open("rb") as handle:
        head = handle.read(HEAD)
    form, found = contract.file.format, kind_of(head)
    for other in ("parquet", "xlsx"):
        if other != form and other in contract.file.forms and found in OWN[other]:
            return contract.model_copy(update={"file": contract.file.model_copy(update={"format": other})})
    if form in OWN and found in OWN[form]:
        return contract
    if form in OWN or found is not None:
        raise FileRefused(f"The file is {found or 'something else'}, expected {NAMES.get(form, form)}.")
    return contract
