"""Is a release whole and unchanged? Every listed file is read again; nothing unlisted may lie beside them."""

from pathlib import Path

import duckdb

from linkwork.engine import connect
from linkwork.errors import BadDataError
from linkwork.files import sha256_of
from linkwork.release import stamp
from linkwork.release.building import BUILDING
from linkwork.release.export import rows_in
from linkwork.release.manifest import MANIFEST, Manifest, read_manifest, release_id
from linkwork.release.redact import REDACTIONS, is_redacted


def verify_release(path: Path) -> Manifest:
    """Check a release, or its `open/` folder alone, against its manifest, which is returned.

    The restricted tier may be gone where `redactions.json` says so. Raises BadDataError that names every file that is
    missing, changed, unlisted, or whose rows are not as listed, and a manifest that does not describe itself.
    """
    manifest = read_manifest(path)
    listed = {table.path: table.sha256 for table in manifest.tables}
    listed |= {other.path: other.sha256 for other in manifest.other_files}
    if is_redacted(path):
        listed = {file: sha256 for file, sha256 in listed.items() if not file.startswith("restricted/")}
    present = {p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()} - {MANIFEST, REDACTIONS}
    faults = [f"{missing} is missing" for missing in sorted(set(listed) - present)]
    faults += [f"{unlisted} is not listed" for unlisted in sorted(present - set(listed))]
    intact = {file for file in set(listed) & present if sha256_of(path / file) == listed[file]}
    faults += [f"{changed} was changed" for changed in sorted((set(listed) & present) - intact)]
    faults += _wrong_rows(path, manifest, intact)
    faults += _wrong_stamps(path, manifest, intact)
    if manifest.scope == "release":
        faults += _wrong_identity(path, manifest)
    if faults:
        raise BadDataError(
            "a release is not as it was published",
            where=str(path),
            why="; ".join(faults),
            do="restore it from a copy, or remove it and publish again",
        )
    return manifest


def _wrong_rows(path: Path, manifest: Manifest, intact: set[str]) -> list[str]:
    faults = []
    con = connect()
    try:
        for table in manifest.tables:
            if table.path in intact:
                try:
                    rows = rows_in(con, path / table.path)
                except duckdb.Error:
                    faults.append(f"{table.path} is not Parquet")
                    continue
                if rows != table.rows:
                    faults.append(f"{table.path} has {rows} rows, not {table.rows}")
    finally:
        con.close()
    return faults


def _wrong_stamps(path: Path, manifest: Manifest, intact: set[str]) -> list[str]:
    faults = []
    for table in manifest.tables:
        if table.path in intact and table.blank_sha256 is not None:
            try:
                said = stamp.read(path / table.path)
            except BadDataError as error:
                faults.append(f"{table.path}: {error.what}")
                continue
            if (said.release_id, said.blank_sha256) != (manifest.release_id, table.blank_sha256):
                faults.append(f"{table.path} is of release {said.release_id}")
    return faults


def _wrong_identity(path: Path, manifest: Manifest) -> list[str]:
    content = manifest.content_hash()
    if content != manifest.content_sha256 or manifest.release_id != release_id(manifest.position, content):
        return [f"{MANIFEST} does not agree with its own hash"]
    name = path.resolve().name
    if name != manifest.release_id and not name.startswith(BUILDING):
        return [f"the folder is not named {manifest.release_id}"]
    return []
