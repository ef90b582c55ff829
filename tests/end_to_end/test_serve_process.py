"""`wavemt serve` as a process: what keeps it from starting, and how it ends."""
import json
import shutil
import signal
import socket
import threading

import pytest
from conftest import wavemt
from serving import PATIENCE, Server, answer_of, answer_on, expected, lines, request_bytes, texts


def refused(*arguments, **options):
    """What it says when it does not start: one sentence, exit code 2, and no URL."""
    result = wavemt("serve", *arguments, "--device", "cpu", check=False, timeout=PATIENCE,
                    **options)
    assert (result.returncode, result.stdout) == (2, "")
    return result.stderr


# Before it answers.

def test_the_address_is_the_only_line_on_standard_output(trained_run):
    with Server(trained_run) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert 0 < server.port < 65536
        assert server.get("/health").status == 200
        assert f"{server.port}" in server.said()
        assert server.stop() == 0


def test_a_port_in_use(trained_run):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused(trained_run, "--port", port)
    assert f"--port {port}: is in use on 127.0.0.1; choose another with --port" in said


def test_two_servers_do_not_share_a_port(trained_run):
    """Which SO_REUSEPORT would let them."""
    with Server(trained_run) as server:
        assert "is in use" in refused(trained_run, "--port", server.port)
        assert server.get("/health").status == 200


def test_a_server_takes_the_port_of_one_that_ended(trained_run):
    with Server(trained_run) as server:
        connection = server.socket()
        connection.sendall(request_bytes({"text": "A cat."}))
        assert answer_on(connection).status == 200
        assert server.stop() == 0  # The server closes first, and its side of the port lingers.
        connection.close()
        with Server(trained_run, port=server.port) as next_server:
            assert next_server.port == server.port


def test_a_missing_model(trained_run, tmp_path):
    missing = tmp_path / "missing"
    for arguments in ([missing], [f"en-de={missing}"], [trained_run, f"de-en={missing}"]):
        assert f"{missing}: no such run" in refused(*arguments, "--port", "0")
    assert "MODEL" in refused("--port", "0")


def test_two_models_for_a_pair(trained_run, run):
    for arguments in ([trained_run, run], [f"en-zh={trained_run}", run],
                      [f"de-fr={trained_run}", f"de-fr={run}"], [trained_run, trained_run]):
        said = refused(*arguments, "--port", "0")
        assert str(trained_run) in said and str(arguments[1]).split("=")[-1] in said


def test_a_model_whose_languages_nobody_knows(trained_run, own_run):
    """Text that is named neither by a language nor by an extension of its file."""
    config = json.loads((own_run / "config.json").read_text("utf8"))
    for side in ("source", "target"):
        config["data"]["train"][side] = str(own_run / f"text_{side}")
    (own_run / "config.json").write_text(json.dumps(config), "utf8")
    (own_run / "checksums.json").unlink()  # Which refuses a config that was edited.
    assert f"en-de={own_run}" in refused(own_run, "--port", "0")
    with Server(f"en-de={own_run}") as server:
        assert server.get("/health").json()["models"] == [{"source": "en", "target": "de"}]


def test_a_path_with_an_equals_sign(trained_run, tmp_path, lines, expected):
    folder = tmp_path / "lr=0.1-en"
    shutil.copytree(trained_run, folder)
    for model in (folder, f"en-zh={folder}"):
        with Server(model) as server:
            assert texts(server.translate(lines[0])) == expected[:1]


@pytest.mark.parametrize("options, named", [
    (["--port", "65536"], "--port"), (["--port", "-1"], "--port"), (["--port", "http"], "--port"),
    (["--host", "no host"], "--host"), (["--max-lines", "0"], "--max-lines"),
    (["--max-body-bytes", "0"], "--max-body-bytes"), (["--max-seconds", "-1"], "--max-seconds"),
    (["--max-connections", "0"], "--max-connections"),
    (["--max-queue-lines", "0"], "--max-queue-lines"),
    (["--token-file", "/nowhere/token"], "/nowhere/token"),
    (["--set", "decoding.beam_size=0"], "decoding.beam_size")], ids=str)
def test_options_that_mean_nothing(trained_run, options, named):
    arguments = [trained_run, *options]
    assert named in refused(*arguments, *([] if "--port" in options else ["--port", "0"]))


@pytest.mark.parametrize("token", [b"", b"\n", b"\nsecret\n", b"two words\n", b"t\xc3\xb6ken\n"])
def test_what_is_no_token(trained_run, tmp_path, token):
    (tmp_path / "token").write_bytes(token)
    assert f"{tmp_path}/token" in refused(trained_run, "--port", "0", "--token-file",
                                          tmp_path / "token")


def test_dangers_are_warned_of(trained_run, tmp_path):
    (tmp_path / "token").write_text("secret\nnot this\n")
    (tmp_path / "token").chmod(0o644)
    with Server(trained_run, "--token-file", tmp_path / "token") as server:
        assert f" warning: {tmp_path}/token" in server.said()
        assert server.get("/metrics", Authorization="Bearer secret").status == 200
        assert "secret" not in server.said()
    (tmp_path / "token").chmod(0o600)
    with Server(trained_run, "--token-file", tmp_path / "token", "--host", "0.0.0.0") as server:
        assert " warning: " not in server.said()
        # Any name may mean a host that others can reach.
        assert server.get("/health", Host="machine.example").status == 200
    with Server(trained_run, "--host", "0.0.0.0") as server:
        assert " warning: " in server.said() and "--token-file" in server.said()


# Its end.

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(trained_run, number):
    with Server(trained_run) as server:
        idle = [server.socket() for _ in range(20)]
        kept = server.connect()
        kept.request("GET", "/health")
        assert answer_of(kept).status == 200
        half = server.socket()
        half.sendall(request_bytes({"text": "A cat."})[:-3])
        assert server.stop(number) == 0
        assert " error: " not in server.said()
        for connection in (*idle, half):
            connection.close()
        kept.close()


def test_signals_that_come_again(trained_run):
    """As a terminal, a shell and a supervisor may all send one."""
    with Server(trained_run) as server:
        for _ in range(3):
            server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 0


def test_requests_on_their_way_get_their_answers(trained_run, lines, expected):
    """Each client has read the first line of its stream when the signal comes."""
    with Server(trained_run, "--max-lines", "100000", "--max-queue-lines", "1000000",
                "--max-seconds", "300") as server:
        begun = threading.Barrier(7)
        found, failures = [], []

        def stream():
            try:
                connection = server.connect()
                connection.timeout = 5 * PATIENCE
                connection.request("POST", "/v1/translate",
                                   json.dumps({"text": lines * 15, "stream": True}))
                response = connection.getresponse()
                first = response.readline()
                begun.wait(5 * PATIENCE)
                found.append([json.loads(line)["text"]
                              for line in (first + response.read()).splitlines()])
            except Exception as problem:  # A thread's end would not show.
                failures.append(problem)
                begun.abort()

        threads = [threading.Thread(target=stream) for _ in range(6)]
        for thread in threads:
            thread.start()
        # One that may just have come: it is answered, or told that the server stops.
        late = server.socket()
        late.settimeout(5 * PATIENCE)
        late.sendall(request_bytes({"text": lines}))
        begun.wait(5 * PATIENCE)
        server.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(5 * PATIENCE)
        answer = answer_on(late)
        late.close()
        assert failures == []
        assert found == [expected * 15] * 6
        assert answer.status == 200 and texts(answer.json()["translations"]) == expected or \
            answer.status == 503 and answer.error()
        assert server.wait() == 0
        with pytest.raises(ConnectionRefusedError):
            server.socket()
