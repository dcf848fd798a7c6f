"""What the register makes of a record that its contract leaves out of scope.

Such a record asserts that it holds nothing here, as a tombstone does: what an older version of it said is withdrawn,
and no older version that comes late comes into force. The register remembers it by its key and time alone: no facts, no
person, and for a hash one that all of them share. Two things set it apart from a tombstone:

    at one time        what is in scope counts. The source said one thing, and a contract of another version read it:
                       a wider one brings in what was left out, a narrower one takes nothing away and contests nothing.
    the person         one that is left out claims its record for nobody; about another person than the record's it
                       counts as little as any other record would, and is not refused.

Its fate is `withdrawal` where it withdraws something, which the ledger counts as accepted, and `skipped` else.
"""

ROW_HASH = "id_hmac(encode('out of scope'))"


def is_out(row_hash: str = "row_hash") -> str:
    """SQL: whether a record or a row of the register is of one that was left out; never null."""
    return f"coalesce({row_hash} = {ROW_HASH}, false)"
