"""The two Assets that link the three DAGs, each named once.

An Asset is updated only by a task that succeeded, so a task that changed nothing skips itself and
nothing that depends on the Asset is started.
"""

from airflow.sdk import Asset

EVENT_LOG = Asset("event_log")  # updated by ingest_events.append_events when events were appended
MARTS = Asset("marts")  # updated by build_marts.build_warehouse when the marts were rebuilt
