"""Large corpora: token ids in a mapped cache that is built once, whole or not there, and changes
nothing about a training. WAVEMT_TORTURE=1 adds one of 10,000,000 pairs."""
import itertools
import json
import os
import random
import resource
import shutil
import subprocess
import time

import pytest
from conftest import ENVIRONMENT, PROGRAM, TORTURE, long, merge, pointed, wavemt, write_config

# Two batches an update, dropout: what a resumed run must go on with. 21 batches an epoch: step 12 is
# in the second one, step 24 in the third.
TRAINING = {"max_steps": 24, "gradient_accumulation": 2, "log_every": 5, "validate_every": 12,
            "save_every": 12}
SYLLABLES = ("ka lo mi su ne ta ri vo pe du ash or th in er el".split(),
             "ge sch ei un ung en be ver zu ter al ich ma fo wi so".split())


def write_text(path, pairs, syllables, shortest, longest):
    """Lines of 1 to 4 phrases of `shortest` to `longest` made-up words, short words the most
    frequent; the same ones for the same arguments."""
    generator = random.Random(" ".join(syllables))
    words = set()
    while len(words) < 20_000:
        words.add("".join(generator.choices(syllables, k=generator.randint(1, 4))))
    words = sorted(words, key=lambda word: (len(word), word))
    weights = list(itertools.accumulate(1 / (rank + 5) for rank in range(len(words))))
    phrases = [" ".join(generator.choices(words, cum_weights=weights,
                                          k=generator.randint(shortest, longest)))
               for _ in range(50_000)]
    with open(path, "w", encoding="utf8") as file:
        for begin in range(0, pairs, 10_000):
            counts = generator.choices((1, 2, 3, 4), k=min(10_000, pairs - begin))
            chosen = iter(generator.choices(phrases, k=sum(counts)))
            file.writelines(" ".join(itertools.islice(chosen, count)) + "\n" for count in counts)


def make_corpus(folder, pairs, shortest, longest):
    """A config for a corpus of `pairs` with a cache of its own and a given tokenizer."""
    sides = [folder / f"train.{side}" for side in ("en", "de")]
    for path, syllables in zip(sides, SYLLABLES):
        write_text(path, pairs, syllables, shortest, longest)
    sample = folder / "sample"
    with open(sample, "w", encoding="utf8") as file:
        for path in sides:
            with open(path, encoding="utf8") as lines:
                file.writelines(itertools.islice(lines, min(50_000, pairs // 20)))
    wavemt("tokenizer", "train", "--input", sample, "--output", folder / "spm.model",
           "--vocab-size", 8000)
    config = {"data": {"train": {"source": str(sides[0]), "target": str(sides[1])},
                       "cache_dir": str(folder / "cache")},
              "tokenizer": {"model": str(folder / "spm.model")},
              "model": {"d_model": 16, "num_heads": 2, "ffn_dim": 16, "num_encoder_layers": 1,
                        "num_decoder_layers": 1},
              "training": {"max_steps": 4, "log_every": 1, "save_every": 2, "validate_every": 0}}
    (folder / "config.json").write_text(json.dumps(config))
    return config


def with_cache(folder, corpus, cache, **changes):
    """A config for the small corpus with the cache in `cache`."""
    folder.mkdir(exist_ok=True)
    return write_config(folder / "config.json", corpus,
                        **merge({"data": {"cache_dir": str(cache)}, "model": {"dropout": 0.2},
                                 "training": TRAINING}, changes))


def train(config, run, *options, **kwargs):
    return wavemt("train", config, "--run-dir", run, "--device", "cpu", *options, **kwargs)


def weights(run):
    newest = pointed(run, "latest")
    return [(newest / name).read_bytes() for name in ("model.safetensors", "optimizer.safetensors")]


def cache_of(folder):
    """The one file in a cache's folder."""
    (cache,) = folder.iterdir()
    assert cache.suffix == ".tokens"
    return cache


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory, corpus):
    """The run on the small corpus that knows of no cache."""
    folder = tmp_path_factory.mktemp("in_memory")
    config = write_config(folder / "config.json", corpus, model={"dropout": 0.2},
                          training=TRAINING)
    said = train(config, folder / "run").stderr
    assert "token ids" not in said
    # Small corpora leave nothing beside the run.
    assert sorted(os.listdir(folder)) == ["config.json", "run"]
    return folder / "run"


def test_a_cache_changes_nothing_but_where_the_ids_are(in_memory, corpus, tmp_path):
    config = with_cache(tmp_path, corpus, tmp_path / "cache")
    said = [train(config, tmp_path / run).stderr for run in ("builds", "finds")]
    cache = cache_of(tmp_path / "cache")
    assert f"data.train: token ids written to {cache} (" in said[0]
    assert f"data.train: token ids found in {cache} (" in said[1]
    for run in ("builds", "finds"):
        assert weights(tmp_path / run) == weights(in_memory)
    for text in said:
        assert "data.train: 300 pairs: " in text


@pytest.mark.parametrize("loses_cache", [False, True])
def test_two_halves_across_the_end_of_an_epoch_are_the_whole(in_memory, corpus, tmp_path,
                                                             loses_cache):
    config = with_cache(tmp_path, corpus, tmp_path / "cache")
    run = tmp_path / "run"
    train(config, run, "--set", "training.max_steps=12")
    first = json.loads((pointed(run, "latest") / "state.json").read_text())
    if loses_cache:
        shutil.rmtree(tmp_path / "cache")
    said = wavemt("resume", run, "--set", "training.max_steps=24", "--device", "cpu").stderr
    assert ("token ids written to" if loses_cache else "token ids found in") in said
    last = json.loads((pointed(run, "latest") / "state.json").read_text())
    assert first["epochs_completed"] < last["epochs_completed"]
    assert weights(run) == weights(in_memory)


def test_a_damaged_cache_is_named_and_built_anew(in_memory, corpus, tmp_path):
    config = with_cache(tmp_path, corpus, tmp_path / "cache")
    train(config, tmp_path / "first")
    cache = cache_of(tmp_path / "cache")
    whole = cache.read_bytes()
    generator = random.Random(1)
    for trial, damage in enumerate(("flip", "cut", "empty", "extend", "zeros")):
        place = generator.randrange(len(whole))
        cache.write_bytes({"flip": whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1:],
                           "cut": whole[:place], "empty": b"", "extend": whole + b"\0",
                           "zeros": bytes(len(whole))}[damage])
        run = tmp_path / f"run{trial}"
        said = train(config, run).stderr
        warnings = [line for line in said.splitlines() if " warning: " in line]
        assert len(warnings) == 1
        assert f" warning: {cache}: is damaged: " in warnings[0]
        assert f"token ids written to {cache} (" in said
        assert cache.read_bytes() == whole
        assert weights(run) == weights(in_memory)


def test_changed_text_is_noticed(corpus, tmp_path):
    own = shutil.copytree(corpus, tmp_path / "own")
    config = with_cache(tmp_path, own, tmp_path / "cache", tokenizer={"model": "spm.model"})
    wavemt("tokenizer", "train", "--input", own / "train.en", own / "train.zh", "--output",
           tmp_path / "spm.model", "--vocab-size", 400, "--byte-fallback", "false")
    train(config, tmp_path / "before")
    text = own / "train.en"
    before = text.stat()
    lines = text.read_bytes().split(b"\n")
    lines[0], lines[1] = lines[1], lines[0]
    text.write_bytes(b"\n".join(lines))
    os.utime(text, ns=(before.st_atime_ns, before.st_mtime_ns))  # As rsync --times does.
    assert (text.stat().st_size, text.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    said = train(config, tmp_path / "after").stderr
    assert "data.train: the text has changed since " in said
    assert "token ids written to" in said
    assert weights(tmp_path / "after") != weights(tmp_path / "before")
    # Back again, under a new date: the text counts, not the date.
    text.write_bytes(b"\n".join(lines))
    assert "token ids found in" in train(config, tmp_path / "again").stderr
    cache_of(tmp_path / "cache")


@pytest.mark.parametrize("fault", ["train", "valid"])
def test_nothing_is_written_when_the_input_is_refused(corpus, tmp_path, fault):
    own = shutil.copytree(corpus, tmp_path / "own")
    config = with_cache(tmp_path, own, tmp_path / "runs/cache", tokenizer={"model": "spm.model"})
    wavemt("tokenizer", "train", "--input", own / "train.en", own / "train.zh", "--output",
           tmp_path / "spm.model", "--vocab-size", 400, "--byte-fallback", "false")
    with open(own / f"{fault}.zh", "ab") as file:
        file.write(b"\xff\n")
    before = sorted(os.listdir(tmp_path))
    result = train(config, tmp_path / "runs/run", check=False)
    assert result.returncode == 2
    assert f"{fault}.zh: line " in result.stderr
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("option", ["--dry-run", pytest.param("--profile", marks=long)])
def test_options_that_write_nothing_write_no_cache(corpus, tmp_path, option):
    config = with_cache(tmp_path, corpus, tmp_path / "cache")
    said = train(config, tmp_path / "run", option).stderr
    assert "token ids stay in memory, as nothing may be written" in said
    assert os.listdir(tmp_path) == ["config.json"]
    train(config, tmp_path / "run")
    said = train(config, tmp_path / "other", option).stderr
    assert "token ids found in" in said
    assert sorted(os.listdir(tmp_path)) == ["cache", "config.json", "run"]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A corpus of 200,000 short pairs, which takes seconds to tokenize."""
    folder = tmp_path_factory.mktemp("large")
    make_corpus(folder, pairs=200_000, shortest=1, longest=4)
    train(folder / "config.json", folder / "run", "--set", f"data.cache_dir={folder}/cache")
    return folder


def start(config, run, cache):
    command = [PROGRAM, "train", config, "--run-dir", run, "--device", "cpu", "--set",
               f"data.cache_dir={cache}"]
    return subprocess.Popen(command, env=ENVIRONMENT, encoding="utf8", stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE)


def wait_for_size(process, folder, size):
    """Until the cache that `process` builds in `folder` has grown to `size` bytes."""
    while True:
        grown = [path.stat().st_size for path in folder.glob(f"*.{process.pid}.unfinished")]
        if grown and grown[0] >= size:
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.001)


def test_a_killed_build_leaves_nothing_that_is_used(large, tmp_path):
    whole = cache_of(large / "cache").read_bytes()
    cache = tmp_path / "cache"
    for part in (0, 0.2, 0.6, 0.9) if TORTURE else (0, 0.6):
        process = start(large / "config.json", tmp_path / "run", cache)
        wait_for_size(process, cache, int(part * len(whole)))
        process.kill()
        process.communicate()
        assert not list(cache.glob("*.tokens"))
        assert len(list(cache.iterdir())) == 1  # What the one before left is gone.
        assert not (tmp_path / "run").exists()
    said = train(large / "config.json", tmp_path / "run", "--set", f"data.cache_dir={cache}").stderr
    assert "token ids written to" in said
    assert cache_of(cache).read_bytes() == whole
    assert weights(tmp_path / "run") == weights(large / "run")


def test_a_disk_without_room_leaves_nothing(large, tmp_path):
    """The limit of a file's size stands for the disk."""
    result = train(large / "config.json", tmp_path / "runs/run", "--set",
                   f"data.cache_dir={tmp_path}/cache", check=False,
                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    assert result.returncode == 1
    assert f" error: {tmp_path}/cache/" in result.stderr
    assert ": cannot be written: File too large" in result.stderr
    assert os.listdir(tmp_path) == []


def test_two_that_build_the_same_cache_at_once_do_no_harm(large, tmp_path):
    cache = tmp_path / "cache"
    first = start(large / "config.json", tmp_path / "first", cache)
    wait_for_size(first, cache, 0)
    second = start(large / "config.json", tmp_path / "second", cache)
    said = [process.communicate()[1] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert "token ids written to" in said[0]
    assert "data.train: waiting for another process" in said[1]
    assert "token ids found in" in said[1]
    for run in ("first", "second"):
        assert weights(tmp_path / run) == weights(large / "run")


def test_a_corpus_of_more_than_64_mb_is_cached_beside_the_run(tmp_path, large):
    """Without data.cache_dir. Long lines: many bytes are quickly tokenized where they are too
    long."""
    line = "ka" * 400_000 + "\n"
    for side in ("en", "de"):
        (tmp_path / f"train.{side}").write_text("ka lo mi\n" * 1000 + line * 42)
    config = json.loads((large / "config.json").read_text())
    config["data"] = {"train": {"source": "train.en", "target": "train.de"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    run = tmp_path / "runs/run"
    said = train(tmp_path / "config.json", run).stderr
    assert f"data.train: token ids written to {cache_of(tmp_path / 'runs/cache')} (" in said
    assert "1,042 pairs: 1,000 used, 42 skipped over 128 tokens" in said
    moved = run.rename(tmp_path / "runs/moved")
    for folder in (f"{moved}", f"{moved}/"):
        said = wavemt("resume", folder, "--set", "training.max_steps=5", "--device", "cpu").stderr
        assert f"data.train: token ids found in {tmp_path}/runs/cache/" in said


def measured(*arguments):
    """Runs the program; what it said, seconds until it logged a step, peak memory in bytes."""
    run = arguments[arguments.index("--run-dir") + 1]
    began = time.monotonic()
    log = run / "metrics.jsonl"
    with open(run.with_suffix(".log"), "w+", encoding="utf8") as said:
        pid = subprocess.Popen([PROGRAM, *map(str, arguments)], stderr=said).pid
        first_step = None
        ended = 0
        while ended == 0:
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if first_step is None and log.exists() and "\n" in log.read_text():
                first_step = time.monotonic() - began
            time.sleep(0.02)
        said.seek(0)
        text = said.read()
    assert status == 0, text
    return text, first_step, usage.ru_maxrss * 1024


@long  # And 5 GB of disk.
def test_ten_million_pairs(tmp_path):
    pairs = 10_000_000
    if shutil.disk_usage(tmp_path).free < 8e9:
        pytest.skip(f"{tmp_path} has no room for a corpus of 2.4 GB and its cache")
    try:
        make_corpus(tmp_path, pairs, shortest=5, longest=10)
        config = tmp_path / "config.json"
        threads = ("--threads", os.cpu_count())
        said, _, memory = measured("train", config, "--run-dir", tmp_path / "builds", *threads)
        print(said)
        print(f"building and 4 steps: peak memory {memory / 1e6:,.0f} MB")
        assert f"data.train: {pairs:,} pairs: " in said
        assert memory < 2e9
        said, first_step, memory = measured("train", config, "--run-dir", tmp_path / "finds",
                                               *threads)
        print(f"with the cache: first step after {first_step:.1f} s, "
              f"peak memory {memory / 1e6:,.0f} MB")
        assert "token ids found in" in said
        assert memory < 2e9
        assert first_step < 60
        half = tmp_path / "half"
        train(config, half, "--set", "training.max_steps=2", *threads)
        wavemt("resume", half, "--set", "training.max_steps=4", "--device", "cpu", *threads)
        assert weights(half) == weights(tmp_path / "finds") == weights(tmp_path / "builds")
    finally:
        shutil.rmtree(tmp_path)
