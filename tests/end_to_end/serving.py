"""What the tests of `wavemt serve` share: a server of their own, and clients on plain sockets."""
import errno
import http.client
import json
import select
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from urllib import parse, request

import pytest
from conftest import ENVIRONMENT, PROGRAM, wavemt
from prometheus_client.parser import text_string_to_metric_families

PATIENCE = 60  # Seconds: far more than anything takes, for nothing may depend on the machine.


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)

    def error(self):
        """The sentence of an error, which is all that its body holds."""
        assert self.status >= 400, self
        assert self.headers.get_content_type() == "application/json", self
        content = self.json()
        assert list(content) == ["error"] and isinstance(content["error"], str), content
        assert content["error"].strip() and "\n" not in content["error"], content
        return content["error"]


def answer_of(connection):
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


class Server:
    """`wavemt serve` on a free port, until the end of a `with`."""

    def __init__(self, *arguments, port=0):
        self.log = tempfile.TemporaryFile()  # A pipe that nobody reads would fill.
        self.process = subprocess.Popen(
            [str(PROGRAM), "serve", *map(str, arguments), "--port", str(port), "--device",
             "cpu"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
            env=ENVIRONMENT)
        try:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            self.url = self.process.stdout.readline().decode().rstrip("\n") if ready else ""
            assert self.url.startswith("http://"), (self.url, self.said())
        except BaseException:
            self.process.kill()
            self.process.communicate()
            raise
        self.port = parse.urlsplit(self.url).port

    def said(self):
        """Standard error so far."""
        self.log.seek(0)
        return self.log.read().decode()

    def stop(self, number=signal.SIGTERM):
        """Its exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        rest, _ = self.process.communicate(timeout=PATIENCE)
        assert rest == b""  # Standard output is the URL and nothing else.
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            try:
                code = self.stop()
            except BaseException:
                self.process.kill()
                self.process.communicate()
                raise
            assert kind is not None or code == 0, self.said()
        assert kind is not None or " error: " not in self.said(), self.said()
        self.log.close()

    def connect(self):
        """A connection that stays open from one request to the next."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def socket(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def request(self, method, path, body=None, headers=None, **options):
        """On a connection of its own."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {}, **options)
            return answer_of(connection)
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def post(self, path, content, headers=None):
        """`content`: bytes as they are, anything else as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.request("POST", path, body,
                            {"Content-Type": "application/json"} | (headers or {}))

    def translate(self, text, **options):
        """What POST /v1/translate answers: the objects of the texts."""
        answer = self.post("/v1/translate", {"text": text} | options)
        assert answer.status == 200, answer
        return answer.json()["translations"]

    def metrics(self):
        """The value of each sample, by its name and labels."""
        answer = self.get("/metrics")
        assert answer.status == 200, answer
        return {(sample.name, *sorted(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(answer.body.decode())
                for sample in family.samples}


def texts(translations):
    return [translation["text"] for translation in translations]


def unwarned(translations):
    """Without the warnings: a model that learned for a moment may not know where to end."""
    return [{key: value for key, value in translation.items() if key != "warnings"}
            for translation in translations]


def request_bytes(content, *headers, path="/v1/translate", version="1.1"):
    """A POST as it goes over the wire."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    head = [f"POST {path} HTTP/{version}", "Host: localhost", "Content-Type: application/json",
            f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def answer_on(connected):
    """The answer that comes on a socket; None if the other side closed without one."""
    response = http.client.HTTPResponse(connected, method="POST")
    try:
        response.begin()
        return Answer(response.status, response.headers, response.read())
    except (http.client.BadStatusLine, ConnectionError):  # Also RemoteDisconnected.
        return None
    finally:
        response.close()


def sent_all(connected, data):
    """Sends it and nothing behind it. False: the other side closed before it had everything."""
    try:
        connected.sendall(data)
        connected.shutdown(socket.SHUT_WR)
        return True
    except OSError as error:
        assert isinstance(error, ConnectionError) or error.errno == errno.ENOTCONN, error
        return False


def eventually(condition):
    """What is counted behind an answer may come a moment after it."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.02)


class LibreTranslateClient:
    """Sends what the Python package libretranslatepy sends."""

    def __init__(self, url, api_key=None):
        self.url = url
        self.parameters = {} if api_key is None else {"api_key": api_key}

    def call(self, path, method="POST", **parameters):
        body = parse.urlencode(parameters | self.parameters).encode()
        opener = request.build_opener(request.ProxyHandler({}))  # No proxy of this machine's.
        with opener.open(request.Request(f"{self.url}/{path}", data=body, method=method),
                         timeout=PATIENCE) as response:
            return json.loads(response.read().decode())

    def translate(self, q, source="en", target="zh"):
        return self.call("translate", q=q, source=source, target=target)["translatedText"]

    def languages(self):
        return self.call("languages", method="GET")


def libre(server, **content):
    return server.post("/translate", {"source": "en", "target": "zh"} | content)


def translated(model, lines, *options):
    """What `wavemt translate` makes of them."""
    # As bytes: Python would take a "\r" for the end of a line.
    output = wavemt("translate", model, *options, encoding=None,
                    input="".join(line + "\n" for line in lines).encode()).stdout
    return output.decode().split("\n")[:-1]


def lists_of(model, lines, n_best):
    """The texts and the scores of `wavemt translate --n-best` for each line."""
    lists = [[] for _ in lines]
    for entry in translated(model, lines, "--n-best", n_best):
        number, text, score = entry.split(" ||| ")
        lists[int(number)].append((text, float(score)))
    return lists


# Fixtures of the modules that import them.

@pytest.fixture(scope="module")
def server(trained_run):
    with Server(trained_run) as server:
        yield server


@pytest.fixture(scope="module")
def lines(corpus):
    """The test sentences, all different."""
    lines = (corpus / "test.en").read_text("utf8").splitlines()
    assert len(set(lines)) == 20
    return lines


@pytest.fixture(scope="module")
def expected(trained_run, lines):
    """Their translations."""
    return translated(trained_run, lines)
