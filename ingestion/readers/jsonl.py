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
from ingestion.readers.lines import MARKS, UTF8_MARK
from linkwork import engine, json_documents
from linkwork.json_documents import HEAD_BYTES, BrokenDocument, Element, form_of
from linkwork.log import places

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
    [("place", pa.int64()), ("line_no", pa.int64()), ("line_end", pa.int64()), ("document", pa.int64())]
    + [("on_line", pa.int64()), ("text", pa.string()), ("deep", pa.bool_())]
    + [(name, pa.string()) for name in VARIABLES]
)


class JsonlReading(Reading):
    """One pass over a JSON Lines file under a contract."""

    def __init__(self, path: Path, contract: Contract) -> None:
        super().__init__(contract)
        self._path, self._file = path, contract.file
        self._paths = [part.paths() for part in contract.parts]
        with path.open("rb") as handle:
            head = handle.read(HEAD_BYTES)
        if head[:2] in MARKS:
            raise FileRefused("The file is UTF-16, expected UTF-8.")
        if head.removeprefix(UTF8_MARK).lstrip().startswith(b"<"):
            raise FileRefused("The file is XML, expected JSON.")
        self._form = form_of(head)

    def batches(self) -> Batches:
        """Batches of readable records in file order; of a file with several kinds of record, kind by kind."""
        with engine.connect(files=()) as con:
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
            handle.seek(len(UTF8_MARK) if handle.read(len(UTF8_MARK)) == UTF8_MARK else 0)
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
                "on_line": pa.nulls(len(ends), pa.int64()),
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
        return table.set_column(table.column_names.index("text"), "text", texts.cast(pa.string()))

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
        columns = ("line_no", "line_end", "on_line", "text")
        for line, end, on_line, raw in zip(*(table[c].to_pylist() for c in columns), strict=True):
            try:
                texts.append(raw.decode("utf-8"))
            except UnicodeDecodeError:
                self.refuse(line, end, "encoding", "The record is not UTF-8.", on_line)
                texts.append(None)
        table = table.set_column(table.column_names.index("text"), "text", pa.array(texts, pa.string()))
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
        return table.append_column("place", pa.array(np.arange(len(table)))).select(RECORDS.names)

    # --- reading it -------------------------------------------------------------------------------
    def _read(self, con: duckdb.DuckDBPyConnection) -> Batches:
        con.execute(
            f"""create or replace temp table records as
            select * exclude (fault), {self._part()} as part, {self._fault()} as fault
            from (select *, case when fault is null then {self._kind()} end as kind
                from (select *, case when deep then 'depth' when not {is_json("text")} then 'json' end as fault
                    from incoming))"""
        )
        self._refuse_faulty(con)
        self._skip_others(con)
        there = con.execute("select distinct part from records where fault is null and part is not null order by 1")
        for (index,) in there.fetchall():
            yield from self._read_part(con, index)

    def _kind(self) -> str:
        """SQL over `text`: what kind of record it is."""
        return "null::varchar"

    def _part(self) -> str:
        """SQL over `kind`: the number of the contract's part that reads it; null where none does."""
        return "0"

    def _fault(self) -> str:
        """SQL over `text`, `kind` and `fault`: the rule that the record breaks before a field of it is read."""
        return "fault"

    def _skip_others(self, con: duckdb.DuckDBPyConnection) -> None:
        """Count the records that no part of the contract reads."""

    def _refuse_faulty(self, con: duckdb.DuckDBPyConnection) -> None:
        found = con.execute(
            "select line_no, line_end, on_line, fault from records where fault is not null order by place"
        ).fetchall()
        for line, end, on_line, rule in found:
            self.refuse(line, end, *self._named(rule), on_line)

    def _named(self, fault: str) -> tuple[str, str]:
        """The rule and the sentence of a fault."""
        return fault, SENTENCES[fault]

    def _read_part(self, con: duckdb.DuckDBPyConnection, index: int) -> Batches:
        paths = self._paths[index]
        rows = f"(select * from records where fault is null and part = {index})"
        faulty = self._faulty_objects(con, paths, rows)
        for _, line, end, on_line, rule in faulty:
            self.refuse(line, end, rule, SENTENCES[rule], on_line)
        columns = ", ".join(f"{sql} as {engine.name(name)}" for name, sql in paths.columns("nested").items())
        apart = f"where place not in ({', '.join(str(place) for place, *_ in faulty)})" if faulty else ""
        schema, numbered = self.schema(index), ""
        if self._form in ("array", "bundle"):  # several records may begin on a line
            schema = schema.insert(0, pa.field("record_no", pa.int64()))
            numbered = f"(line_no << {places.SHIFT}) | on_line as record_no,"
        table = con.execute(
            f"""select {numbered} line_no, line_end, {columns}
            from (select *, {paths.parsed("text")} as nested from {rows} {apart}) as _record order by _record.place"""
        ).to_arrow_table()
        if table.num_rows:
            yield from ((index, batch) for batch in table.cast(schema).to_batches())

    def _faulty_objects(
        self, con: duckdb.DuckDBPyConnection, paths: Paths, rows: str
    ) -> list[tuple[int, int, int, int | None, str]]:
        """The records in which an object that is read names a key twice, or one the contract does not know.

        Records are of few shapes: each list of keys is looked at once, and a record only where its shape is suspect.
        """
        known, lists = paths.objects(), paths.lists()
        members = [
            f"json_keys(lists[{number}], {engine.text(inner)})"
            for number, within in enumerate(lists.values(), start=1)
            for inner in within
        ]
        taken = f"""(select *, json_keys(text, {engine.texts(list(known))}) as objects,
            json_extract(text, {engine.texts(list(lists))}) as lists from {rows})"""
        found = con.execute(f"select distinct objects, [{', '.join(members)}] from {taken}").fetchall()
        tests = {}
        if any(_repeats(keys) for objects, _ in found for keys in objects):
            tests["repeated_key"] = [REPEATS.format("objects")]
        suspect = [any(_repeats(keys) for _, inner in found for keys in inner[n] or []) for n in range(len(members))]
        if any(suspect):
            repeats = [REPEATS.format(sql) for sql, is_suspect in zip(members, suspect, strict=True) if is_suspect]
            tests["repeated_key"] = tests.get("repeated_key", []) + repeats
        if self._file.unknownKeys == "refuse":
            for place, fields in enumerate(known.values(), start=1):
                if any(not fields.issuperset(objects[place - 1] or []) for objects, _ in found):
                    names = engine.texts(sorted(fields))
                    tests.setdefault("unknown_key", []).append(f"not list_has_all({names}, objects[{place}])")
        if not tests:
            return []
        whens = " ".join(f"when {' or '.join(each)} then {engine.text(rule)}" for rule, each in tests.items())
        return con.execute(
            f"""select * from (select place, line_no, line_end, on_line, case {whens} end as rule from {taken})
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
                "on_line": pa.array([e.place for e in now], pa.int64()),
                "text": pa.array([data[e.start : e.end] for e in now], pa.binary()),
            }
        )


def is_json(text: str) -> str:
    """SQL: whether a text is one JSON object by the standard. The costly look outside texts is for suspicious ones."""
    outside = f"regexp_replace({text}, {engine.text(TEXT)}, '\"\"', 'g')"
    not_standard = engine.text(NOT_STANDARD)
    return f"""case
        when not json_valid({text}) or not regexp_matches({text}, '^\\s*\\{{') then false
        when regexp_matches({text}, {not_standard}) then not regexp_matches({outside}, {not_standard})
        else true end"""
