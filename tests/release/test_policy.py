"""Named policies: their golden values, and that nothing is released under a name nobody knows."""

import pytest

from linkwork.engine import connect
from linkwork.errors import EXIT_USAGE, UsageError
from linkwork.release.disclosure import rounded_sql, suppressed_sql
from linkwork.release.policy import DisclosurePolicy, load_policy, policy_names

# count -> what is shown; None is suppressed. The published methods of both bodies.
HES = {0: 0, 1: None, 6: None, 7: None, 8: 10, 12: 10, 13: 15, 22: 20, 23: 25}
OPENSAFELY = {0: None, 1: None, 6: None, 7: None, 8: 10, 12: 10, 13: 15, 22: 20, 23: 25}


@pytest.mark.parametrize(("name", "golden"), [("nhs-hes", HES), ("opensafely", OPENSAFELY)])
def test_golden_values_in_python_and_in_sql(name: str, golden: dict[int, int | None]) -> None:
    policy = load_policy(name)
    con = connect()
    for count, shown in golden.items():
        assert (None if policy.suppresses(count) else policy.rounded(count)) == shown
        sql = f"select case when not {suppressed_sql('c', policy)} then {rounded_sql('c', policy)} end"
        assert con.execute(f"{sql} from (select {count}::bigint as c)").fetchone() == (shown,)


def test_rounding_is_to_the_nearest_for_every_count_up_to_a_thousand() -> None:
    policy = load_policy("nhs-hes")
    for count in range(1000):
        rounded = policy.rounded(count)
        assert rounded % 5 == 0
        assert abs(rounded - count) <= 2


@pytest.mark.parametrize("name", ["nhs_hes", "NHS-HES", "none", "", "../policies/nhs-hes", "nhs-hes.yaml"])
def test_f114_an_unknown_policy_refuses_and_names_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match="nhs-hes, opensafely") as refused:
        load_policy(name)
    assert refused.value.exit_code == EXIT_USAGE


def test_the_policies_that_exist_can_be_read_and_carry_the_hash_of_their_file() -> None:
    hashes = {load_policy(name).sha256 for name in policy_names()}
    assert policy_names() == ["nhs-hes", "opensafely"]
    assert len(hashes) == 2
    assert all(len(sha256) == 64 for sha256 in hashes)


def test_a_policy_that_would_round_a_shown_count_to_nobody_cannot_be_made() -> None:
    fields = load_policy("nhs-hes").model_dump()
    with pytest.raises(ValueError, match="reads as nobody"):
        DisclosurePolicy.model_validate({**fields, "suppress_to": 1, "round_to": 10})
