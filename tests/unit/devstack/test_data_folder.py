"""The data folder of a local stack: ours alone, and one run's at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from libs.devstack.folder import FolderError, data_folder

_HOLD = """
import sys
from pathlib import Path
from libs.devstack.folder import data_folder
with data_folder(Path(sys.argv[1]), fresh=False):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_missing_folder_is_made_with_those_above_it_and_marked_as_ours(tmp_path: Path) -> None:
    with data_folder(tmp_path / "a" / "b", fresh=False) as folder:
        assert folder == tmp_path / "a" / "b"
        assert "hearthgate up" in (folder / ".hearthgate-data").read_text()


def test_a_relative_path_becomes_an_absolute_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with data_folder(Path("data"), fresh=False) as folder:
        assert folder == tmp_path / "data"


def test_what_a_run_leaves_is_there_in_the_next(tmp_path: Path) -> None:
    with data_folder(tmp_path / "data", fresh=False) as folder:
        (folder / "kept").write_text("x")
    with data_folder(tmp_path / "data", fresh=False) as folder:
        assert (folder / "kept").read_text() == "x"


def test_a_fresh_start_empties_the_folder_and_follows_no_link_out_of_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    with data_folder(tmp_path / "data", fresh=False) as folder:
        (folder / "logs").mkdir()
        (folder / "logs" / "identity.log").write_text("x")
        (folder / "secrets.json").write_text("{}")
        (folder / "link").symlink_to(outside)
    with data_folder(tmp_path / "data", fresh=True) as folder:
        assert {each.name for each in folder.iterdir()} == {".hearthgate-data", "run.lock"}
    assert (outside / "precious").exists()


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_with_other_things_is_refused_and_left_as_it_is(fresh: bool, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(FolderError, match=r"holds other things.*--data"), data_folder(tmp_path, fresh=fresh):
        pytest.fail("it was taken")
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    with data_folder(tmp_path, fresh=True) as folder:
        assert (folder / ".hearthgate-data").exists()


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(FolderError, match="is not a folder"), data_folder(tmp_path / "data", fresh=True):
        pytest.fail("it was taken")


def test_a_folder_in_use_is_refused_with_its_holders_process_until_that_ends(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        (data / "kept").write_text("x")
        said = rf"in use by another run \(process {holder.pid}\).*--data"
        with pytest.raises(FolderError, match=said), data_folder(data, fresh=True):
            pytest.fail("it was taken")
        assert (data / "kept").exists(), "a fresh start empties nothing that another run uses"
        holder.communicate()
    with data_folder(data, fresh=False):
        """It is free again."""
