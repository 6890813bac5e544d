"""The data directory is one process's, and its sockets have short, private paths."""

import os
import stat

import pytest

from server.embedded.account import Account, lend, own
from server.embedded.directory import DataDirectory
from server.embedded.errors import EmbeddedError

STRANGER = Account(uid=54_321, gid=54_321, name="stranger")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def held(tmp_path):
    directory = DataDirectory(tmp_path / "data", None)
    directory.hold()
    yield directory
    directory.release()


def test_it_is_made_private(held):
    assert mode(held.path) == mode(held.home) == mode(held.sockets) == 0o700


def test_a_busy_one_is_refused_in_one_sentence_that_names_the_holder(held):
    with pytest.raises(EmbeddedError) as raised:
        DataDirectory(held.path, None).hold()
    text = str(raised.value)
    assert text.startswith(f"Another liveclass (process {os.getpid()}) is using")
    assert str(held.path) in text
    held.release()
    again = DataDirectory(held.path, None)
    again.hold()
    again.release()


def test_one_that_is_no_directory_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedError, match="cannot be used: Not a directory"):
        DataDirectory(tmp_path / "file" / "below", None).hold()
    with pytest.raises(EmbeddedError, match="cannot be used: File exists"):
        DataDirectory(tmp_path / "file", None).hold()


def test_a_long_path_has_its_sockets_elsewhere_until_it_is_released(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    directory = DataDirectory(deep, None)
    directory.hold()
    assert len(os.fsencode(directory.sockets / ".s.PGSQL.5432.lock")) <= 103
    assert not directory.sockets.is_relative_to(deep)
    assert mode(directory.sockets) == 0o700
    sockets = directory.sockets
    directory.release()
    assert not sockets.exists()


def test_an_account_passes_where_the_modes_let_it(tmp_path):
    open_, closed = tmp_path / "open", tmp_path / "closed"
    open_.mkdir(mode=0o755)
    closed.mkdir(mode=0o700)
    mine = Account(os.geteuid(), os.getegid(), "me")
    assert mine.reaches(closed / "file")
    assert not STRANGER.reaches(closed / "file")
    program = open_ / "program"
    program.write_text("")
    program.chmod(0o700)
    assert mine.runs(program)
    assert not STRANGER.runs(program)


def test_programs_that_the_account_can_run_are_run_where_they_are(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "program").write_text("")
    assert lend(tmp_path / "tree", "program", tmp_path, None) == tmp_path / "tree"


@pytest.fixture
def closed_tree(tmp_path):
    tree = tmp_path / "closed" / "tree"
    tree.mkdir(parents=True)
    (tree / "program").write_text("v1")
    (tree / "program").chmod(0o700)
    (tree / "link").symlink_to("program")
    tree.parent.chmod(0o700)
    return tree


@pytest.mark.usefixtures("closed_tree")
def test_programs_that_the_account_cannot_run_are_copied_whole(tmp_path, closed_tree, monkeypatch):
    given = {}
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: given.update({path.name: (uid, gid)}))
    copies = tmp_path / "copies"
    copies.mkdir()
    # What an interrupted copy left behind is no copy.
    (copies / "tree.partial").mkdir()
    found = lend(closed_tree, "program", copies, STRANGER)
    assert found == copies / "tree"
    assert (found / "program").read_text() == (found / "link").read_text() == "v1"
    assert mode(found / "program") == 0o700
    assert given == dict.fromkeys(("tree.partial", "program"), (STRANGER.uid, STRANGER.gid))
    (closed_tree / "program").write_text("v2")
    assert lend(closed_tree, "program", copies, STRANGER) == found


def test_own_makes_a_directory_private_that_was_not(tmp_path):
    (tmp_path / "d").mkdir(mode=0o777)
    assert mode(own(tmp_path / "d", None)) == 0o700
