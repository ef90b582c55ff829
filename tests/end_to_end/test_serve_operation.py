"""`wavemt serve`: what it tells about itself, its page, several models, and tokens."""
import re
import time
from pathlib import Path
from urllib import error

import pytest
from prometheus_client.parser import text_string_to_metric_families
from serving import (PATIENCE, LibreTranslateClient, Server, eventually, expected, libre, lines,
                     server, texts, translated)


def test_health(server):
    answer = server.get("/health")
    assert (answer.status, answer.headers.get_content_type()) == (200, "application/json")
    health = answer.json()
    assert health["status"] == "ok"
    assert health["models"] == [{"source": "en", "target": "zh"}]
    assert isinstance(health["waiting"], int) and health["waiting"] >= 0


def test_metrics_are_prometheus_text(server, lines):
    server.translate(lines)
    server.get('/no"such\\path%0A')
    # A request is counted when its answer has been written.
    eventually(lambda: {("code", "200"), ("path", "/v1/translate")} in
               [set(key[1:]) for key in server.metrics()])
    eventually(lambda: {("code", "404"), ("path", "other")} in
               [set(key[1:]) for key in server.metrics()])
    answer = server.get("/metrics")
    assert answer.headers.get_content_type() == "text/plain"
    assert answer.headers.get_param("version") == "0.0.4"
    families = {family.name: family
                for family in text_string_to_metric_families(answer.body.decode())}
    # The parser drops _total from the names of counters.
    for name, kind in [("wavemt_http_requests", "counter"), ("wavemt_request_seconds", "histogram"),
                       ("wavemt_lines", "counter"), ("wavemt_batch_lines", "histogram"),
                       ("wavemt_lines_waiting", "gauge"), ("wavemt_refused", "counter"),
                       ("wavemt_connections", "gauge"), ("process_resident_memory_bytes", "gauge"),
                       ("process_start_time_seconds", "gauge")]:
        assert families[name].type == kind, name
        assert families[name].documentation, name
    for family in families.values():
        seen = {(sample.name, *sorted(sample.labels.items())) for sample in family.samples}
        assert len(seen) == len(family.samples), family
        if family.type != "histogram":
            continue
        series = {}
        for sample in family.samples:
            labels = tuple(sorted(item for item in sample.labels.items() if item[0] != "le"))
            series.setdefault(labels, []).append(sample)
        for samples in series.values():
            buckets = [(float(sample.labels["le"]), sample.value) for sample in samples
                       if sample.name.endswith("_bucket")]
            count = next(sample.value for sample in samples if sample.name.endswith("_count"))
            assert any(sample.name.endswith("_sum") for sample in samples)
            assert buckets == sorted(buckets) and buckets[-1] == (float("inf"), count)
            assert [value for _, value in buckets] == sorted(value for _, value in buckets)
    # Names of paths that clients invent would fill the memory.
    paths = {sample.labels["path"] for sample in families["wavemt_http_requests"].samples}
    assert {"/v1/translate", "other"} <= paths
    assert paths <= {"/", "/v1/translate", "/translate", "/languages", "/frontend/settings",
                     "/detect", "/translate_file", "/suggest", "/health", "/metrics", "other"}


def test_metrics_count(trained_run, lines):
    with Server(trained_run) as server:
        for _ in range(3):
            server.translate(lines)
        server.translate("\n".join(lines))
        libre(server, q=lines[0])
        assert server.post("/v1/translate", b"{").status == 400
        assert server.get("/nothing").status == 404
        counts = {("404", "other"): 1, ("200", "/v1/translate"): 4, ("400", "/v1/translate"): 1,
                  ("200", "/translate"): 1}
        # A request is counted when its answer has been written.
        eventually(lambda: all(
            server.metrics().get(("wavemt_http_requests_total", ("code", code), ("path", path))) ==
            count for (code, path), count in counts.items()))
        metrics = server.metrics()
        assert metrics["wavemt_lines_total", ("source", "en"), ("target", "zh")] == 81
        assert metrics["wavemt_batch_lines_sum",] == 81
        assert metrics["wavemt_lines_waiting",] == 0
        resident = int(re.search(r"VmRSS:\s*(\d+)", Path(
            f"/proc/{server.process.pid}/status").read_text())[1]) * 1024
        assert metrics["process_resident_memory_bytes",] == pytest.approx(resident, rel=0.5)
        assert 0 <= time.time() - metrics["process_start_time_seconds",] < 10 * PATIENCE


def test_page(server):
    answer = server.get("/")
    assert (answer.status, answer.headers.get_content_type()) == (200, "text/html")
    assert answer.headers.get_content_charset() == "utf-8"
    page = answer.body.decode()
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "</html>" in page and "v1/translate" in page
    # It fetches nothing from elsewhere, and puts no answer into the page as HTML.
    assert not re.search(r"""(src|href|action)\s*=\s*["']?(https?:)?//""", page)
    assert not re.search(r"@import|innerHTML|outerHTML|insertAdjacentHTML|document\.write", page)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy or "default-src 'self'" in policy
    assert not re.search(r"\*|https?:", policy)
    assert answer.headers["Cache-Control"] == "no-store"


def test_headers_for_browsers(server):
    for answer in (server.get("/"), server.get("/health"), server.get("/nothing"),
                   server.get("/metrics"), server.post("/v1/translate", b"{"),
                   server.post("/v1/translate", {"text": "A cat."})):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    # No other page may read answers.
    for answer in (server.get("/health", Origin="http://elsewhere.example"),
                   server.request("OPTIONS", "/v1/translate", headers={
                       "Origin": "http://elsewhere.example",
                       "Access-Control-Request-Method": "POST"})):
        assert not any(name.lower().startswith("access-control-") for name in answer.headers)


def test_pages_elsewhere_cannot_use_it(server):
    """A browser sends a simple request without asking, and only keeps the answer from the page."""
    body = b'{"text": "A cat."}'
    for origin in ("http://elsewhere.example", "null", f"http://elsewhere.example:{server.port}"):
        answer = server.post("/v1/translate", body,
                             {"Origin": origin, "Content-Type": "text/plain"})
        assert answer.status == 403 and answer.error()
    for name in ("127.0.0.1", "localhost"):
        host = f"{name}:{server.port}"
        answer = server.post("/v1/translate", body, {"Origin": f"http://{host}", "Host": host})
        assert answer.status == 200


def test_a_name_that_an_attacker_points_at_this_machine(server):
    """DNS rebinding: a page elsewhere whose name now means 127.0.0.1."""
    for host in ("elsewhere.example", f"elsewhere.example:{server.port}", "127.0.0.1.example",
                 "localhost.example"):
        for path in ("/", "/health", "/languages"):
            answer = server.get(path, Host=host)
            assert answer.status == 403 and answer.error()
    for host in ("localhost", f"localhost:{server.port}", f"127.0.0.1:{server.port}",
                 f"[::1]:{server.port}"):
        assert server.get("/health", Host=host).status == 200


def test_other_paths_and_methods(server):
    for path in ("/nothing", "/v1", "/v1/translate/", "//nothing", "/../etc/passwd", "/%00"):
        answer = server.get(path)
        assert answer.status in (400, 404) and answer.error()
    for method, path in [("GET", "/v1/translate"), ("PUT", "/v1/translate"), ("DELETE", "/"),
                         ("POST", "/metrics"), ("PATCH", "/translate"), ("POST", "/")]:
        answer = server.request(method, path, b"")
        assert answer.status in (404, 405) and answer.error()
    # A query changes nothing.
    assert server.get("/health?verbose=1").status == 200


@pytest.fixture(scope="module")
def two_pairs(trained_run, run):
    with Server(trained_run, f"de-zh={run}") as server:
        yield server


def test_two_pairs(two_pairs, run, lines, expected):
    german = translated(run, lines[:3])
    for source, translations in (("en", expected[:3]), ("de", german)):
        assert texts(two_pairs.translate(lines[:3], source=source)) == translations
        assert libre(two_pairs, q=lines[:3], source=source).json()["translatedText"] == translations
    assert two_pairs.get("/health").json()["models"] == [
        {"source": "en", "target": "zh"}, {"source": "de", "target": "zh"}]
    of_code = {entry["code"]: entry for entry in two_pairs.get("/languages").json()}
    assert (of_code["de"]["name"], of_code["de"]["targets"]) == ("German", ["zh"])


def test_languages_that_several_models_fit_must_be_named(two_pairs):
    for content in ({"text": "A cat."}, {"text": "A cat.", "target": "zh"},
                    {"text": "A cat.", "source": "zh", "target": "en"}):
        error = two_pairs.post("/v1/translate", content).error()
        assert re.search(r"en.*zh", error) and re.search(r"de.*zh", error)  # The pairs there are.
    answer = libre(two_pairs, q="A cat.", source="auto")
    assert answer.status == 400 and answer.error()


def test_languages_before_a_model(trained_run, lines, expected):
    with Server(f"zh_Hans-en={trained_run}") as server:
        assert server.get("/health").json()["models"] == [{"source": "zh_Hans", "target": "en"}]
        assert texts(server.translate(lines[0], source="zh_Hans", target="en")) == expected[:1]


def test_a_checkpoint_and_options_of_decoding(trained_run, lines):
    checkpoint = trained_run / "checkpoints/step-00000080"
    with Server(f"en-zh={checkpoint}", "--beam-size", "2", "--set",
                "decoding.length_penalty=0.5") as server:
        assert texts(server.translate(lines)) == translated(
            checkpoint, lines, "--beam-size", "2", "--length-penalty", "0.5")


@pytest.fixture(scope="module")
def guarded(trained_run, tmp_path_factory):
    token = tmp_path_factory.mktemp("token") / "token"
    token.write_text("s3cret-t0ken\n")
    token.chmod(0o600)
    with Server(trained_run, "--token-file", token) as server:
        yield server


BEARER = {"Authorization": "Bearer s3cret-t0ken"}


def test_token(guarded, lines, expected):
    for path in ("/", "/health", "/languages", "/frontend/settings"):
        assert guarded.get(path).status == 200
    assert guarded.post("/v1/translate", {"text": lines[0]}, BEARER).json()["translations"][0][
        "text"] == expected[0]
    assert guarded.get("/metrics", **BEARER).status == 200
    assert libre(guarded, q=lines[0], api_key="s3cret-t0ken").json() == \
        {"translatedText": expected[0]}
    client = LibreTranslateClient(guarded.url, "s3cret-t0ken")
    assert client.translate(lines[0]) == expected[0]
    assert client.languages() == guarded.get("/languages").json()


@pytest.mark.parametrize("authorization", [
    None, "", "Bearer", "Bearer ", "Bearer wrong", "Bearer s3cret", "Basic czNjcmV0",
    "s3cret-t0ken", "Bearer s3cret-t0kenx", "Bearer s3cret-t0keN",
    "Bearer s3cret-t0ken s3cret-t0ken", b"Bearer s3cret-t0ken\xff"])
def test_without_the_token(guarded, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    for answer in (guarded.post("/v1/translate", {"text": "A cat."}, headers),
                   guarded.get("/metrics", **headers),
                   guarded.post("/translate", {"q": "A cat.", "source": "en", "target": "zh"},
                                headers)):
        assert answer.status == 401 and answer.error()
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("key", ["", "wrong", 1, None, ["s3cret-t0ken"]])
def test_a_wrong_api_key(guarded, key):
    assert libre(guarded, q="A cat.", api_key=key).status in (400, 401)
    # The key of a body is LibreTranslate's way only.
    answer = guarded.post("/v1/translate", {"text": "A cat.", "api_key": "s3cret-t0ken"})
    assert answer.status == 401
    with pytest.raises(error.HTTPError) as refused:
        LibreTranslateClient(guarded.url, "wrong").translate("A cat.")
    assert refused.value.code == 401
    refused.value.close()


def test_a_token_is_asked_for_before_the_body_is_looked_at(guarded):
    for body in (b"{", b"\xff", b'{"text": 1}'):
        assert guarded.post("/v1/translate", body).status == 401
