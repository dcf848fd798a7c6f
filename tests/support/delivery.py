"""A small region's files taken as an operator would: what is held only because it is small is released by name."""

from tests.support.installation import Installation


def take(made: Installation, landing: str) -> None:
    """Ingest a landing folder; a file with few people is held when one or two of them have no number."""
    before = {load["load_id"] for load in made.json("load", "list")}  # what was held then has been released
    if made.run("ingest", "--landing", landing, expect=(0, 3)).returncode == 0:
        return
    for load in made.json("load", "list"):
        if load["status"] == "held" and load["load_id"] not in before:
            assert "local identifier" in load["detail"]
            made.run("load", "release", load["load_id"], "--reason", "a small file, in which few have no number")
    made.run("ingest", "--landing", landing)
