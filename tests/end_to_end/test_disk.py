"""A disk that is full, broken or write-protected: what was safe stays, and the rest is said.

The quick part lets calls of a save, of the logs and of a run's beginning fail, one here and there;
WAVEMT_TORTURE=1 lets every one fail in every way. See scripts/torture.sh.
"""
import json
import os
import re
import shutil
import subprocess

import pytest
from conftest import PROGRAM, TORTURE, metrics_of, thinned, without_speeds, write_config
from file_faults import (SAVE_BEGINS, TormentedRun, assert_as_never_stopped, calls_in, leftovers,
                         newest_whole, program, reference, report, save_calls, with_faults,
                         write_small_config)  # Two are fixtures.

STEPS = 8
REASONS = {"ENOSPC": "No space left on device", "EDQUOT": "Disk quota exceeded",
           "EIO": "Input/output error", "EROFS": "Read-only file system",
           "EACCES": "Permission denied"}
NOBODY = 65534


@pytest.fixture
def failing_run(tmp_path, corpus, run, reference):
    return FailingRun(tmp_path, corpus, run / "tokenizer.model", reference, max_steps=STEPS)


def messages(said, level):
    return [line for line in said.splitlines() if f" {level}: " in line]


class FailingRun(TormentedRun):
    def fail(self, plan, reason, **faults):
        """One command under faults: it ends by itself, and either says why it cannot go on, or does
        what it should. Returns what it said."""
        result = self.go_on(plan=plan, **faults)
        said = result.stderr
        assert result.returncode in (0, 1), said
        if result.returncode == 1:
            [error] = messages(said, "error")
            assert str(self.folder) in error and reason in error, said
            if "cannot be written" in error:
                assert re.search(r" \([\d.]+ [kMGT]?B free there\)", error), said
            assert not leftovers(self.folder) or plan.endswith("+")
            self.check_nothing_is_lost()
        else:
            assert messages(said, "error") == []
            if plan.endswith("+"):
                self.check_nothing_is_lost()  # But not everything could be tidied up.
                self.begin_anew()
            else:
                self.check_the_end()
        return said


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EDQUOT"])
def test_each_call_of_a_save_fails(failing_run, save_calls, error):
    moments = range(1, len(save_calls) + 1)
    if not TORTURE:
        moments = moments[{"ENOSPC": 0, "EIO": 3, "EDQUOT": 6}[error]::9]
    stopped = 0
    for n in moments:
        said = failing_run.fail(f"{error}@{n}", REASONS[error], begin=SAVE_BEGINS)
        if messages(said, "error"):
            assert f"training stops here; `wavemt resume {failing_run.run}` continues" in said
            stopped += 1
    failing_run.go_to_the_end()
    assert stopped >= len(moments) / 2
    report(f"calls of a save failed ({error})", len(moments))


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EROFS", "EACCES"])
def test_the_disk_goes_bad_within_a_save_and_stays_bad(failing_run, save_calls, error):
    moments = range(1, len(save_calls) + 1)
    if not TORTURE:
        moments = moments[1::25]
    stopped = 0
    for n in moments:
        said = failing_run.fail(f"{error}@{n}+", REASONS[error], begin=SAVE_BEGINS)
        stopped += len(messages(said, "error"))
    failing_run.go_to_the_end()
    assert stopped >= len(moments) / 3
    report(f"saves on a disk that goes bad ({error})", len(moments))


def test_a_checkpoint_that_cannot_get_its_name_back_stays(failing_run):
    """It stood aside for a new one of its name on a file system that cannot exchange the two."""
    assert failing_run.go_on().returncode == 0
    newest = newest_whole(failing_run.run)
    aside = newest.with_name(f"{newest.name}.12.old.unfinished")
    newest.rename(aside)
    nothing_to_do = ("resume", failing_run.run, "--set", f"training.max_steps={STEPS - 1}")
    program(*nothing_to_do, env=with_faults(failing_run.folder, plan="EIO@1",
                                            begin=f"rename:/checkpoints/{newest.name}"))
    assert aside.is_dir() and not newest.exists()
    program(*nothing_to_do)
    assert newest.is_dir() and leftovers(failing_run.folder) == []


def test_writes_that_take_half_change_nothing(failing_run):
    result = failing_run.go_on(plan="short@1+")
    assert result.returncode == 0, result.stderr
    assert messages(result.stderr, "warning") == []
    failing_run.check_the_end()


def test_bytes_that_change_on_their_way_to_the_disk_are_found(failing_run, save_calls):
    """The new checkpoint is read back before it counts, and before an old one goes."""
    writes = [(n, path) for n, (name, path) in enumerate(save_calls, 1)
              if name == "write" and "/checkpoints/step-" in path]
    assert len(writes) == 4
    for n, path in writes:
        result = failing_run.go_on(plan=f"flip@{n}", begin=SAVE_BEGINS)
        name = path.rpartition("/")[2]
        if name != "manifest.json":
            assert result.returncode == 1
            assert re.search(rf"error: .*/{name}: is damaged: its checksum is", result.stderr)
        failing_run.check_nothing_is_lost()
        assert leftovers(failing_run.folder) == []
    failing_run.go_to_the_end()


@pytest.mark.parametrize("log", ["metrics.jsonl", "tfevents"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EACCES"])
def test_training_goes_on_without_a_log(failing_run, error, log):
    """For a while; then it is caught up with."""
    for first, last in [(1, 3), (2, 6), (7, 12), (5, 5)] if TORTURE else [(1, 6)]:
        result = failing_run.go_on(plan=f"{error}@{first}-{last}", only=log)
        assert result.returncode == 0, result.stderr
        warnings = messages(result.stderr, "warning")
        if error != "EACCES" or first == 1:
            assert len(warnings) == 1 and log in warnings[0] and REASONS[error] in warnings[0]
            assert " free there)" in warnings[0]
            assert result.stderr.count(" can be written again; the delayed records ") == 1
        failing_run.check_the_end()
    report(f"logs that failed for a while ({error}, {log})", 1)


@pytest.mark.parametrize("log", ["metrics.jsonl", "tfevents"])
def test_training_goes_on_where_a_log_never_works_again(failing_run, log):
    result = failing_run.go_on(plan="ENOSPC@6+", only=log)
    assert result.returncode == 0, result.stderr
    first, last = messages(result.stderr, "warning")
    assert log in first and "No space left on device (" in first
    assert log in last and "could not be written and are lost" in last
    assert messages(result.stderr, "error") == []
    newest = newest_whole(failing_run.run)
    assert newest.name == f"step-{STEPS:08}"
    if log == "metrics.jsonl":
        whole = without_speeds(failing_run.reference)
        kept = without_speeds(failing_run.run)  # Whole lines only.
        assert 0 < len(kept) < len(whole) and kept == whole[:len(kept)]


@pytest.mark.parametrize("log", ["metrics.jsonl", "tfevents"])
def test_each_call_of_a_log_fails(failing_run, log):
    """One call alone; what follows it succeeds, and nothing is missing in the end."""
    trace = failing_run.folder.parent / "trace"
    result = failing_run.go_on(only=log, trace=trace)
    assert result.returncode == 0
    calls = calls_in(trace)
    assert {"create", "write", "fsync"} <= {name for name, _ in calls}
    failing_run.check_the_end()
    for n in range(1, len(calls) + 1) if TORTURE else (1, 2, 5, len(calls)):
        for error in ("ENOSPC", "EIO") if TORTURE else ("EIO",):
            result = failing_run.go_on(plan=f"{error}@{n}", only=log)
            assert result.returncode == 0, result.stderr
            assert len(messages(result.stderr, "warning")) <= 1
            failing_run.check_the_end()
    report(f"calls of a log failed ({log})", len(calls))


@pytest.mark.parametrize("error", thinned(["ENOSPC", "EIO", "EACCES"], every=3))
def test_each_call_of_a_beginning_run_fails(failing_run, error):
    """It is there, or not there; the next attempt is as the first."""
    trace = failing_run.folder.parent / "trace"
    assert failing_run.go_on(trace=trace).returncode == 0
    failing_run.check_the_end()
    calls = calls_in(trace)
    first_save = next(i for i, (name, path) in enumerate(calls) if "/checkpoints/step-" in path)
    failed = 0
    for n in range(1, first_save + 1):
        if not TORTURE and n % 8 != 1 and not calls[n - 1][1].endswith("/run/config.json"):
            continue
        said = failing_run.fail(f"{error}@{n}", REASONS[error])
        if messages(said, "error"):
            failed += 1
            if failing_run.run.exists():
                assert (failing_run.run / "config.json").exists()
                assert (failing_run.run / "checkpoints").is_dir()
            failing_run.begin_anew()
    failing_run.go_to_the_end()
    assert failed >= 3
    report(f"calls of a beginning run failed ({error})", failed)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 700 kB, which holds two checkpoints."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(folder)],
                             capture_output=True, encoding="utf8")
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def test_a_real_disk_fills_up(small_disk, tmp_path, corpus, run, reference):
    config = write_small_config(tmp_path / "config.json", corpus, run / "tokenizer.model",
                                max_steps=STEPS, keep_last=1000)
    target = small_disk / "run"
    result = program("train", config, "--run-dir", target)
    assert result.returncode == 1, result.stderr
    [error] = messages(result.stderr, "error")
    # Which file is the first that does not fit depends on the sizes of all before it.
    assert re.search(rf" error: {target}/checkpoints/\S+: cannot be written: No space left on "
                     r"device \([\d.]+ [km]?B free there\); training stops here", error), error
    assert leftovers(small_disk) == []
    before = newest_whole(target)
    assert before and int(before.name[5:]) < STEPS
    remount(small_disk, "size=20m")
    result = program("resume", target)
    assert result.returncode == 0, result.stderr
    assert f"continuing from {before}" in result.stderr
    assert_as_never_stopped(target, reference)


def test_a_write_protected_disk(small_disk, tmp_path, corpus, run, reference):
    remount(small_disk, "size=20m")
    config = write_small_config(tmp_path / "config.json", corpus, run / "tokenizer.model",
                                max_steps=4)
    target = small_disk / "run"
    assert program("train", config, "--run-dir", target).returncode == 0
    remount(small_disk, "ro")
    result = program("resume", target, "--set", f"training.max_steps={STEPS}")
    assert result.returncode == 1
    [error] = messages(result.stderr, "error")
    assert f" error: {target}/lock: cannot be written: Read-only file system (" in error
    result = program("train", config, "--run-dir", small_disk / "other")
    assert result.returncode == 2
    assert f"{small_disk}/other: cannot be made: {small_disk}: Read-only file system" \
        in result.stderr
    # Reading needs no writing.
    assert program("translate", target, input="One.\n").returncode == 0
    remount(small_disk, "rw")
    result = program("resume", target, "--set", f"training.max_steps={STEPS}", "--set",
                     "training.keep_last=2")
    assert result.returncode == 0, result.stderr
    assert_as_never_stopped(target, reference)


def test_a_mount_point_is_no_place_for_a_run(small_disk, tmp_path, corpus):
    """A volume of a container, say: a finished run cannot be put in its place."""
    config = write_config(tmp_path / "config.json", corpus)
    result = program("train", config, "--run-dir", small_disk)
    assert result.returncode == 2
    assert result.stderr.endswith(f" error: {small_disk}: is a mount point, which a run cannot "
                                  "replace; name a folder inside it\n")
    assert result.stderr.count("\n") == 1


def as_nobody(*arguments):
    """Runs the program without root's rights, which know no permissions."""
    return program(*arguments, user=NOBODY, group=NOBODY, extra_groups=[])


@pytest.fixture
def open_folder(tmp_path):
    """A folder that everyone can reach, if the program is within everyone's reach as well."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    folder = tmp_path
    while folder.stat().st_uid == os.geteuid() and folder != folder.parent:
        folder.chmod(folder.stat().st_mode | 0o055)
        folder = folder.parent
    try:
        reached = subprocess.run([str(PROGRAM), "--version"], user=NOBODY, group=NOBODY,
                                 extra_groups=[], capture_output=True).returncode == 0
    except OSError:
        reached = False
    if not reached:
        pytest.skip("the program lies where only root can read")
    yield tmp_path


def test_a_folder_that_may_not_be_written(open_folder, corpus, run, reference):
    shutil.copytree(corpus, open_folder / "corpus")
    (open_folder / "corpus").chmod(0o755)
    shutil.copy(run / "tokenizer.model", open_folder / "tokenizer.model")
    config = write_small_config(open_folder / "config.json", open_folder / "corpus",
                                open_folder / "tokenizer.model", max_steps=STEPS)
    run_as = as_nobody if os.geteuid() == 0 else program
    own = open_folder / "own"
    own.mkdir()
    if os.geteuid() == 0:
        os.chown(own, NOBODY, NOBODY)
    target = own / "run"
    assert run_as("train", config, "--run-dir", target, "--set",
                  "training.max_steps=4").returncode == 0
    own.chmod(0o555)
    result = run_as("train", config, "--run-dir", own / "other")
    assert result.returncode == 2
    assert f" error: {own}/other: cannot be made: {own}: Permission denied" in result.stderr

    checkpoints = target / "checkpoints"
    checkpoints.chmod(0o555)
    result = run_as("resume", target, "--set", f"training.max_steps={STEPS}")
    assert result.returncode == 1, result.stderr
    [error] = messages(result.stderr, "error")
    assert f"{checkpoints}/step-00000005" in error and "Permission denied (" in error
    assert newest_whole(target).name == "step-00000004"
    checkpoints.chmod(0o755)
    (target / "metrics.jsonl").chmod(0o444)
    target.chmod(0o555)
    result = run_as("resume", target)
    assert result.returncode == 1
    assert f" error: {target}/lock: cannot be written: Permission denied" in result.stderr
    target.chmod(0o755)
    (target / "metrics.jsonl").chmod(0o644)
    result = run_as("resume", target)
    assert result.returncode == 0, result.stderr
    assert newest_whole(target).name == f"step-{STEPS:08}"
    assert [line["step"] for line in metrics_of(target) if "loss" in line] == \
        list(range(1, STEPS + 1))


def test_a_file_that_outgrows_its_limit(tmp_path, corpus, run):
    """As `ulimit -f` makes it: an error that is said, not a signal that kills."""
    config = write_small_config(tmp_path / "config.json", corpus, run / "tokenizer.model",
                                max_steps=3)
    result = subprocess.run(
        ["bash", "-c", f"ulimit -f 20; {PROGRAM} train {config} --run-dir {tmp_path}/run "
         "--device cpu 2>&1 | cat"], capture_output=True, encoding="utf8",
        env=with_faults(tmp_path / "none"))
    assert "cannot be written: File too large (" in result.stdout
    assert leftovers(tmp_path) == []
    assert json.loads((tmp_path / "run/config.json").read_text())
