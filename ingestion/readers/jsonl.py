"""JSON Lines: one object a line; the contract's JSON paths become text columns.

Paths are read by DuckDB in one parse of each line, and only where the line is valid JSON: DuckDB's own error for a
broken line would repeat the line.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion.contract import Contract
from ingestion.readers.base import BATCH_ROWS, Batches, Reading
from ingestion.readers.lines import Lines
from linkwork import engine

# DuckDB takes NaN and Infinity for numbers, which they are not; within a text they are words.
OUTSIDE_TEXT = r"""regexp_replace(line, '"([^"\\]|\\.)*"', '""', 'g')"""


class JsonlReading(Reading):
    """One pass over a JSON Lines file under a contract."""

    def __init__(self, path: Path, contract: Contract) -> None:
        super().__init__(contract)
        self._lines = Lines(path, contract.file.maxLineLength)
        self._paths = [p.header for p in contract.properties]
        parts = [path.split(".") for path in self._paths]
        self._objects = sorted({"$"} | {".".join(p[:n]) for p in parts for n in range(1, len(p)) if p[0] == "$"})

    def batches(self) -> Batches:
        """Batches of readable records in file order."""
        with engine.connect(files=()) as con:
            for batch in self._line_batches():
                yield from self._extract(con, batch)

    def _line_batches(self) -> Iterator[pa.RecordBatch]:
        numbers: list[int] = []
        texts: list[str] = []
        for line in self._lines:
            self.records += 1
            if line.fault:
                self.refuse(line.number, line.number, "encoding", f"The line is {line.fault}.")
            elif not line.text.strip():
                self.blank += 1
            else:
                numbers.append(line.number)
                texts.append(line.text.rstrip("\n"))
            if len(numbers) == BATCH_ROWS:
                yield pa.RecordBatch.from_pydict({"line_no": numbers, "line": texts})
                numbers, texts = [], []
        if numbers:
            yield pa.RecordBatch.from_pydict({"line_no": numbers, "line": texts})

    def _extract(self, con: duckdb.DuckDBPyConnection, batch: pa.RecordBatch) -> Batches:
        con.register("incoming", pa.Table.from_batches([batch]))
        keys = [f"json_keys(object, {engine.text(p)})" for p in self._objects]
        unique = " and ".join(f"coalesce(len({k}) = len(list_distinct({k})), true)" for k in keys)
        con.execute(
            f"""create or replace temp table lines as
            with valid as (
                select line_no, line, case when json_valid(line) then line end as object from incoming
            )
            select line_no, line,
                coalesce(json_type(object) = 'OBJECT', false)
                and not regexp_matches({OUTSIDE_TEXT}, '-?(NaN|Infinity)') and {unique} as good
            from valid"""
        )
        for (number,) in con.execute("select line_no from lines where not good order by 1").fetchall():
            self.refuse(number, number, "json", "The line is not one valid JSON object.")
        paths = ", ".join(engine.text(p) for p in self._paths)
        names = [p.name for p in self.contract.properties]
        columns = ", ".join(f"coalesce(x[{i}], '') as {engine.name(c)}" for i, c in enumerate(names, 1))
        table = con.execute(
            f"""select line_no, line_no as line_end, {columns} from (
                select line_no, json_extract_string(case when good then line end, [{paths}]) as x
                from lines where good order by line_no)"""
        ).to_arrow_table()
        yield from ((0, batch) for batch in table.cast(self.schema()).to_batches())
