"""Make an Airflow home ready, or ready again: schema, pools, nothing left over from a killed run.

    AIRFLOW_HOME=… python dags/bootstrap.py

Only while no scheduler works on that home. Every DAG is paused, an unfinished run is set to failed, and Asset
updates that nobody followed up are dropped, so that a new scheduler starts nothing by itself. What was left
undone is not forgotten: the last line printed is JSON, `{"owed": [ids of DAGs whose newest run did not
succeed, or that an Asset should have started]}`.
"""

import json
from pathlib import Path

from airflow.models.asset import AssetDagRunQueue
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.utils.db import check_migrations, initdb
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, State, TaskInstanceState
from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.orm import Session

POOLS = Path(__file__).with_name("pools.json")


def ready_schema() -> None:
    """Create the metadata database, or bring it to this version of Airflow; quick when it is there."""
    try:
        check_migrations(1)
    except Exception:  # an empty database, or one of an older Airflow: both are for initdb
        initdb()


def ready_pools() -> None:
    """Give every pool the slots that pools.json states."""
    for name, pool in json.loads(POOLS.read_text()).items():
        Pool.create_or_update_pool(name, pool["slots"], pool["description"], pool["include_deferred"])


def close_unfinished(session: Session) -> set[str]:
    """Pause every DAG and end what a killed run left open; the ids of the DAGs that are owed a run."""
    session.execute(update(DagModel).values(is_paused=True))
    dropped = set(session.scalars(select(AssetDagRunQueue.target_dag_id)))
    session.execute(delete(AssetDagRunQueue))
    unfinished = DagRun.state.in_(State.unfinished_dr_states)
    # A task instance left in a running state would go on taking its slot of a pool.
    runs = select(DagRun.dag_id, DagRun.run_id).where(unfinished)
    begun = [state for state in State.unfinished if state is not None]
    session.execute(
        update(TaskInstance)
        .where(tuple_(TaskInstance.dag_id, TaskInstance.run_id).in_(runs), TaskInstance.state.in_(begun))
        .values(state=TaskInstanceState.FAILED)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(DagRun).where(unfinished).values(state=DagRunState.FAILED).execution_options(synchronize_session=False)
    )
    newest = select(func.max(DagRun.id)).group_by(DagRun.dag_id)
    not_done = select(DagRun.dag_id).where(DagRun.id.in_(newest), DagRun.state != DagRunState.SUCCESS)
    return dropped | set(session.scalars(not_done))


def main() -> None:
    """Do the three in order and print what is owed."""
    ready_schema()
    ready_pools()
    with create_session() as session:
        owed = close_unfinished(session)
    print(json.dumps({"owed": sorted(owed)}))


if __name__ == "__main__":
    main()
