"""Who is registered and who opted out, as the extracts of vendors say it: flags either way round."""

import pytest

from tests.support.gate import Staged
from tests.support.vendors import ONE, said, staged

# --- registrations with inverted flags ---------------------------------------------------------------
PATIENTS = (
    "registration_id,patient_id,nhs_number,date_of_birth,gender,lsoa_code,lsoa_vintage,registration_start,"
    "registration_end,{type1},is_national_data_opted_in,is_deleted,extracted_at"
)


def patient(id: str, type1: str, ndoo: str) -> str:
    return f"r{id},p{id},{ONE},1950-05,2,E01000001,2021,2001-01-01,,{type1},{ndoo},FALSE,2025-07-01T02:00:00Z"


def opt_outs(made: Staged) -> dict[int, list[str]]:
    facts = said(made, "person", "person_opt_out")
    return {n: sorted(opt_out for kind, opt_out in found if kind == "person.opted_out") for n, found in facts.items()}


@pytest.mark.parametrize("flag", ["is_consent_93c1", "is_consent_9nu0"])
def test_an_emis_flag_that_is_false_is_an_opt_out(tmp_path, flag):
    lines = [patient("a", "TRUE", "TRUE"), patient("b", "FALSE", "TRUE"), patient("c", "TRUE", "FALSE")]
    lines += [patient("d", "FALSE", "FALSE"), "re,,,,,,,,,,,TRUE,2025-07-01T02:00:00Z"]
    made = staged(tmp_path, "registrations_emis_csv", PATIENTS.format(type1=flag), *lines)
    assert opt_outs(made) == {1: [], 2: ["type1"], 3: ["ndoo"], 4: ["ndoo", "type1"]}
    assert made.profile["valid"] == 5  # the deleted registration too: it says that nothing holds


def test_an_empty_emis_flag_of_type_1_is_no_opt_out_and_the_national_one_must_be_said(tmp_path):
    """The first is made from a code that most records have not; of the second nothing says what empty means."""
    lines = [patient("a", "", "TRUE"), patient("b", "", "FALSE"), patient("c", "FALSE", ""), patient("d", "", "")]
    lines += [patient("e", "No", "TRUE"), patient("f", "TRUE", "No")]
    made = staged(tmp_path, "registrations_emis_csv", PATIENTS.format(type1="is_consent_93c1"), *lines)
    assert opt_outs(made) == {1: [], 2: ["ndoo"]}
    assert made.refused_lines == [
        (4, "required", "ndoo"), (5, "required", "ndoo"), (6, "domain", "type1"), (7, "domain", "ndoo"),
    ]  # fmt: skip
