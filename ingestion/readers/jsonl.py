"""JSON Lines: one object a line; the contract's paths become text columns. Also one array of objects, by contract.

Everything is read by DuckDB in one parse of each record, and only where that is valid JSON: DuckDB's own error for a
broken record would repeat it. DuckDB takes more for JSON than the standard does (NaN, a comma before the end, a key
said twice); that is looked for apart.
"""

import re
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.contract import Contract
from ingestion.paths import VARIABLES, Paths
from ingestion.readers.base import Batches, FileRefused, Reading
from ingestion.readers.lines import BOMS, UTF8_BOM
from linkwork import engine, json_documents
from linkwork.json_documents import HEAD_BYTES, BrokenDocument, Element, form_of

BLOCK_BYTES = 16 << 20
MAX_DOCUMENT_BYTES = 512 << 20
TEXT = r'"(?:[^"\\]|\\.)*"'
NOT_STANDARD = r"(?i)[:,\[]\s*-?(?:nan|inf)|,\s*[}\]]"
REPEATS = "len(list_filter({0}, lambda k: len(k) > len(list_distinct(k)))) > 0"
BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[^{}\[\]"]+', re.DOTALL)
SENTENCES = {
    "json": "The record is not one valid JSON object.",
    "repeated_key": "An object of the record names a key twice.",
    "depth": "The record is nested deeper than the contract allows.",
    "unknown_key": "The record has a field that the contract does not know.",
}
RECORDS = pa.schema(
    [("line_no", pa.int64()), ("line_end", pa.int64()), ("document", pa.int64())]
    + [("text", pa.string()), ("deep", pa.bool_())]
    + [(name, pa.string()) for name in VARIABLES]
)


class JsonlReading(Reading):
    """One pass over a JSON Lines file under a contract."""

    def __init__(self, path: Path, contract: Contract) -> None:
        super().__init__(contract)
        self._path, self._file = path, contract.file
        self._paths = [
            Paths({p.name: (p.header, p.logicalType == "list") for p in c.properties}) for c in contract.parts
        ]
        with path.open("rb") as handle:
            head = handle.read(HEAD_BYTES)
        if name := BOMS.get(head[:2]):
            raise FileRefused(f"The file is {name}, expected UTF-8.")
        if head.removeprefix(UTF8_BOM).lstrip().startswith(b"<"):
            raise FileRefused("The file is XML, expected JSON.")
        self._form = form_of(head)

    def batches(self) -> Batches:
        """Batches of readable records in file order; of a file with several kinds of record, kind by kind."""
        with engine.connect() as con:
            for records in self._records():
                con.register("incoming", records)
                yield from self._read(con)
                con.unregister("incoming")

    # --- what there is to read --------------------------------------------------------------------
    def _records(self) -> Iterator[pa.Table]:
        if self._form != "array":
            yield from self._lines()
        elif self._file.array == "accept":
            data, found = self._whole("array")
            for table in blocks(data, found.elements):
                yield self._decoded(table)
        else:
            raise FileRefused(
                "The file is one JSON array, expected one object a line; ask for JSON Lines, or set file.array to "
                "accept in the contract."
            )

    def _lines(self) -> Iterator[pa.Table]:
        """The physical lines in blocks, without the blank and the undecodable."""
        number, rest = 0, b""
        with self._path.open("rb") as handle:
            handle.seek(len(UTF8_BOM) if handle.read(len(UTF8_BOM)) == UTF8_BOM else 0)
            while (block := handle.read(BLOCK_BYTES)) or rest:
                data = rest + block
                cut = data.rfind(b"\n") + 1 if block else len(data)
                if cut == 0:  # a line that goes on: what is over its longest length is of no use
                    rest = data[: self._file.maxLineLength + 1]
                    continue
                rest = data[cut:]
                table = self._table_of_lines(data[:cut], number)
                number += table.num_rows
                yield self._with_depth(self._sieved(table))

    def _table_of_lines(self, data: bytes, number: int) -> pa.Table:
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10) + 1
        if not len(ends) or ends[-1] != len(data):
            ends = np.append(ends, len(data))
        offsets = np.concatenate([[0], ends]).astype(np.int32)
        texts = pa.Array.from_buffers(pa.binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
        numbers = pa.array(np.arange(number + 1, number + 1 + len(ends)))
        return pa.table(
            {
                "line_no": numbers,
                "line_end": numbers,
                "document": pa.array(np.zeros(len(ends), np.int64)),
                "text": texts,
            }
        )

    def _sieved(self, table: pa.Table) -> pa.Table:
        """The lines that are text, as text; the others are refused or blank."""
        self.records += table.num_rows
        texts = table["text"].combine_chunks()
        too_long = pc.greater(pc.binary_length(texts), self._file.maxLineLength)
        out = []
        for row in pc.indices_nonzero(too_long).to_pylist():
            out.append(row)
            line = table["line_no"][row].as_py()
            self.refuse(line, line, "encoding", f"The line is longer than {self._file.maxLineLength} bytes.")
        offsets = np.frombuffer(texts.buffers()[1], np.int32)[: len(texts)]
        first = np.frombuffer(texts.buffers()[2], np.uint8)[offsets]
        for row in np.flatnonzero(np.isin(first, np.frombuffer(b" \t\r\n\v\f", np.uint8))).tolist():
            if not texts[row].as_py().strip():
                self.blank += 1
                out.append(row)
        try:
            texts = texts.cast(pa.string())
        except pa.ArrowInvalid:
            for row, text in enumerate(texts.to_pylist()):
                try:
                    text.decode("utf-8")
                except UnicodeDecodeError as error:
                    if row not in out:
                        line = table["line_no"][row].as_py()
                        self.refuse(line, line, "encoding", f"The line is not UTF-8 at byte {error.start + 1}.")
                        out.append(row)
        if out:
            kept = np.ones(len(table), bool)
            kept[out] = False
            table, texts = table.filter(pa.array(kept)), texts.filter(pa.array(kept))
        return table.set_column(3, "text", texts.cast(pa.string()))

    def _whole(self, form: json_documents.Form) -> tuple[bytes, json_documents.Documents]:
        if self._path.stat().st_size > MAX_DOCUMENT_BYTES:
            raise FileRefused(
                f"The file is one JSON document of more than {MAX_DOCUMENT_BYTES >> 20} MiB; ask for one record a line."
            )
        data = self._path.read_bytes()
        try:
            return data, json_documents.documents(data, form)
        except BrokenDocument as broken:
            raise FileRefused(f"The file is not whole JSON: its brackets do not match at line {broken.line}.") from None

    def _decoded(self, table: pa.Table) -> pa.Table:
        """The records that are text, as text."""
        self.records += table.num_rows
        texts: list[str | None] = []
        for line, end, raw in zip(*(table[c].to_pylist() for c in ("line_no", "line_end", "text")), strict=True):
            try:
                texts.append(raw.decode("utf-8"))
            except UnicodeDecodeError:
                self.refuse(line, end, "encoding", "The record is not UTF-8.")
                texts.append(None)
        table = table.set_column(3, "text", pa.array(texts, pa.string()))
        return self._with_depth(table.filter(pc.is_valid(table["text"])))

    def _with_depth(self, table: pa.Table) -> pa.Table:
        """Marks what is nested too deep; most records have fewer brackets than that in all."""
        texts = table["text"].combine_chunks()
        brackets = pc.add(pc.count_substring(texts, "{"), pc.count_substring(texts, "["))
        deep = np.zeros(len(texts), bool)
        for row in pc.indices_nonzero(pc.greater(brackets, self._file.maxDepth)).to_pylist():
            skeleton = BRACKETS.sub(b"", texts[row].as_py().encode())
            steps = (1 if sign in b"{[" else -1 for sign in skeleton)
            deep[row] = max(accumulate(steps), default=0) > self._file.maxDepth
        table = table.append_column("deep", pa.array(deep))
        for name in VARIABLES:
            if name not in table.column_names:
                table = table.append_column(name, pa.nulls(len(table), pa.string()))
        return table.select(RECORDS.names)

    # --- reading it -------------------------------------------------------------------------------
    def _read(self, con: duckdb.DuckDBPyConnection) -> Batches:
        con.execute(
            f"""create or replace temp table records as
            select row_number() over () as place, *, case when deep then 'depth' when not {is_json("text")} then 'json' end as fault from incoming"""
        )
        self._tell_apart(con)
        self._refuse_faulty(con)
        for index in range(len(self._paths)):
            yield from self._read_part(con, index)

    def _tell_apart(self, con: duckdb.DuckDBPyConnection) -> None:
        """Leaves `sorted`: the records with the part of the contract that describes each, or their fault."""
        con.execute("create or replace temp view sorted as select *, 0 as part from records")

    def _refuse_faulty(self, con: duckdb.DuckDBPyConnection) -> None:
        found = con.execute(
            "select line_no, line_end, fault from sorted where fault is not null order by place"
        ).fetchall()
        for line, end, rule in found:
            self.refuse(line, end, *self._named(rule))

    def _named(self, fault: str) -> tuple[str, str]:
        """The rule and the sentence of a fault."""
        return fault, SENTENCES[fault]

    def _read_part(self, con: duckdb.DuckDBPyConnection, index: int) -> Batches:
        paths = self._paths[index]
        rows = f"(select * from sorted where fault is null and part = {index})"
        faulty = self._faulty_objects(con, paths, rows)
        for _, line, end, rule in faulty:
            self.refuse(line, end, rule, SENTENCES[rule])
        columns = ", ".join(f"{sql} as {engine.name(name)}" for name, sql in paths.columns("nested").items())
        apart = f"where place not in ({', '.join(str(place) for place, *_ in faulty)})" if faulty else ""
        table = con.execute(
            f"""select line_no, line_end, {columns}
            from (select *, {paths.parsed("text")} as nested from {rows} {apart}) order by place"""
        ).to_arrow_table()
        if table.num_rows:
            yield from ((index, batch) for batch in table.cast(self.schema(index)).to_batches())

    def _faulty_objects(
        self, con: duckdb.DuckDBPyConnection, paths: Paths, rows: str
    ) -> list[tuple[int, int, int, str]]:
        """The records in which an object that is read names a key twice, or one the contract does not know.

        Records are of few shapes: each list of keys is looked at once, and a record only where its shape is suspect.
        """
        known = paths.objects()
        keys = f"json_keys(text, {engine.texts(list(known))})"
        shapes = [shape for (shape,) in con.execute(f"select distinct {keys} from {rows}").fetchall()]
        broken: dict[str, list[str]] = {"repeated_key": [], "unknown_key": []}
        if any(_repeats(members) for shape in shapes for members in shape):
            broken["repeated_key"].append(REPEATS.format(keys))
        for path, within in paths.lists().items():
            for inner in within:
                found = f"json_keys(json_extract(text, {engine.text(path)}), {engine.text(inner)})"
                members = con.execute(f"select distinct unnest({found}) from {rows}").fetchall()
                if any(_repeats(one) for (one,) in members):
                    broken["repeated_key"].append(REPEATS.format(found))
        if self._file.unknownKeys == "refuse":
            for place, (path, fields) in enumerate(known.items(), start=1):
                if any(not fields.issuperset(shape[place - 1] or []) for shape in shapes):
                    names = engine.texts(sorted(fields))
                    broken["unknown_key"].append(f"not list_has_all({names}, json_keys(text, {engine.text(path)}))")
        whens = " ".join(
            f"when {' or '.join(tests)} then {engine.text(rule)}" for rule, tests in broken.items() if tests
        )
        if not whens:
            return []
        return con.execute(
            f"""select * from (select place, line_no, line_end, case {whens} end as rule from {rows})
            where rule is not null order by place"""
        ).fetchall()


def _repeats(keys: list[str] | None) -> bool:
    return keys is not None and len(set(keys)) < len(keys)


def blocks(data: bytes, found: list[Element]) -> Iterator[pa.Table]:
    """The records of a document as they are, in blocks."""
    position = 0
    while position < len(found):
        size, start = 0, position
        while position < len(found) and size < BLOCK_BYTES:
            size += found[position].end - found[position].start
            position += 1
        now = found[start:position]
        yield pa.table(
            {
                "line_no": pa.array([e.line for e in now], pa.int64()),
                "line_end": pa.array([e.line_end for e in now], pa.int64()),
                "document": pa.array([e.document for e in now], pa.int64()),
                "text": pa.array([data[e.start : e.end] for e in now], pa.binary()),
            }
        )


def is_json(text: str) -> str:
    """SQL: whether a text is one JSON object by the standard."""
    outside = f"regexp_replace({text}, {engine.text(TEXT)}, '\"\"', 'g')"
    return f"""(json_valid({text}) and regexp_matches({text}, '^\\s*\\{{')
        and not (regexp_matches({text}, {engine.text(NOT_STANDARD)})
            and regexp_matches({outside}, {engine.text(NOT_STANDARD)})))"""
