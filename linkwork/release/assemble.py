"""Fill the folder of a release: Parquet files of both tiers, their catalogs, and the manifests."""

from datetime import date
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb

from linkwork.engine import PARQUET, text
from linkwork.files import sha256_of, write_json
from linkwork.release import stamp
from linkwork.release.catalog import CatalogTable, ReleaseRow, write_catalog
from linkwork.release.disclosure import OpenTable, control
from linkwork.release.export import export_table
from linkwork.release.held import Served
from linkwork.release.ladder import Withheld
from linkwork.release.manifest import MANIFEST, Column, Manifest, OtherFile, ReleasedTable
from linkwork.release.marts import Mart, Tier
from linkwork.release.policy import DisclosurePolicy

CATALOG = "marts.duckdb"
TIERS: tuple[Tier, ...] = ("open", "restricted")


class Exports(NamedTuple):
    """The Parquet files of a release and their descriptions, by tier and name; what was withheld, and held back."""

    tables: list[ReleasedTable]
    described: dict[Tier, list[CatalogTable]]
    withheld: list[Withheld]
    held: dict[str, int]


def export_marts(
    con: duckdb.DuckDBPyConnection, marts: list[Mart], open_tables: dict[str, OpenTable], folder: Path, position: int
) -> Exports:
    """Write `<tier>/<mart>.parquet` for each mart and tier, each with a blank place for the id of the release."""
    held = {mart: opened.held for mart, opened in open_tables.items() if opened.held}
    exports = Exports([], {tier: [] for tier in TIERS}, [], held)
    for tier in TIERS:
        (folder / tier).mkdir()
        for mart in marts:
            if tier not in mart.meta.tiers:
                continue
            opened = open_tables[mart.name] if tier == "open" else None
            relation, told = (opened.relation, opened.columns) if opened else (mart.relation, mart.columns)
            path = folder / tier / f"{mart.name}.parquet"
            done = export_table(con, relation, mart.meta.key, path, position)
            exports.tables.append(
                ReleasedTable(
                    table=mart.name,
                    tier=tier,
                    path=f"{tier}/{path.name}",
                    rows=done.rows,
                    sha256=done.sha256,
                    blank_sha256=done.sha256,
                    size=done.size,
                    key=mart.meta.key,
                    columns=[Column(name=column, type=kind) for column, kind in done.schema.items()],
                )
            )
            exports.described[tier].append(CatalogTable(mart.name, path, mart.description, told))
            exports.withheld.extend(opened.withheld if opened else [])
    return exports


def stamp_tables(folder: Path, manifest: Manifest) -> Manifest:
    """Write the release's id into its Parquet files. Returns the manifest with the hashes that they have then."""
    tables = []
    for table in manifest.tables:
        stamp.stamp(folder / table.path, manifest.release_id)
        tables.append(table.model_copy(update={"sha256": sha256_of(folder / table.path)}))
    return manifest.model_copy(update={"tables": tables})


def control_marts(
    con: duckdb.DuckDBPyConnection,
    marts: list[Mart],
    policy: DisclosurePolicy,
    cut_off: date | None,
    served: Served | None = None,
) -> dict[str, OpenTable]:
    """The open table of every mart that has one; `served` is what the release that is served was made of."""
    return {mart.name: control(con, mart, policy, cut_off, served) for mart in marts if "open" in mart.meta.tiers}


def write_made_of(con: duckdb.DuckDBPyConnection, open_tables: dict[str, OpenTable], path: Path) -> None:
    """Write what the open tier is made of, before suppression and rounding: for the log alone."""
    nothing = "select null as mart, null as content where false"
    rows = " union all ".join([opened.made_of for opened in open_tables.values()] or [nothing])
    con.execute(f"copy (select * from ({rows}) order by all) to {text(path)} ({PARQUET}, compression zstd)")


def write_catalogs_and_manifests(
    folder: Path, manifest: Manifest, exports: Exports, *, memory_limit: str, threads: int
) -> None:
    """Write `marts.duckdb` in each tier, the manifest of the open tier, then that of the whole."""
    row = ReleaseRow(manifest.release_id, manifest.position, manifest.known_at, manifest.policy.name)
    catalogs = []
    for tier in TIERS:
        path = folder / tier / CATALOG
        shown = manifest.open_only().measures if tier == "open" else manifest.measures
        write_catalog(path, exports.described[tier], shown, row, memory_limit=memory_limit, threads=threads)
        catalogs.append(_listed("catalog", folder, path))
    manifest = manifest.model_copy(update={"other_files": catalogs})
    open_manifest = folder / "open" / MANIFEST
    write_json(open_manifest, manifest.open_only().as_json())
    listed = [*catalogs, _listed("manifest", folder, open_manifest)]
    write_json(folder / MANIFEST, manifest.model_copy(update={"other_files": listed}).as_json())


def tables_json(manifest: Manifest, marts: list[Mart], policy: DisclosurePolicy) -> dict[str, Any]:
    """What the expectations at `released` read: the manifest's tables, and the rules of the open ones."""
    rules = {mart.name: mart.meta.disclosure for mart in marts}
    tables = []
    for table in manifest.tables:
        declared = rules[table.table] if table.tier == "open" else None
        tables.append(
            {
                **table.model_dump(mode="json"),
                "disclosure": declared.model_dump(mode="json") if declared else None,
            }
        )
    return {
        "release_id": manifest.release_id,
        "position": manifest.position,
        "cut_off": manifest.cut_off.isoformat() if manifest.cut_off else None,
        "policy": policy.model_dump(mode="json"),
        "tables": tables,
    }


def _listed(kind: Literal["catalog", "manifest"], folder: Path, path: Path) -> OtherFile:
    return OtherFile(
        kind=kind,
        path=path.relative_to(folder).as_posix(),
        sha256=sha256_of(path),
        size=path.stat().st_size,
    )
