"""HMAC-SHA-256 inside DuckDB, so that pseudonyms and ids are made in the same pass as the rest of the gate.

HMAC(K, m) = H((K xor opad) || H((K xor ipad) || m)) (RFC 2104). The padded keys are session variables, never
SQL text, so no plan, log line or error message can show them.
"""

from collections.abc import Sequence

import duckdb

from linkwork.privacy.keys import Keys

BLOCK = 64


def install(con: duckdb.DuckDBPyConnection, keys: Keys) -> None:
    """Give the connection the macros `subject_hmac`, `id_hmac` and `erasure_hmac` of a blob, each 16 bytes."""
    for prefix, key in (("subject", keys.pseudonym), ("id", keys.id), ("erasure", keys.erasure)):
        padded = key.ljust(BLOCK, b"\x00")
        con.execute(f"set variable {prefix}_inner = ?", [bytes(b ^ 0x36 for b in padded)])
        con.execute(f"set variable {prefix}_outer = ?", [bytes(b ^ 0x5C for b in padded)])
        con.execute(
            f"""create or replace temp macro {prefix}_hmac(message) as
            unhex(left(sha256(getvariable('{prefix}_outer')
                || unhex(sha256(getvariable('{prefix}_inner') || message))), 32))"""
        )
    # Parts are joined with the unit separator, which no accepted field can hold (the gate refuses control
    # characters), so ('a', 'bc') and ('ab', 'c') differ; a missing part differs from an empty one.
    con.execute(
        r"""create or replace temp macro parts_blob(parts) as
        encode(array_to_string(list_transform(parts, lambda p: coalesce(p, chr(30))), chr(31)))"""
    )


def joined(parts: Sequence[str], later: Sequence[str] = ()) -> str:
    """SQL of the message that `parts_blob` makes of the same list, quicker where the list is known beforehand.

    `parts` and `later` are SQL of text; a part of `later` that is null is left out.
    """
    known = [f"coalesce({part}, chr(30))" for part in parts]
    return f"encode(concat_ws(chr(31), {', '.join([*known, *later])}))"
