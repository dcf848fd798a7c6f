"""Arrow arrays as bytes to search: every value of every level of a column."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# Between two values, so that no match begins in one and ends in the next. No encoding of a needle allows it: base64
# is broken into lines with a line feed, not with a record separator.
SEPARATOR = b"\x1e"
TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
)


def leaves(name: str, values: Any) -> Iterator[tuple[str, Any]]:
    """The arrays without children that an Arrow array is made of, each with its dotted name.

    Children are taken whole: what stands below a null of its parent is in the file as well.
    """
    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        yield from leaves(name, values.storage)
    elif pa.types.is_dictionary(kind):
        yield from leaves(name, values.dictionary)
    elif pa.types.is_struct(kind) or pa.types.is_union(kind):
        for index in range(kind.num_fields):
            yield from leaves(f"{name}.{kind.field(index).name}", values.field(index))
    elif pa.types.is_map(kind):
        yield from leaves(f"{name}.key", values.keys)
        yield from leaves(f"{name}.value", values.items)
    elif pa.types.is_nested(kind) or pa.types.is_run_end_encoded(kind):
        yield from leaves(name, values.values)
    else:
        yield name, values


def as_bytes(leaf: Any) -> bytes:
    """The values of an array without children; of text each different value once, which spares much searching."""
    kind = leaf.type
    if is_text(kind):
        present = leaf.cast(pa.binary()).unique().drop_null()
        whole = pa.ListArray.from_arrays(pa.array([0, len(present)], pa.int32()), present)
        joined = pc.binary_join(whole, SEPARATOR)[0]
        return bytes(memoryview(joined.as_buffer()))
    if pa.types.is_decimal(kind):
        return as_bytes(leaf.cast(pa.string()))
    if pa.types.is_uint32(kind):  # the one narrower integer that holds some NHS numbers
        return as_bytes(leaf.cast(pa.int64()))
    if pa.types.is_null(kind) or kind.bit_width < 8:
        return b""
    width = kind.bit_width // 8
    stored = memoryview(leaf.buffers()[1])
    return bytes(stored[leaf.offset * width : (leaf.offset + len(leaf)) * width])


def is_text(kind: Any) -> bool:
    """Text or bytes of any length."""
    return any(test(kind) for test in TEXTS)
