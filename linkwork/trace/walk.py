"""From rows of a mart to the facts and loads behind them, along the lineage the marts declare.

Everything happens in temporary tables of the warehouse's connection:

    contributor(contributor, <key of the core mart>, person_id, <amounts>)   what adds up to the figure
    asked_id(part, id, contributor)                                          the ids to find facts by, and
    way(part, category, model, id_column, role)                              which facts to find by them; both are
    asked(category, model, id_column, id, role, contributor)                 a row for each
    wanted_load(load_id, contributor)                                        files
"""

from dataclasses import dataclass, field

from linkwork import engine
from linkwork.errors import LinkworkError, UsageError
from linkwork.release.marts import Mart
from linkwork.trace.cells import CELLS, Build
from linkwork.trace.lineage import EventLink, Figure, Lineage, Role, RowLink

FEW = 500


def figure_of(mart: Mart, lineage: Lineage, figure: str | None) -> str | None:
    """The figure to trace: the named one, else the mart's first; None for a mart whose rows are traced themselves.

    Raises UsageError where the mart has no such figure.
    """
    if figure is None:
        return next(iter(lineage.figures), None)
    if figure not in lineage.figures:
        raise UsageError(
            f"{mart.name} has no such figure to trace",
            where=figure,
            do=f"use one of {', '.join(lineage.figures)}"
            if lineage.figures
            else "leave out --figure: the row itself is traced",
        )
    return figure


@dataclass
class Walk:
    """One walk from the table `cells`; `steps` counts the temporary tables it made, `parts_asked` the parts of ids."""

    build: Build
    mart: Mart
    figure: str | None  # of the mart's; see `figure_of`
    steps: int = 0
    parts_asked: int = 0
    reference: str | None = None
    contributors: Mart = field(init=False)

    def __post_init__(self) -> None:
        self.contributors = self.mart

    @property
    def lineage(self) -> Lineage:
        return self.build.marts.lineage(self.mart)

    @property
    def traced(self) -> Figure:
        return self.lineage.figures[self.figure] if self.figure else Figure()

    @property
    def parts(self) -> list[str]:
        """The columns of views that hold what a row adds to the figure."""
        return self.traced.of or ([self.figure] if self.figure else [])

    def run(self) -> None:
        """Make these tables."""
        execute = self.build.con.execute
        execute("create temp table asked_id (part integer, id blob, contributor varchar)")
        execute(
            "create temp table way (part integer, category varchar, model varchar, id_column varchar, role varchar)"
        )
        execute("create temp view asked as select * exclude (part) from way inner join asked_id using (part)")
        execute("create temp table wanted_load (load_id varchar, contributor varchar)")
        if self.figure is None:
            text = _text_of(self.mart.meta.key)
            execute(f"create temp table contributor as select {text} as contributor, * from {CELLS}")
            execute(f"create temp table step_0 as select {_listed(self.mart.meta.key)}, contributor from contributor")
            self._follow(self.mart, "step_0", "counts")
        else:
            link = self.lineage.rows[0]
            self.contributors = self.build.marts.mart(link.mart)
            self._contribute(link)
            self._check()
            carried = [c for c in self.mart.meta.key if c in self._view_columns(self.contributors)]
            key = list(dict.fromkeys([*self.contributors.meta.key, *carried]))
            execute(f"create temp table step_0 as select distinct {_listed(key)}, contributor from contribution")
            self._follow(self.contributors, "step_0", link.role)

    # --- the figure ---------------------------------------------------------------------------------
    def _contribute(self, link: RowLink) -> None:
        """`contribution`: each row that adds to the figure of one of the cells; `contributor`: each core row once."""
        view = self.build.marts.relation(str(link.through))
        columns = self.build.columns(view)
        key = [c for c in self.mart.meta.key if c in columns]
        target = {link.names.get(c, c): c for c in self.contributors.meta.key}
        person = ["person_id"] if "person_id" in columns else []
        scope = [
            f"{engine.text(self.traced.at[c])} as {engine.name(c)}" if c in self.traced.at else engine.name(c)
            for c in key
        ]
        amounts = [f"view.{engine.name(p)}" for p in self.parts]
        others = [c for c in key if c not in target and c not in target.values()]
        picked = [
            *(f"view.{engine.name(c)}" for c in [*others, *person]),
            *(f"view.{engine.name(c)} as {engine.name(to)}" for c, to in target.items()),
            *(f"view.{engine.name(c)} as {engine.name(f'cell_{c}')}" for c in key),
            *amounts,
        ]
        fixed = [c for c in key if c not in self.traced.at]
        core = ", ".join(f"view.{engine.name(c)}::varchar" for c in target)
        self.build.con.execute(
            f"""create temp table contribution as
            with scope as (select distinct {", ".join(scope)} from {CELLS})
            select {", ".join(picked)}, concat_ws('|', {core}) as contributor
            from {view} as view
            inner join scope on {" and ".join(f"view.{engine.name(c)} = scope.{engine.name(c)}" for c in key)}
            where ({" or ".join(f"{a} > 0" for a in amounts)}) and {self._narrowed(CELLS, fixed)}"""
        )
        names = _listed(["contributor", *self.contributors.meta.key, *person])
        sums = ", ".join(f"sum({engine.name(p)})::bigint as {engine.name(p)}" for p in self.parts)
        self.build.con.execute(
            f"create temp table contributor as select {names}, {sums} from contribution group by {names} order by all"
        )

    def _narrowed(self, table: str, columns: list[str]) -> str:
        """The few values a table has in columns shared with a view, as constants.

        The engine pushes those below the view's joins and unions, which it cannot do with a join on a computed column.
        """
        conditions = ["true"]
        for column in columns:
            values = self.build.con.execute(
                f"select distinct {engine.name(column)}::varchar from {table} limit {FEW + 1}"
            ).fetchall()
            if 0 < len(values) <= FEW:
                texts = ", ".join(engine.text(v) for (v,) in values)
                conditions.append(f"view.{engine.name(column)} in ({texts})")
        return " and ".join(conditions)

    def _check(self) -> None:
        """The contributions must add up to the figure of every cell, or the trace would tell of another number."""
        if self.traced.kind == "derived":
            return
        (part,) = self.parts
        column = engine.name(part)
        key = [c for c in self.mart.meta.key if c not in self.traced.at]
        added = (
            f"count(distinct coalesce(person_id, '')) filter ({column} > 0)"
            if self.traced.kind == "people"
            else f"sum({column})"
        )
        joined = " and ".join(f"cells.{engine.name(c)} = added.{engine.name(f'cell_{c}')}" for c in key)
        found = self.build.con.execute(
            f"""with added as (
                select {_listed([f"cell_{c}" for c in key])}, {added} as figure from contribution group by all
            )
            select count(*) from {CELLS} as cells left join added on {joined}
            where cells.{engine.name(str(self.figure))} is distinct from coalesce(added.figure, 0)"""
        ).fetchone()
        if found and found[0]:
            raise LinkworkError(
                f"what was found does not add up to {self.figure} in {found[0]} rows",
                where=self.mart.name,
                why="the view between the mart and its core rows does not say what the mart says",
                do="report this: it is a fault of the model, not of your data",
            )

    # --- rows, facts and loads ----------------------------------------------------------------------
    def _follow(self, mart: Mart, table: str, role: Role) -> None:
        lineage = self.build.marts.lineage(mart)
        self.reference = lineage.reference or self.reference
        rows = table
        needed = {event.column for event in lineage.events} | {lineage.load} - {None}
        needed |= {c for link in lineage.rows if not link.through for c in self.build.marts.mart(link.mart).meta.key}
        if not needed <= set(self.build.columns(table)):  # a mart may be large: it is read only for what is not known
            rows = f"(select * from {table} inner join {mart.relation} using ({_listed(mart.meta.key)}))"
        for column in dict.fromkeys(event.column for event in lineage.events):
            self._ask([event for event in lineage.events if event.column == column], rows, role)
        if lineage.load:
            self.build.con.execute(
                f"insert into wanted_load select distinct {engine.name(lineage.load)}, contributor from {rows}"
            )
        for link in lineage.rows:
            self._follow_rows(mart, link, table, rows, _weaker(role, link.role))

    def _follow_rows(self, mart: Mart, link: RowLink, table: str, rows: str, role: Role) -> None:
        target = self.build.marts.mart(link.mart)
        self.steps += 1
        step = f"step_{self.steps}"
        key = target.meta.key
        if link.through is None:
            query = f"select distinct {_listed(key)}, contributor from {rows}"
        else:
            view = self.build.marts.relation(link.through)
            columns = self.build.columns(view)
            shared = [c for c in self.build.columns(table) if c in columns]
            named = ", ".join(f"view.{engine.name(link.names.get(c, c))} as {engine.name(c)}" for c in key)
            amounts = [f"view.{engine.name(p)} > 0" for p in self.parts if p in columns]
            joined = " and ".join(f"view.{engine.name(c)} = source.{engine.name(c)}" for c in shared)
            query = f"""select distinct {named}, source.contributor
                from {view} as view inner join {table} as source on {joined}
                where ({" or ".join(amounts) or "true"}) and {self._narrowed(table, shared)}"""
        self.build.con.execute(f"create temp table {step} as {query}")
        self._follow(target, step, role)

    def _ask(self, links: list[EventLink], rows: str, role: Role) -> None:
        """Ask by one column for the facts of each link."""
        self.parts_asked += 1
        column = engine.name(links[0].column)
        (ids,) = engine.row(
            self.build.con,
            f"""insert into asked_id
            select {self.parts_asked}, unhex({column}) as id, min(contributor)
            from {rows} where {column} is not null group by id""",
        )
        ways = [(one.category, one.model, one.by, _weaker(role, one.role)) for one in links]
        listed = ", ".join(f"({self.parts_asked}, {', '.join(map(engine.text, way))})" for way in ways)
        if ids:
            self.build.con.execute(f"insert into way values {listed}")

    def _view_columns(self, mart: Mart) -> set[str]:
        """The columns of the views that lead on from a mart."""
        views = [link.through for link in self.build.marts.lineage(mart).rows if link.through]
        return {c for view in views for c in self.build.columns(self.build.marts.relation(view))}


def _weaker(first: Role, second: Role) -> Role:
    """What counts for something that only places a row only places it too."""
    return "counts" if first == second == "counts" else "places"


def _listed(columns: list[str]) -> str:
    return ", ".join(engine.name(c) for c in columns)


def _text_of(columns: list[str]) -> str:
    return f"concat_ws('|', {', '.join(f'{engine.name(c)}::varchar' for c in columns)})"
