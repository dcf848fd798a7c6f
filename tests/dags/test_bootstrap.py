"""What dags/bootstrap.py leaves of a killed run: nothing that would start, and a note of what is owed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def session(bag: Any) -> Iterator[Any]:
    """A session on the metadata database without any run in it."""
    from airflow.models.asset import AssetDagRunQueue
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as opened:
        opened.execute(delete(AssetDagRunQueue))
        opened.execute(delete(DagRun))
        opened.commit()
        yield opened


def _begin(dag: Any, run_id: str) -> Any:
    """A run with its task instances, as the scheduler makes it."""
    from airflow.models.dagrun import get_or_create_dagrun
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType

    scheduled = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    with create_session() as session:
        return get_or_create_dagrun(
            dag=scheduled,
            start_date=datetime.now(UTC),
            logical_date=None,
            data_interval=None,
            run_after=datetime.now(UTC),
            run_id=run_id,
            conf={},
            triggered_by=DagRunTriggeredByType.TEST,
            triggering_user_name=None,
            session=session,
        )


def test_a_home_that_is_ready_owes_nothing(
    bootstrap: ModuleType, session: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.main()
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"owed": []}


def test_pools_are_those_of_the_file(bootstrap: ModuleType, session: Any) -> None:
    from airflow.models.pool import Pool

    defined = json.loads(bootstrap.POOLS.read_text())
    assert {name: Pool.get_pool(name, session=session).slots for name in defined} == {
        name: pool["slots"] for name, pool in defined.items()
    }


def test_unfinished_runs_are_ended_and_their_pool_slots_freed(bootstrap: ModuleType, bag: Any, session: Any) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.models.pool import Pool
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import select, update

    _begin(bag.dags["build_marts"], "killed")
    session.execute(update(TaskInstance).where(TaskInstance.run_id == "killed").values(state="running"))
    session.commit()
    assert Pool.slots_stats(session=session)["warehouse"]["open"] == 0

    assert bootstrap.close_unfinished(session) == {"build_marts"}
    session.commit()
    assert Pool.slots_stats(session=session)["warehouse"]["open"] == 1
    assert session.scalars(select(DagRun.state).where(DagRun.run_id == "killed")).all() == ["failed"]
    assert session.scalars(select(TaskInstance.state).where(TaskInstance.run_id == "killed")).all() == ["failed"]


def test_an_asset_update_nobody_followed_up_starts_nothing_but_is_owed(
    bootstrap: ModuleType, bag: Any, session: Any
) -> None:
    from airflow.models.asset import AssetDagRunQueue, AssetModel
    from airflow.models.dag import DagModel
    from sqlalchemy import select, update

    asset_id = session.scalar(select(AssetModel.id).where(AssetModel.name == "event_log"))
    session.add(AssetDagRunQueue(asset_id=asset_id, target_dag_id="build_marts"))
    session.execute(update(DagModel).values(is_paused=False))
    session.commit()

    assert bootstrap.close_unfinished(session) == {"build_marts"}
    session.commit()
    assert session.scalars(select(AssetDagRunQueue)).all() == []
    assert set(session.scalars(select(DagModel.is_paused))) == {True}


def test_a_later_success_settles_the_debt(bootstrap: ModuleType, bag: Any, session: Any) -> None:
    from airflow.models.dagrun import DagRun
    from sqlalchemy import update

    for run_id, state in (("first", "failed"), ("second", "success")):
        _begin(bag.dags["build_marts"], run_id)
        session.execute(update(DagRun).where(DagRun.run_id == run_id).values(state=state))
        session.commit()
    assert bootstrap.close_unfinished(session) == set()
