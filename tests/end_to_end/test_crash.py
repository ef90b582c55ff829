"""A run that is killed, wherever that is, goes on as if it had not been.

The quick part kills one save at every third of its file-system calls in each of two ways, at every
write in a third, and a run at a few random moments. WAVEMT_TORTURE=1 does so at every call, and at
1,000 random moments more; see scripts/torture.sh.
"""
import random
import signal
import subprocess
import time

import pytest
from conftest import PROGRAM, TORTURE, long
from file_faults import (SAVE_BEGINS, TormentedRun, calls_in, newest_whole, reference, report,
                         save_calls, with_faults)  # Two of them are fixtures.

STEPS = 12


class KilledRun(TormentedRun):
    def check(self, returncode, said):
        """After a command that was killed or not: nothing that was safe is lost."""
        assert returncode in (0, -signal.SIGKILL), said
        assert " error: " not in said and " warning: " not in said
        self.check_nothing_is_lost()
        if returncode == 0:
            self.check_the_end()
        return returncode != 0

    def kill_by_plan(self, plan, begin):
        """Whether the plan's call was reached, and the process killed by it."""
        result = self.go_on(plan=plan, begin=begin)
        return self.check(result.returncode, result.stderr)

    def kill_after(self, seconds, trace, from_the_first_step):
        """Whether the process was killed before its end, and in the middle of a save. The seconds
        are those since its start, or since it began to train."""
        trace.write_text("")
        process = subprocess.Popen(
            [str(PROGRAM), *map(str, self.command()), "--device", "cpu"], text=True,
            stderr=subprocess.PIPE, env=with_faults(self.folder, trace=trace))
        while from_the_first_step and process.poll() is None and \
                "/metrics.jsonl" not in trace.read_text():
            time.sleep(0.001)
        try:
            said = process.communicate(timeout=seconds)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            said = process.communicate()[1]
        killed = self.check(process.returncode, said)
        return killed, killed and is_in_a_save(calls_in(trace))


def is_in_a_save(calls):
    """Whether the last of the calls belongs to a save: it begins with a folder for the checkpoint,
    and what follows it is the log of the next step."""
    for name, path in reversed(calls):
        if name == "write" and (path.endswith(".jsonl") or "tfevents" in path):
            return False
        if name == "mkdir" and "/checkpoints/step-" in path:
            return True
    return False


@pytest.fixture
def killed_run(tmp_path, corpus, run, reference):
    return KilledRun(tmp_path, corpus, run / "tokenizer.model", reference, max_steps=STEPS)


def test_a_save_is_made_of_the_calls_that_are_killed(save_calls):
    names = [name for name, _ in save_calls]
    assert {"mkdir", "create", "write", "fsync", "close", "rename", "unlink", "rmdir"} <= set(names)
    # Read back before anything old goes.
    read_back = next(i for i, (name, path) in enumerate(save_calls)
                     if name == "open" and path.endswith("model.safetensors"))
    removed = names.index("unlink")
    assert read_back < removed


@pytest.mark.parametrize("fault", ["kill", "torn", "powercut"])
def test_killed_at_each_call_of_a_save(killed_run, save_calls, fault):
    moments = range(1, len(save_calls) + 1)
    if fault == "torn":
        moments = [n for n in moments if save_calls[n - 1][0] == "write"]
    elif not TORTURE:  # Each of the two ways takes another third of the calls.
        moments = moments[{"kill": 0, "powercut": 1}[fault]::3]
    # The run goes on under the kills: each finds it where the one before left it.
    kills = sum(killed_run.kill_by_plan(f"{fault}@{n}", SAVE_BEGINS) for n in moments)
    killed_run.go_to_the_end()
    # A run that reached its end first took a few moments with it.
    assert kills >= 0.8 * len(moments)
    report(f"calls of a save killed at ({fault})", kills)


@pytest.mark.parametrize("fault", ["kill", pytest.param("powercut", marks=long)])
def test_killed_while_the_run_is_made(killed_run, fault):
    """Every call from the very first on, up to the first save."""
    kills = 0
    for n in range(1, 1000, 1 if TORTURE else 9):
        killed_run.begin_anew()
        if not killed_run.kill_by_plan(f"{fault}@{n}", None):
            break
        kills += 1
        if newest_whole(killed_run.run):
            break
        killed_run.go_to_the_end()
    assert kills >= 8
    report(f"calls of a beginning run killed at ({fault})", kills)


def kill_at_random(killed_run, trace, seed, wanted):
    generator = random.Random(seed)
    kills = in_saves = 0
    while kills < wanted or in_saves < 0.3 * wanted:
        # A tenth of them anywhere, also before anything was read; the others where there is work.
        anywhere = generator.random() < 0.1
        killed, in_a_save = killed_run.kill_after(
            generator.uniform(0, 0.5 if anywhere else 0.12), trace, not anywhere)
        kills += killed
        in_saves += in_a_save
    killed_run.go_to_the_end()
    return kills, in_saves


def test_killed_at_random_moments(killed_run, tmp_path):
    kills, _ = kill_at_random(killed_run, tmp_path / "trace", seed=1, wanted=8)
    report("random moments killed", kills)


@long
@pytest.mark.parametrize("seed", range(100, 110))
def test_killed_at_100_random_moments(killed_run, tmp_path, seed):
    kills, in_saves = kill_at_random(killed_run, tmp_path / "trace", seed, wanted=100)
    report("random moments killed", kills)
    report("of these in a save", in_saves)
