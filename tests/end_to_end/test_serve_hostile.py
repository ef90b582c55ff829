"""`wavemt serve`: mistakes, limits and bad clients cost nobody else an answer."""
import gzip
import json
import resource
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from serving import (PATIENCE, Server, answer_on, eventually, expected, libre, lines, request_bytes,
                     sent_all, server, texts)


@pytest.fixture(autouse=True)
def nothing_is_lost(request):
    """Whatever a test did: the server answers, and keeps neither lines nor connections."""
    yield
    for name in {"server", "small"} & set(request.fixturenames):
        tested = request.getfixturevalue(name)
        assert tested.get("/health").status == 200
        eventually(lambda: tested.metrics()["wavemt_lines_waiting",] == 0)


def connections_end(server):
    """Until the server holds no connection but the one that asks."""
    eventually(lambda: server.metrics()["wavemt_connections",] <= 1)


# Mistakes of a request.

MISTAKES = {
    "nothing": (b"", ""),
    "not JSON": (b"A cat.", ""),
    "cut": (b'{"text": "A cat."', ""),
    "two values": (b'{"text": "A cat."} {}', ""),
    "NUL behind it": (b'{"text": "A cat."}\0', ""),
    "a list": (b'["A cat."]', ""),
    "null": (b"null", ""),
    "an empty object": (b"{}", "text"),
    "invalid UTF-8": (b'{"text": "A \xff cat."}', "UTF-8"),
    "overlong UTF-8": (b'{"text": "A \xc0\xaf cat."}', "UTF-8"),
    "a surrogate as UTF-8": (b'{"text": "\xed\xa0\x80"}', "UTF-8"),
    "half a surrogate pair": (b'{"text": "\\ud800"}', ""),
    "UTF-16": ('{"text": "A cat."}'.encode("utf-16"), ""),
    "single quotes": (b"{'text': 'A cat.'}", ""),
    "NaN": (b'{"text": "A cat.", "decoding": {"length_penalty": NaN}}', ""),
    "a number beyond all": (b'{"text": "A cat.", "decoding": {"length_penalty": 1e999}}', ""),
    "deep lists": (b'{"text": ' + b"[" * 100_000, ""),
    "deep lists that end": (b'{"text": ' + b"[" * 5000 + b"]" * 5000 + b"}", ""),
    "deep objects": (b'{"a":' * 20_000, ""),
    "many keys": (json.dumps({str(i): i for i in range(20_000)}).encode(), ""),
    "a key twice": (b'{"text": "A cat.", "text": "A dog."}', "text"),
    "an unknown key": (b'{"txet": "A cat."}', 'did you mean "text"'),
    "a number as text": (b'{"text": 1}', "text"),
    "null as text": (b'{"text": null}', "text"),
    "an object as text": (b'{"text": {}}', "text"),
    "a number among texts": (b'{"text": ["A cat.", 1]}', "text"),
    "a list among texts": (b'{"text": [["A cat."]]}', "text"),
    "a number as language": (b'{"text": "A cat.", "source": 1}', "source"),
    "a list as language": (b'{"text": "A cat.", "target": ["zh"]}', "target"),
    "an unknown source": (b'{"text": "A cat.", "source": "xx"}', "en"),
    "an unknown target": (b'{"text": "A cat.", "target": "xx"}', "zh"),
    "a hostile language": (b'{"text": "A cat.", "target": "\\u0000\\n\\u001b[31m<b>"}', "zh"),
    "a text as stream": (b'{"text": "A cat.", "stream": "yes"}', "stream"),
    "a number as scores": (b'{"text": "A cat.", "scores": 1}', "scores"),
    "a list as decoding": (b'{"text": "A cat.", "decoding": []}', "decoding"),
    "an unknown key of decoding": (b'{"text": "A cat.", "decoding": {"beam": 1}}', "beam"),
    "a key of decoding for the server only":
        (b'{"text": "A cat.", "decoding": {"batch_tokens": 1}}', "batch_tokens"),
    "no beam": (b'{"text": "A cat.", "decoding": {"beam_size": 0}}', "decoding.beam_size"),
    "a wide beam": (b'{"text": "A cat.", "decoding": {"beam_size": 33}}', "decoding.beam_size"),
    "a large beam": (b'{"text": "A cat.", "decoding": {"beam_size": 1%s}}' % (b"0" * 18),
                     "decoding.beam_size"),
    "a beam beyond all": (b'{"text": "A cat.", "decoding": {"beam_size": 1%s}}' % (b"0" * 400), ""),
    "half a beam": (b'{"text": "A cat.", "decoding": {"beam_size": 2.5}}', "decoding.beam_size"),
    "a text as beam": (b'{"text": "A cat.", "decoding": {"beam_size": "5"}}', "decoding.beam_size"),
    "more than the beam":
        (b'{"text": "A cat.", "decoding": {"beam_size": 2, "n_best": 3}}', "decoding.n_best"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_of_a_request(server, name):
    body, named = MISTAKES[name]
    answer = server.post("/v1/translate", body)
    assert answer.status == 400
    assert named in answer.error()
    assert len(answer.body) < 4000
    assert not any(ord(letter) < 32 for letter in answer.error())
    if not named:
        # The other API reads the same JSON.
        assert server.post("/translate", body).status == 400


def test_a_mistake_names_the_pairs_that_there_are(server):
    error = server.post("/v1/translate", {"text": "A cat.", "target": "xx"}).error()
    assert "xx" in error and "en" in error and "zh" in error


# Limits.

@pytest.fixture(scope="module")
def small(trained_run):
    with Server(trained_run, "--max-body-bytes", "2000", "--max-lines", "5",
                "--max-queue-lines", "8") as server:
        yield server


def sized(size):
    """A request of so many bytes."""
    frame = len(json.dumps({"text": ""}))
    return json.dumps({"text": "A cat.".ljust(size - frame)}).encode()


def test_a_body_as_large_as_allowed(small):
    assert small.post("/v1/translate", sized(2000)).status == 200
    answer = small.post("/v1/translate", sized(2001))
    assert answer.status == 413 and "2,000" in answer.error().replace("2000", "2,000")


@pytest.mark.parametrize("size", [2001, 100_000, 10_000_000])
@pytest.mark.parametrize("path", ["/v1/translate", "/translate"])
def test_a_body_too_large(small, path, size):
    answer = small.post(path, sized(size))
    assert answer.status == 413 and answer.error()


@pytest.mark.parametrize("size", [2001, 100_000, 10_000_000])
def test_a_chunked_body_too_large(small, size):
    """Nobody says beforehand how much will come."""
    body = sized(size)
    pieces = (body[i:i + 50_000] for i in range(0, size, 50_000))
    answer = small.request("POST", "/v1/translate", pieces, {"Transfer-Encoding": "chunked"},
                           encode_chunked=True)
    assert answer.status == 413 and answer.error()


def test_a_form_too_large(small):
    form = b"source=en&target=zh&q=" + b"+" * 3000
    answer = small.post("/translate", form, {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 413 and answer.error()


def test_a_compressed_body_is_refused(small):
    answer = small.post("/v1/translate", gzip.compress(sized(100)), {"Content-Encoding": "gzip"})
    assert answer.status == 415 and "compressed" in answer.error()


def test_too_many_lines(small, lines, expected):
    assert texts(small.translate(lines[:5])) == expected[:5]
    for text in (["A cat."] * 6, "A cat.\n" * 5 + "A cat.", ["A cat.\nA dog."] * 3):
        answer = small.post("/v1/translate", {"text": text})
        assert answer.status == 413 and "5" in answer.error()
        answer = libre(small, q=text)
        assert answer.status == 413 and "5" in answer.error()


def test_a_line_too_long(server):
    """It would hold up everybody else's."""
    for text in ("x " * 50_000, ["A cat.", "x " * 50_000], "A cat.\n" + "x " * 50_000):
        answer = server.post("/v1/translate", {"text": text})
        assert answer.status == 413 and answer.error()
        answer = libre(server, q=text)
        assert answer.status == 413 and answer.error()


def test_a_full_queue(small, lines, expected):
    """Whoever comes too many is told at once to come again; whoever waits gets what is right."""
    def client(number):
        with small.socket() as connection:
            connection.sendall(request_bytes({"text": lines[number % 10:number % 10 + 5],
                                              "decoding": {"beam_size": 5}}))
            return number, answer_on(connection)

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(client, range(96), timeout=5 * PATIENCE))
    refused = 0
    for number, answer in answers:
        if answer.status == 200:
            assert texts(answer.json()["translations"]) == expected[number % 10:number % 10 + 5]
        else:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
            assert answer.error()
            refused += 1
    assert refused < 96
    assert sum(value for name, value in small.metrics().items()
               if name[0] == "wavemt_refused_total") >= refused


# Bad clients.

def test_a_body_that_comes_slowly(server, lines, expected):
    """Byte by byte, for a second and more."""
    body = request_bytes({"text": lines[0]})
    with server.socket() as slow:
        slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(body)):
            slow.sendall(body[i:i + 1])
            time.sleep(0.01)
        assert texts(answer_on(slow).json()["translations"]) == expected[:1]


def test_slow_clients_keep_nobody_waiting(server, lines, expected):
    stopped = threading.Event()

    def slow():
        with server.socket() as connection:
            for byte in request_bytes({"text": ["A cat."] * 10}):
                if stopped.wait(0.5):
                    return
                try:
                    connection.sendall(bytes([byte]))
                except ConnectionError:  # The server may lose its patience.
                    return

    with ThreadPoolExecutor(40) as pool:
        clients = [pool.submit(slow) for _ in range(40)]
        try:
            for _ in range(10):
                assert texts(server.translate(lines)) == expected
        finally:
            stopped.set()
        for client in clients:
            client.result(PATIENCE)


def test_parts_of_an_answer(server):
    """There are none: thousands of overlapping parts of a page would be a thousand pages."""
    whole = server.get("/").body
    for ranges in ("0-1", "0-", "5-1", "-1", ",".join(["0-"] * 1000), "-," * 3900, "x"):
        answer = server.get("/", Range=f"bytes={ranges}")
        assert (answer.status, answer.body) == (200, whole)


def test_half_a_request(server):
    whole = request_bytes({"text": "A cat."})
    body = whole.index(b"{")
    for end in (1, 10, body - 4, body - 1, body, body + 1, len(whole) - 1):
        for _ in range(5):
            with server.socket() as gone:
                gone.sendall(whole[:end])
        with server.socket() as silent:
            answer = answer_on(silent) if sent_all(silent, whole[:end]) else None
            assert answer is None or 400 <= answer.status < 500
    connections_end(server)


def test_a_client_that_resets_its_connection(server, lines, expected):
    linger = b"\1\0\0\0\0\0\0\0"  # On, for no time: what is closed is reset.
    for content in ({"text": lines}, {"text": lines, "stream": True}):
        for _ in range(10):
            with server.socket() as gone:
                gone.sendall(request_bytes(content))
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        assert texts(server.translate(lines)) == expected
    connections_end(server)


def test_a_reader_that_leaves_a_stream(server, lines, expected):
    for _ in range(5):
        with server.socket() as reader:
            reader.sendall(request_bytes({"text": lines * 10, "stream": True}))
            assert reader.recv(12) == b"HTTP/1.1 200"
    assert texts(server.translate(lines)) == expected
    connections_end(server)


def deaf_client(server):
    deaf = socket.socket()
    deaf.settimeout(PATIENCE)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    deaf.connect(("127.0.0.1", server.port))
    # Blank texts, which take no time.
    deaf.sendall(request_bytes({"text": [""] * 200_000, "stream": True}))
    return deaf


def test_clients_that_never_read(trained_run, lines, expected):
    """More than the buffers of a connection hold: the server must wait, and others need not."""
    with Server(trained_run, "--max-lines", "1000000", "--max-queue-lines", "10000000") as server:
        connections = [deaf_client(server) for _ in range(3)]
        for _ in range(3):
            assert texts(server.translate(lines)) == expected
        for connection in connections:
            connection.close()
        connections_end(server)


def test_hundreds_of_idle_connections(server, lines, expected):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2048)), hard))
    try:
        idle = [server.socket() for _ in range(300)]
        for index in range(20):
            assert texts(server.translate(lines[index])) == [expected[index]]
        assert texts(server.translate(lines)) == expected
        for connection in idle:
            connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    connections_end(server)


POST = b"POST /v1/translate HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize("sent", [
    b"\r\n\r\n", b"\0" * 1000, b"A cat.\r\n\r\n",
    bytes.fromhex("16030100c8010000c40303") + b"x" * 200,  # How TLS begins.
    b"GET /health HTTP/9.9\r\n\r\n", b"GET /health\r\n\r\n", b"get /health HTTP/1.1\r\n\r\n",
    b"BREW /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
    POST + b"\r\n{}",
    POST + b"Content-Length: -1\r\n\r\n{}",
    POST + b"Content-Length: many\r\n\r\n{}",
    POST + b"Content-Length: 99999999999999999999\r\n\r\n{}",
    POST + b"Content-Length: 9223372036854775807\r\n\r\n{}",
    POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n{}\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}",
    b"POST /translate HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data\r\n"
    b"Content-Length: 2\r\n\r\n{}",
    b"POST /translate HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: multipart/form-data; boundary=\r\nContent-Length: 2\r\n\r\n{}",
], ids=lambda sent: repr(sent[:60]))
def test_what_is_no_request(server, sent):
    """A mistake of the client or the end of the connection, within the time of a read."""
    with server.socket() as client:
        answer = answer_on(client) if sent_all(client, sent) else None
    harmless = sent.startswith((b"GET /health HTTP/9.9", b"GET /health HTTP/1.1"))
    assert answer is None or 400 <= answer.status < 500 or answer.status in (501, 505) or \
        harmless and answer.status == 200


def test_heads_have_limits(server):
    for head, status in ((b"X: " + b"x" * 9000, 431), (b"X: y\r\n" * 200, 431),
                         (b"X: y", 408)):  # The last one has no end.
        with server.socket() as client:
            client.settimeout(PATIENCE)
            end = b"" if status == 408 else b"\r\n\r\n"
            client.sendall(b"GET /health HTTP/1.1\r\n" + head.rstrip() + end)
            answer = answer_on(client)
            assert answer.status == status and answer.error()


@pytest.mark.parametrize("head", [
    b"GET /languages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 45\r\n\r\n",
    b"HEAD /languages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 45\r\n\r\n",
    b"PROPFIND /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 45\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length : 45\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: %63hunked\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    POST + b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 45\r\n\r\n",
], ids=lambda head: repr(head[:90]))
def test_what_follows_a_doubtful_request_is_no_request(server, head):
    with server.socket() as client:
        client.settimeout(PATIENCE)
        client.sendall(head)
        time.sleep(0.2)  # So that it comes in another packet; without that, the test sees less.
        received = b""
        try:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while piece := client.recv(65536):
                received += piece
        except ConnectionError:
            pass
    assert received.count(b"HTTP/1.1 ") <= 1 and b'"status"' not in received


@pytest.mark.parametrize("lengths", [
    b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: 2\r\nContent-Length: 60\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: xchunked\r\n"],
    ids=lambda lengths: lengths.decode().replace("\r\n", "; "))
def test_a_body_of_doubtful_length_ends_the_connection(server, lengths):
    """What a proxy takes for a body must not become the request of its next client."""
    with server.socket() as client:
        client.sendall(POST + lengths + b"\r\n{}GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = answer_on(client)
        assert answer.status in (400, 411, 501) and answer.error()
        try:
            assert client.recv(1) == b""
        except ConnectionError:
            pass
