"""`simulate` and `demo`: a synthetic region, and the whole job on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from linkwork.cli.output import NOT_OURS, AsJson, command, errors, say_json, say_table, settings
from linkwork.errors import UsageError

DEMO_SEED = 7


@command
def simulate(
    out: Annotated[Path, typer.Option(help="Where the region is written: landing, reference, truth.")],
    preset: Annotated[
        str, typer.Option(help="tiny, demo, pcn or icb: people, days and truth by name; other options change it.")
    ] = "demo",
    people: Annotated[
        int | None,
        typer.Option(
            min=300,
            help="How many people ever live there in the simulated days; fewer are registered on any one of them.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = DEMO_SEED,
    days: Annotated[
        int | None,
        typer.Option(min=0, help="One full extract, then a delivery on each of the last so many days, in OUT/days."),
    ] = None,
    extract_days: Annotated[
        int | None,
        typer.Option(
            min=1, max=400, help="How many days back the daily extracts of state feeds reach; 14 if not said."
        ),
    ] = None,
    mess: Annotated[
        str | None, typer.Option(help="How much goes wrong: 0 (nothing) to 1, or dial=share,… such as duplicated=0.01.")
    ] = None,
    feeds: Annotated[
        str | None,
        typer.Option(help="Who sends what in which feed: varied, or sender=feed,… such as Z90001=fhir_r4_ndjson."),
    ] = None,
    effect_rate_ratio: Annotated[
        float | None,
        typer.Option(
            help="What a contact held does to the later rate of GP visits: 1 nothing, 0.8 a fifth fewer, 1.1 more."
        ),
    ] = None,
    effect_for: Annotated[
        str | None,
        typer.Option(help="Other ratios for groups: imd1=0.95,over64=0.8 (imd1 to imd5, under18, 18to64, over64)."),
    ] = None,
    engagement_gap: Annotated[
        float | None, typer.Option(help="How strongly route and deprivation decide who takes part; 0 is not at all.")
    ] = None,
    rollout_months: Annotated[
        int | None, typer.Option(help="Over how many months practices take up social prescribing; 0: all before.")
    ] = None,
    both_reported: Annotated[
        float | None, typer.Option(help="Share of a practice's referrals that it reports too.")
    ] = None,
    referred_per_year: Annotated[float | None, typer.Option(help="Referrals per registered person and year.")] = None,
    changes: Annotated[
        bool | None, typer.Option(help="Whether practices, networks, boards and systems change in the simulated days.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a synthetic region: files as senders would send them, reference data, and the truth apart."""
    from simulator import simulate as write_region
    from simulator.presets import PRESETS

    _refuse_taken(out, do="name a new folder")
    if preset not in PRESETS:
        raise UsageError(f"there is no preset {preset}", do=f"name one of {', '.join(PRESETS)}")
    said = {
        "people": people, "effect_rate_ratio": effect_rate_ratio, "effect_for": effect_for,
        "engagement_gap": engagement_gap, "rollout_months": rollout_months, "both_reported": both_reported,
        "referred_per_year": referred_per_year, "changes": changes,
    }  # fmt: skip
    chosen = PRESETS[preset] | {name: value for name, value in said.items() if value is not None}
    with _writing(out):
        summary = write_region(
            seed=seed, out=out, deliveries=days, extract_days=extract_days, mess=mess, feeds=feeds, **chosen
        )
    if as_json:
        say_json(summary)
    else:
        rows = [(feed, counts["files"], counts["records"]) for feed, counts in summary["feeds"].items()]
        listed = ", ".join(f"{people:,} registered on {day}" for day, people in summary["registered"].items())
        title = f"Synthetic region of {summary['people']:,} people in {out} ({listed})"
        say_table(title, ("feed", "files", "records"), rows)


@command
def demo(
    synthetic: Annotated[Path, typer.Option(help="Where the synthetic region is, or will be written.")] = Path(
        "synthetic"
    ),
    people: Annotated[
        int | None, typer.Option(min=300, help="How many people ever live there, if it is written.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The seed, if it is written.")] = DEMO_SEED,
    as_json: AsJson = False,
) -> None:
    """The whole job on a synthetic region through a real Airflow: what `make run` does."""
    import os

    from linkwork import reference
    from linkwork.cli.summary import run_through_airflow
    from linkwork.privacy.keys import create_keys
    from simulator import simulate as write_region
    from simulator.presets import PRESETS

    say = errors.print
    if not (synthetic / "landing").is_dir():
        _refuse_taken(synthetic, do="name a new folder, or one that `linkwork simulate` wrote")
        region = PRESETS["demo"] | ({"people": people} if people else {})
        say(f"simulating a region of {region['people']:,} people in {synthetic}")
        with _writing(synthetic):
            write_region(seed=seed, out=synthetic, **region)
    # The region's NHS numbers are of the never-issued test range, which an installation refuses by default.
    os.environ.update(LINKWORK_TEST_NUMBERS="allow", LINKWORK_LANDING=str((synthetic / "landing").absolute()))
    chosen = settings()
    say("test NHS numbers are allowed for this run (LINKWORK_TEST_NUMBERS=allow); releases are marked synthetic")
    if created := create_keys(chosen):
        say(f"made {len(created)} development keys in {created[0].parent}; a real installation brings its own")
    os.environ["LINKWORK_KEYS_DIR"] = str(chosen.keys_dir)
    os.environ["LINKWORK_HOME"] = str(chosen.home)
    reference.load_missing(chosen.reference_dir, synthetic / "reference", partial(_on_record, chosen.log_dir))
    run_through_airflow(chosen, as_json=as_json)


@contextmanager
def _on_record(log_dir: Path, kind: str, version: Path, rows: int) -> Iterator[None]:
    """A version of reference data that comes to be there, with its row in `log/operations`."""
    from linkwork.log.changes import Outcome, change

    with change(log_dir, "reference load") as made:
        made.announce(kind, Outcome(f"{rows} rows", version))
        yield


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Raise UsageError for settings of a region that cannot be, and for a place where this user cannot write."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error), do="see `linkwork simulate --help`") from error
    except OSError as error:
        if error.errno not in NOT_OURS:
            raise
        why = f"{error.strerror} ({error.filename})"
        raise UsageError("no region can be written there", where=str(out), why=why, do="name another folder") from error


def _refuse_taken(folder: Path, *, do: str) -> None:
    """Raise UsageError where no region can be written: the place holds something else."""
    from simulator.place import taken

    if folder.exists() and not folder.is_dir():
        raise UsageError("it is not a folder", where=str(folder), do=do)
    if taken(folder):
        raise UsageError("the folder is not empty", where=str(folder), do=do)


def register(app: typer.Typer) -> None:
    app.command()(simulate)
    app.command()(demo)
