"""The tables of a release as the last version released them, so that none changes by accident.

`schemas/<mart>.yaml` holds the columns of a mart in each tier, in order, with their DuckDB types, and its key. They are
written by `linkwork docs schemas`, from the models' own contracts and through disclosure control itself, and each
release is compared with them before it is placed. A column or table that is added breaks no reader; one that is gone,
renamed, moved or of another type does, and so does another key. Such a change is stated: by a higher `version` in the
model's `meta.linkwork`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict

from linkwork.engine import connect, name
from linkwork.errors import BadDataError
from linkwork.release.columns import column_types
from linkwork.release.disclosure import control
from linkwork.release.manifest import ReleasedTable
from linkwork.release.marts import Mart, MartMeta
from linkwork.release.policy import load_policy

FOLDER = Path(__file__).parent / "schemas"
POLICY = "nhs-hes"  # the columns are the same under every policy; a test holds that


class Schema(BaseModel):
    """What readers of a mart rely on: its version and key, and by tier its columns with their types, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mart: str
    version: int
    key: list[str]
    tiers: dict[str, dict[str, str]]


class Differences(NamedTuple):
    """What differs between two schemas, as sentences: what breaks no reader, and what does."""

    safe: list[str]
    breaking: list[str]


def read(folder: Path = FOLDER) -> dict[str, Schema]:
    """The schemas of the last released version, by mart."""
    found = (Schema.model_validate(yaml.safe_load(path.read_text())) for path in sorted(folder.glob("*.yaml")))
    return {schema.mart: schema for schema in found}


def write(schemas: dict[str, Schema], folder: Path = FOLDER) -> None:
    """Write each schema to its file, and remove those of marts that are gone."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.yaml"):
        if path.stem not in schemas:
            path.unlink()
    for mart, schema in schemas.items():
        (folder / f"{mart}.yaml").write_text(yaml.safe_dump(schema.model_dump(), sort_keys=False))


def of_models(models: Path, policy: str = POLICY) -> dict[str, Schema]:
    """The schemas of the marts of the dbt files below a folder that are in a tier of a release, by mart."""
    found = {}
    for path in sorted(models.rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            meta = model.get("config", {}).get("meta", {}).get("linkwork")
            if meta and meta["tiers"]:
                found[model["name"]] = _of_model(model, MartMeta.model_validate(meta), policy)
    return dict(sorted(found.items()))


def of_release(marts: list[Mart], tables: list[ReleasedTable]) -> dict[str, Schema]:
    """The schemas of the tables of a release, by mart."""
    tiers: dict[str, dict[str, dict[str, str]]] = {mart.name: {} for mart in marts}
    for table in tables:
        tiers[table.table][table.tier] = {column.name: column.type for column in table.columns}
    return {m.name: Schema(mart=m.name, version=m.meta.version, key=m.meta.key, tiers=tiers[m.name]) for m in marts}


def _of_model(model: dict[str, Any], meta: MartMeta, policy: str) -> Schema:
    relation = name(model["name"])
    mart = Mart(name=model["name"], relation=relation, description="", columns={}, meta=meta)
    columns = ", ".join(f"{name(column['name'])} {column['data_type']}" for column in model["columns"])
    with connect() as con:
        con.execute(f"create table {relation} ({columns})")
        tiers = {"restricted": column_types(con, relation)} if "restricted" in meta.tiers else {}
        if "open" in meta.tiers:
            tiers["open"] = column_types(con, control(con, mart, load_policy(policy), None).relation)
    return Schema(mart=mart.name, version=meta.version, key=meta.key, tiers=tiers)


def differences(before: Mapping[str, Schema], now: dict[str, Schema]) -> dict[str, Differences]:
    """What differs, by mart; marts without a difference are not there."""
    found = {mart: _differences(before.get(mart), now.get(mart)) for mart in sorted(before.keys() | now.keys())}
    return {mart: one for mart, one in found.items() if one.safe or one.breaking}


def refuse_unstated(before: Mapping[str, Schema], now: dict[str, Schema], where: Path, do: str) -> None:
    """Raise BadDataError naming what breaks a reader and is not stated; `where` the tables are, `do` what helps."""
    if found := unstated(before, now):
        raise BadDataError(
            "a table of a release changes so that its readers break", where=str(where), why="; ".join(found), do=do
        )


def unstated(before: Mapping[str, Schema], now: dict[str, Schema]) -> list[str]:
    """What breaks a reader without a higher version of the mart that says so."""
    return [
        f"{mart}: {sentence}"
        for mart, one in differences(before, now).items()
        for sentence in one.breaking
        if mart not in now or now[mart].version <= before[mart].version
    ]


def _differences(before: Schema | None, now: Schema | None) -> Differences:
    if before is None:
        return Differences(["is new"], [])
    if now is None:
        return Differences([], ["is gone"])
    safe, breaking = [], []
    if before.key != now.key:
        breaking.append(f"its key was {', '.join(before.key)} and is {', '.join(now.key)}")
    if now.version < before.version:
        breaking.append(f"its version was {before.version} and is {now.version}")
    for tier in sorted(before.tiers.keys() | now.tiers.keys()):
        if tier not in now.tiers:
            breaking.append(f"is not in the {tier} tier any more")
        elif tier not in before.tiers:
            safe.append(f"is in the {tier} tier")
        else:
            old, new = before.tiers[tier], now.tiers[tier]
            safe += [f"{tier}: {column} is new" for column in new if column not in old]
            breaking += [f"{tier}: {column} is gone" for column in old if column not in new]
            both = [column for column in old if column in new]
            breaking += [f"{tier}: {c} was {old[c]} and is {new[c]}" for c in both if old[c] != new[c]]
            if both != [column for column in new if column in old]:
                breaking.append(f"{tier}: its columns are in another order")
    return Differences(safe, breaking)
