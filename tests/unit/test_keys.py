"""Key files: made once, kept outside the data, recognised by the log, and named when something is wrong with them."""

import stat

import pytest

from linkwork.errors import BadDataError, UsageError
from linkwork.privacy.keys import create_keys, key_files, load_keys, remember_keys
from linkwork.settings import Settings


@pytest.fixture
def chosen(tmp_path):
    return Settings(home=tmp_path / "data", keys_dir=tmp_path / "keys")


def test_created_keys_differ_are_private_and_are_never_made_twice(chosen):
    made = create_keys(chosen)
    assert len(made) == 3
    assert {stat.S_IMODE(p.stat().st_mode) for p in made} == {0o600}
    assert stat.S_IMODE(chosen.keys_dir.stat().st_mode) == 0o700
    keys = load_keys(chosen)
    assert len({keys.pseudonym, keys.id, keys.zone1}) == 3
    assert {len(k) for k in (keys.pseudonym, keys.id, keys.zone1)} == {32}
    assert create_keys(chosen) == []
    assert load_keys(chosen) == keys


def test_a_missing_key_is_made_without_touching_the_others(chosen):
    create_keys(chosen)
    before = load_keys(chosen)
    (chosen.keys_dir / "zone1.key").unlink()
    assert create_keys(chosen) == [chosen.keys_dir / "zone1.key"]
    assert (load_keys(chosen).pseudonym, load_keys(chosen).id) == (before.pseudonym, before.id)


@pytest.mark.parametrize("purpose", ["pseudonym", "id", "zone1"])
def test_a_missing_key_names_its_file_and_the_command(chosen, purpose):
    create_keys(chosen)
    path = key_files(chosen)[purpose]
    path.unlink()
    with pytest.raises(UsageError, match="missing") as raised:
        load_keys(chosen)
    assert raised.value.where == str(path)
    assert "linkwork keys init" in raised.value.do


@pytest.mark.parametrize("content", [b"", b"abc", b"zz" * 32, b"ab" * 31, b"ab" * 33, b"\xff\xfe" * 32])
def test_a_malformed_key_names_its_file_and_does_not_repeat_it(chosen, content):
    create_keys(chosen)
    path = key_files(chosen)["id"]
    path.write_bytes(content)
    with pytest.raises(BadDataError, match="malformed") as raised:
        load_keys(chosen)
    assert raised.value.where == str(path)
    assert not content or content.decode("latin-1") not in str(raised.value)


def test_a_key_inside_the_data_home_is_refused(tmp_path):
    inside = Settings(home=tmp_path, keys_dir=tmp_path / "keys")
    create_keys(inside)
    with pytest.raises(UsageError, match="inside LINKWORK_HOME"):
        load_keys(inside)


def test_each_key_can_have_a_file_of_its_own(chosen, tmp_path):
    create_keys(chosen)
    other = tmp_path / "elsewhere.hex"
    other.write_text("5a" * 32 + "\n")
    moved = Settings(home=chosen.home, keys_dir=chosen.keys_dir, zone1_key_file=other)
    assert load_keys(moved).zone1 == b"Z" * 32
    assert load_keys(moved).id == load_keys(chosen).id


def test_keys_do_not_show_themselves(chosen):
    create_keys(chosen)
    keys = load_keys(chosen)
    shown = f"{keys} {keys!r} {keys.check_values()}"
    for key in (keys.pseudonym, keys.id, keys.zone1):
        assert key.hex() not in shown
        assert repr(key) not in shown


def test_the_log_refuses_another_pseudonym_or_id_key_but_lets_zone_1_rotate(chosen):
    create_keys(chosen)
    remember_keys(load_keys(chosen), chosen.log_dir)
    remember_keys(load_keys(chosen), chosen.log_dir)
    for purpose, accepted in (("zone1", True), ("pseudonym", False), ("id", False)):
        path = key_files(chosen)[purpose]
        before = path.read_text()
        path.write_text("11" * 32)
        if accepted:
            remember_keys(load_keys(chosen), chosen.log_dir)
        else:
            with pytest.raises(UsageError, match=f"{purpose} key is not the one"):
                remember_keys(load_keys(chosen), chosen.log_dir)
        path.write_text(before)
