"""A last line that is no record: recognised by its pattern, held to its count, counted as skipped."""

import pytest

from tests.support.gate import contract, stage

PLAIN = "{format: csv, footer: {pattern: 'TRAILER[|][0-9]+'}}"
COUNTED = "{format: csv, footer: {pattern: 'TRAILER,([0-9]+),*', count: true}}"


def taken(tmp_path, file: str, content: str | bytes):
    return stage(tmp_path, contract("{name: id, required: true}", "{name: b}", file=file), content).profile


@pytest.mark.parametrize("end", ["\n", "", "\r\n", "\n\n\n"])
def test_f39_a_footer_is_skipped_and_counted(tmp_path, end):
    profile = taken(tmp_path, PLAIN, f"id,b\n1,x\n2,y\nTRAILER|9{end}")
    assert (profile["records"], profile["valid"], profile["skipped_as"]) == (3, 2, {"footer": 1})
    assert profile["quarantined"] == 0


def test_f39_a_total_line_without_a_footer_in_the_contract_is_refused_as_a_record(tmp_path):
    profile = taken(tmp_path, "{format: csv, refusedThreshold: 1}", "id,b\n1,x\nTRAILER|1\n")
    assert (profile["records"], profile["valid"], profile["quarantined"]) == (2, 1, 1)


def test_f27_a_file_whose_footer_counts_otherwise_is_refused(tmp_path):
    assert taken(tmp_path, COUNTED, "id,b\n1,x\n2,y\nTRAILER,2\n")["valid"] == 2
    refused = taken(tmp_path, COUNTED, "id,b\n1,x\nTRAILER,2\n")["refused"]
    assert refused == "The footer says 2 records, and there are 1: ask for the file again."


def test_f27_a_file_without_its_footer_was_cut_off(tmp_path):
    assert "may have been cut off" in taken(tmp_path, COUNTED, "id,b\n1,x\n2,y\n")["refused"]


def test_a_footer_follows_the_encoding(tmp_path):
    profile = taken(tmp_path, COUNTED[:-1] + ", encoding: utf-16}", "id,b\n1,é\nTRAILER,1,\n".encode("utf-16"))
    assert (profile["valid"], profile["skipped_as"]) == (1, {"footer": 1})


def test_f20_another_order_is_taken_by_name_unless_the_contract_is_strict(tmp_path):
    assert taken(tmp_path, "{format: csv}", "b,id\nx,1\n")["valid"] == 1
    assert "another order" in taken(tmp_path, "{format: csv, strictOrder: true}", "b,id\nx,1\n")["refused"]
