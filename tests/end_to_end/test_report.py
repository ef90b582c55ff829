"""`wavemt report`: the page about runs, as a reader and a browser find it."""
import html.parser
import json
import re
import select
import shutil
import signal
import statistics
import subprocess
import tempfile
from urllib import error, request

import pytest
from conftest import ENVIRONMENT, PROGRAM, metrics_of, pointed, train_run, wavemt

PATIENCE = 60  # Seconds: far more than anything takes.
HOSTILE = "<script>alert('\"&')</script><img src=x onerror=alert(1)>"


class Page(html.parser.HTMLParser):
    """What a browser finds in a page: its text, its elements, its curves."""

    def __init__(self, text):
        super().__init__()
        self.words, self.elements, self.hidden = [], [], 0
        self.feed(text)
        self.close()
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.hidden += tag in ("style", "script")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "script")

    def handle_data(self, data):
        if not self.hidden:
            self.words.append(data)

    def tags(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def curves(self):
        """The values of each curve by step, in the order of the page."""
        found = []
        for attributes in self.tags("g"):
            if "data-values" in attributes:
                numbers = [float(word) for word in attributes["data-values"].split()]
                found.append((attributes["data-name"], dict(zip(numbers[::2], numbers[1::2]))))
        return found


def assert_loads_nothing(text):
    page = Page(text)
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, name, value)
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
    assert not re.search(r"@import|url\(|https?:", text)


def samples(*lines):
    return "".join(json.dumps({"set": "valid"} | line, ensure_ascii=False) + "\n" for line in lines)


@pytest.fixture
def report(own_run):
    """The page of a run."""
    assert wavemt("report", own_run).stdout == ""
    return (own_run / "report.html").read_text("utf8")


def test_the_page_has_the_numbers_of_the_log(own_run, report):
    page, lines = Page(report), metrics_of(own_run)
    state = json.loads((pointed(own_run, "latest") / "state.json").read_text("utf8"))
    described = json.loads(wavemt("inspect", own_run, "--json").stdout)
    best = next(line for line in lines if "valid/bleu" in line and line["step"] == state["best_step"])
    speeds = [line["tokens_per_second"] for line in lines if "loss" in line]
    for text in (f"best step {state['best_step']}, by BLEU",
                 f"BLEU on valid at that step {best['valid/bleu']:.4g} {best['valid/bleu_signature']}",
                 f"chrF on valid at that step {best['valid/chrf']:.4g} {best['valid/chrf_signature']}",
                 f"loss on valid at that step {best['valid/loss']:.4g}",
                 f"steps 240 of 240, epoch {lines[-1]['epoch']}",
                 f"target tokens {state['target_tokens']:,}", f"weights {described['weights']:,}",
                 "vocabulary 400 pieces, shared by both languages", "languages en → zh",
                 "sinusoidal, 64 positions", "training.learning_rate 0.01"):
        assert text in page.text, text
    shown = int(re.search(r"tokens/s, median ([\d,]+)", page.text)[1].replace(",", ""))
    assert shown == pytest.approx(statistics.median(speeds), abs=0.5001)
    curves = page.curves()
    for name, key in (("training", "loss"), ("valid", "valid/loss"), ("valid", "valid/bleu"),
                      ("valid", "valid/chrf"), ("own_run", "lr"), ("own_run", "gradient_norm"),
                      ("own_run", "tokens_per_second")):
        logged = {line["step"]: line[key] for line in lines if key in line}
        assert any(own == name and points == pytest.approx(logged, rel=1e-5)
                   for own, points in curves), key
    assert_loads_nothing(report)
    start = json.loads((own_run / "starts.jsonl").read_text("utf8"))
    for name in ("wavemt", "commit", "libtorch", "processor", "device"):
        assert start[name] in page.text
    last = json.loads((own_run / "samples.jsonl").read_text("utf8").splitlines()[-1])
    for name in ("source", "reference", "translation"):
        assert last[name] in page.text


def test_runs_of_earlier_versions_lack_two_files(own_run):
    (own_run / "samples.jsonl").unlink()
    (own_run / "starts.jsonl").unlink()
    wavemt("report", own_run)
    page = Page((own_run / "report.html").read_text("utf8"))
    assert "Sample translations" not in page.text and "trained on" not in page.text
    assert "best step" in page.text


def test_what_differs_from_the_defaults_is_shown_and_the_whole_config(own_run, report):
    page = Page(report)
    config = json.loads((own_run / "config.json").read_text("utf8"))
    source = json.dumps(config["data"]["train"]["source"])
    assert f"data.train.source {source}" in page.text
    before, whole = report.split("<details>", 1)
    assert "model.layer_norm" not in before  # It is the default.
    assert "&quot;layer_norm&quot;: &quot;pre&quot;" in whole


def test_samples_are_shown_by_step(own_run):
    steps = range(10, 310, 10)
    (own_run / "samples.jsonl").write_text(
        samples(*({"step": step, "source": "She has a cat.", "reference": "她有一只猫。",
                   "translation": f"译文{step}。"} for step in steps)), "utf8")
    wavemt("report", own_run)
    page = Page((own_run / "report.html").read_text("utf8"))
    shown = [int(step) for step in re.findall(r"译文(\d+)。", page.text)]
    assert shown == sorted(shown) and len(shown) == 8
    assert shown[0] == 10 and shown[-1] == 300
    assert "source She has a cat. reference 她有一只猫。 step 10 译文10。" in page.text
    cells = [attributes for attributes in page.tags("td") if "dir" in attributes]
    assert {cell["dir"] for cell in cells} == {"auto"}
    assert [cell["lang"] for cell in cells] == ["en"] + ["zh"] * 9


def test_hostile_text_is_text(own_run, tmp_path):
    """In a run's name, its log and its samples."""
    run = own_run.rename(tmp_path / HOSTILE.replace("/", "\u2215"))
    with (run / "metrics.jsonl").open("a", encoding="utf8") as log:
        log.write(json.dumps({"step": 250, "epoch": 9, f"valid/{HOSTILE}/bleu": 1,
                              f"valid/{HOSTILE}/bleu_signature": HOSTILE,
                              f"valid/{HOSTILE}": 2}) + "\n")
    (run / "samples.jsonl").write_text(
        samples({"step": 1, "source": HOSTILE, "reference": HOSTILE, "translation": HOSTILE}), "utf8")
    wavemt("report", run, "--output", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf8")
    page = Page(text)
    assert page.text.count(HOSTILE) >= 4
    assert len(page.tags("script")) == 1 and not page.tags("img")
    assert_loads_nothing(text)


def test_a_damaged_log_costs_only_its_damaged_lines(own_run):
    log = own_run / "metrics.jsonl"
    lines = log.read_bytes().split(b"\n")
    damaged = [b"\xff\xfe", b"[1, 2]", b'{"step": -1}', b'{"step": "x", "loss": 1}', b"null",
               b"{" * 100_000, b'{"step": 245, "epoch": 9, "lo']
    log.write_bytes(b"\n".join([*lines[:2], *damaged[:-1], *lines[2:], damaged[-1]]))
    (own_run / "samples.jsonl").write_text('{"step": 3}\n', "utf8")
    said = wavemt("report", own_run).stderr
    assert said.count("warning") == 2
    assert f"{log}: {len(damaged)} lines cannot be read and are left out" in said
    assert "samples.jsonl: 1 line cannot be read and is left out" in said
    page = Page((own_run / "report.html").read_text("utf8"))
    assert "steps 240 of 240" in page.text
    assert f"{len(damaged)} lines of metrics.jsonl, 1 line of samples.jsonl" in page.text


def test_a_loss_that_was_not_finite_is_a_gap(own_run):
    lines = metrics_of(own_run)
    lines[1]["loss"] = None
    (own_run / "metrics.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in lines), "utf8")
    wavemt("report", own_run)
    name, points = Page((own_run / "report.html").read_text("utf8")).curves()[0]
    assert name == "training" and lines[1]["step"] not in points and lines[0]["step"] in points


def test_a_long_run_gives_a_small_page(own_run):
    with (own_run / "metrics.jsonl").open("w", encoding="utf8") as log:
        for step in range(50, 1_000_001, 50):
            loss = 123.0 if step == 555_550 else 5 + step % 77 / 100
            log.write(json.dumps({"step": step, "epoch": 1, "loss": loss, "lr": 1 / step,
                                  "gradient_norm": 1.5, "tokens_per_second": 1000 + step % 13}) + "\n")
    wavemt("report", own_run)
    text = (own_run / "report.html").read_text("utf8")
    assert len(text) < 300_000
    assert Page(text).curves()[0][1][555_550] == 123


def test_several_runs_are_compared(own_run, corpus, tmp_path):
    other = train_run(tmp_path / "other", corpus, training={"learning_rate": 0.002})
    page = tmp_path / "both.html"
    wavemt("report", own_run, other, "--output", page)
    found = Page(page.read_text("utf8"))
    assert "training.learning_rate 0.01 0.002" in found.text
    assert "training.label_smoothing" not in page.read_text("utf8").split("<details>")[0]
    names = [name for name, _ in found.curves()]
    assert names[:4] == ["own_run: training", "run: training", "own_run: valid", "run: valid"]
    # Their position encodings are the same, and are drawn once.
    assert found.text.count("added to the embeddings of source and target") == 1
    wavemt("report", own_run, other, cwd=tmp_path)
    assert (tmp_path / "report.html").exists()


def test_runs_of_the_same_name_are_told_apart(own_run, tmp_path):
    other = shutil.copytree(own_run, tmp_path / "elsewhere" / "own_run")
    wavemt("report", own_run, other, "--output", tmp_path / "page.html")
    names = [name for name, _ in Page((tmp_path / "page.html").read_text("utf8")).curves()]
    assert names[:2] == [f"{own_run}: training", f"{other}: training"]


def test_named_sets_have_curves_of_their_own(corpus, tmp_path):
    text = {side: str(corpus / f"valid.{language}")
            for side, language in (("source", "en"), ("target", "zh"))}
    run = train_run(tmp_path / "sets", corpus,
                    data={"valid": [{"name": "news"} | text, {"name": "talks"} | text]})
    wavemt("report", run)
    page = Page((run / "report.html").read_text("utf8"))
    assert [name for name, _ in page.curves()][:5] == \
        ["training", "valid/news", "valid/talks", "valid/news", "valid/talks"]
    assert "BLEU on valid/talks at that step" in page.text and "BLEU on valid at" not in page.text


def test_standard_output(own_run):
    page = wavemt("report", own_run, "--output", "-").stdout
    assert page.startswith("<!DOCTYPE html>") and page.endswith("</html>\n")
    assert not (own_run / "report.html").exists()


def test_evaluate_draws_bleu_by_length_and_attention(own_run, corpus, tmp_path):
    wavemt("report", own_run, "--evaluate", "--sentences", "2", "--device", "cpu")
    page = Page((own_run / "report.html").read_text("utf8"))
    scored = json.loads(wavemt("evaluate", own_run, "--source", corpus / "valid.en", "--reference",
                               corpus / "valid.zh", "--json", "--device", "cpu").stdout)[0]
    assert f"BLEU {scored['score']:.4g} on data.valid, 20 sentences" in page.text
    assert scored["signature"] in page.text
    sizes = [int(size) for size in re.findall(r"words: (\d+) sentence", page.text)]
    assert sum(sizes) == 20
    assert len(re.findall(r"sentence \d+; the reddest is [01]\.\d\d", page.text)) == 2
    wavemt("report", own_run, "--evaluate", "--sentences", "0", "--device", "cpu")
    assert "reddest" not in (own_run / "report.html").read_text("utf8")


def test_only_a_report_is_replaced(own_run, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<!DOCTYPE html>\n<title>mine</title>", "utf8")
    result = wavemt("report", own_run, "--output", page, check=False)
    assert result.returncode == 2 and f"{page}: exists and is not a report of wavemt" in result.stderr
    assert "mine" in page.read_text("utf8")
    page.unlink()
    for _ in range(2):
        wavemt("report", own_run, "--output", page)


def mistakes():
    return {
        "missing": (lambda run: (run / "missing",), "no such run"),
        "no run": (lambda run: (run.parent,), "is not a run of wavemt"),
        "twice": (lambda run: (run, f"{run}/"), "is named twice"),
        "no folder": (lambda run: (run, "--output", run / "no/page.html"), "is not a folder"),
        "no log": (lambda run: ((run / "metrics.jsonl").unlink(), (run,))[1],
                   "metrics.jsonl: does not exist, so there is nothing to report"),
        "empty log": (lambda run: ((run / "metrics.jsonl").write_text("\n{\n", "utf8"), (run,))[1],
                      "metrics.jsonl: has no line that can be read, so there is nothing to report"),
        "live file": (lambda run: (run, "--live", "--output", "x"), "--live and --output"),
        "live evaluation": (lambda run: (run, "--live", "--evaluate"), "--live and --evaluate"),
        "port": (lambda run: (run, "--port", "0"), "--live"),
    }


@pytest.mark.parametrize("mistake", mistakes())
def test_mistakes(own_run, mistake):
    arguments, sentence = mistakes()[mistake]
    result = wavemt("report", *arguments(own_run), check=False)
    assert result.returncode == 2 and sentence in result.stderr, result.stderr
    assert result.stdout == "" and not (own_run / "report.html").exists()


class Live:
    """`wavemt report --live` until the end of a `with`."""

    def __init__(self, *runs):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [str(PROGRAM), "report", *map(str, runs), "--live"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self.log, env=ENVIRONMENT)
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        self.url = self.process.stdout.readline().decode().strip() if ready else ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.log.close()

    def get(self, path="/", **headers):
        asked = request.Request(self.url + path, headers=headers)
        with request.urlopen(asked, timeout=PATIENCE) as answer:
            return answer.read().decode()

    def status(self, path, **headers):
        with pytest.raises(error.HTTPError) as refused:
            self.get(path, **headers)
        return refused.value.code


def test_a_live_page_follows_the_training(own_run):
    with Live(own_run) as live:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", live.url)
        text = live.get()
        page = Page(text)
        assert "steps 240 of 240" in page.text
        stamps = [attributes["content"] for attributes in page.tags("meta")
                  if attributes.get("name") == "stamp"]
        assert stamps == [live.get("/stamp")]
        assert_loads_nothing(text)
        with (own_run / "metrics.jsonl").open("a", encoding="utf8") as log:
            log.write('{"step": 260, "epoch": 20, "loss": 1.25}\n')
        assert live.get("/stamp") != stamps[0]
        assert "steps 260 of 240, epoch 20" in Page(live.get()).text
        # What is elsewhere on the machine, and pages of other sites.
        assert live.status("/config.json") == 404
        assert live.status("/", Host="example.com") == 403
        assert live.status("/stamp", Origin="http://example.com") == 403
        live.process.send_signal(signal.SIGINT)
        rest, _ = live.process.communicate(timeout=PATIENCE)
        assert live.process.returncode == 0 and rest == b""
    assert not (own_run / "report.html").exists()


def test_a_live_page_of_a_run_that_has_logged_nothing_yet(own_run):
    (own_run / "metrics.jsonl").unlink()
    shutil.rmtree(own_run / "checkpoints")
    (own_run / "checkpoints").mkdir()
    with Live(own_run) as live:
        assert "Nothing has been logged yet." in Page(live.get()).text


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


@pytest.mark.skipif(browser() is None, reason="there is no Chromium")
def test_a_browser_shows_the_page(own_run, report, tmp_path):
    dumped = subprocess.run(
        [browser(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/user",
         "--dump-dom", (own_run / "report.html").as_uri()],
        capture_output=True, timeout=300, check=True).stdout.decode()
    shown, written = Page(dumped), Page(report)
    assert shown.text == written.text
    # The script has run: each chart has a line for its reading.
    charts = [attributes for attributes in written.tags("svg") if "data-steps" in attributes]
    assert len(charts) == 6
    assert sum(attributes.get("class") == "reading" for attributes in shown.tags("p")) == len(charts)
