"""The effective facts behind rows of a mart: of the ids that a walk asked by, as the warehouse has them.

    wanted(category, fact_id, role, contributor, event_type, occurred_on, subject_key, practice_code, events)

Usually a row is a fact. The people of a practice have hundreds of thousands, of which a few are told: of the facts of
so many people only the first are rows of their own, which stand for no event, and others say how many `events` of one
type a person has.
"""

from linkwork import engine
from linkwork.trace.cells import Build
from linkwork.trace.walk import FEW

# A fact that several rows lead to is told once: as one that counts, if it counts for any, under the first of those.
FIRST_ORIGIN = "unnest(min({'role': role, 'contributor': contributor}))"
# How facts are told.
IN_ORDER = ("contributor", "role", "occurred_on", "event_type", "fact_id")
FACT = "category, facts.fact_id, role, contributor, event_type, occurred_on, subject_key, practice_code"
# The categories of facts that were asked for by more than one id or of more than one model.
SEVERAL_WAYS = "select category from way group by category having count(distinct (model, id_column)) > 1"


def find(build: Build, shown: int | None = None) -> None:
    """Make `wanted`, by what a walk asked; `shown` is how many facts will be told (None: each of them).

    A model is read once, however many rows led to it, and again for the first of its facts where they are counted. What
    several models or ids led to may be the same fact twice, and is counted only when each is known.
    """
    con = build.con
    con.execute(
        """create temp table wanted (category varchar, fact_id blob, role varchar, contributor varchar,
            event_type varchar, occurred_on date, subject_key blob, practice_code varchar, events bigint)"""
    )
    several = {category for (category,) in con.execute(SEVERAL_WAYS).fetchall()}
    for model, column in con.execute("select distinct model, id_column from way order by all").fetchall():
        categories = _seek(build, model, column)
        (ids,) = engine.row(con, "select count(*) from sought")
        found = (
            f"from {build.marts.relation(model)} as facts inner join sought on facts.{engine.name(column)} = sought.id"
        )
        if shown is None or column != "subject_key" or ids <= FEW or several & categories:
            con.execute(f"insert into wanted select {FACT}, 1 {found}")
        else:
            _count(build, found)
            _name_first(build, found, categories, shown)


def _seek(build: Build, model: str, column: str) -> set[str]:
    """`sought`: the ids to find facts of a model by, each once. Returns the categories of these facts."""
    of_model = f"model = {engine.text(model)} and id_column = {engine.text(column)}"
    ways = build.con.execute(f"select part, category, role from way where {of_model}").fetchall()
    once = f"select category, id, {FIRST_ORIGIN} from asked where {of_model} group by category, id"
    if len(ways) == 1:
        part, category, role = ways[0]
        once = f"""select {engine.text(category)} as category, id, {engine.text(role)} as role, contributor
            from asked_id where part = {part}"""
    build.con.execute(f"create or replace temp table sought as {once}")
    return {category for _, category, _ in ways}


def _count(build: Build, found: str) -> None:
    """Rows of `wanted` that say of each person that is `sought` how many facts are of one type."""
    build.con.execute(
        f"""insert into wanted by name
        select category, role, contributor, event_type, sought.id as subject_key, events
        from (select sought.rowid as person, event_type, count(*) as events {found} group by all) as alike
        inner join sought on alike.person = sought.rowid"""
    )


def _name_first(build: Build, found: str, categories: set[str], shown: int) -> None:
    """Rows of `wanted` for the first facts of a model that was counted: those of the first origins with as many."""
    build.con.execute(
        f"""create or replace temp table first_origin as
        select contributor, role from (
            select contributor, role, sum(events) as led_to, sum(led_to) over (order by contributor, role) as so_far
            from wanted where category in ({", ".join(engine.text(category) for category in sorted(categories))})
            group by contributor, role
        ) where so_far - led_to < {int(shown)}"""
    )
    # What is the same of all is no order: by the day, if that comes first, the engine passes over nearly all facts.
    origins = engine.row(build.con, "select count(distinct contributor), count(distinct role) from first_origin")
    same = {name for name, number in zip(("contributor", "role"), origins, strict=True) if number <= 1}
    order = ", ".join(name for name in IN_ORDER if name not in same)
    build.con.execute(
        f"""insert into wanted select {FACT}, 0
        {found} and (contributor, role) in (from first_origin) order by {order} limit {int(shown)}"""
    )
