#!/usr/bin/env python3
"""Load on a running `wavemt serve`: many clients translate the lines of a file, each answer is
checked, and speed, latency and the server's memory are told.

usage: scripts/load_test.py URL --text FILE [--clients 50] [--seconds 120] [--hostile] ...
URL is what the server printed when it started, such as http://127.0.0.1:8080. With --hostile, bad
clients run beside the good ones, who must not notice. Exit code 1: a good client got a wrong answer
or none, or a bad one was not refused. --help lists the options. Needs only Python (3.9 or later).
"""
import argparse
import asyncio
import itertools
import json
import resource
import sys
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

PATIENCE = 60  # Seconds until an answer counts as missing.
MEMORY_EVERY = 10  # Seconds.
SHOWN_ERRORS = 5

# How many bad clients there are of each kind.
IDLE, SLOW, HALF, LARGE, INVALID = 1000, 20, 5, 2, 5
LARGE_BODY = 10_000_000


class NoAnswer(Exception):
    """The connection ended before an answer."""


@dataclass
class Server:
    """Where it is, and how a request to it looks."""
    host: str
    port: int
    name: str  # Host and port as the URL has them.
    prefix: str
    token: str = ""

    def request(self, method, path, body=b"", *headers, length=None):
        lines = [f"{method} {self.prefix}{path} HTTP/1.1", f"Host: {self.name}", *headers]
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}")
        if method == "POST":
            lines.append("Content-Type: application/json")
        if body or length is not None:
            lines.append(f"Content-Length: {len(body) if length is None else length}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection:
    """Keeps a connection open from one request to the next, as a browser or a proxy does."""

    def __init__(self, server):
        self.server = server
        self.reader = self.writer = None

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection(
            self.server.host, self.server.port, limit=1 << 20)

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def ask(self, request):
        """Status and body. A connection that the server closed meanwhile is opened again, once."""
        for is_kept in (self.writer is not None, False):
            try:
                if self.writer is None:
                    await self.open()
                self.writer.write(request)
                await self.writer.drain()
                return await self.answer()
            except (NoAnswer, ConnectionError):
                self.close()
                if not is_kept:
                    raise
        raise AssertionError("unreachable")

    async def answer(self):
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise ValueError(f"an answer that was cut: {error.partial[:100]!r}") from None
            raise NoAnswer("the server closed the connection without an answer") from None
        try:
            status_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
            headers = {name.lower(): value.strip()
                       for name, _, value in (line.partition(":") for line in lines)}
            status = int(status_line.split(" ")[1])
            if status == 100:
                return await self.answer()
            body = await self.body(headers)
        except asyncio.IncompleteReadError:
            raise ValueError(f"{status}: the body of the answer was cut") from None
        except (IndexError, KeyError, ValueError, asyncio.LimitOverrunError):
            raise ValueError(f"no answer in HTTP: {head[:100]!r}") from None
        if headers.get("connection", "").lower() == "close":
            self.close()
        return status, body

    async def body(self, headers):
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return await self.reader.readexactly(int(headers["content-length"]))
        pieces = []
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            pieces.append(await self.reader.readexactly(size))
            await self.reader.readexactly(2)
        await self.reader.readuntil(b"\r\n")
        return b"".join(pieces)


@dataclass
class Tally:
    """What the good clients saw."""
    requests: int = 0
    sentences: int = 0
    errors: int = 0
    first_errors: list = field(default_factory=list)
    latencies: array = field(default_factory=lambda: array("d"))
    first_answers: dict = field(default_factory=dict)  # Of each line.
    differing: int = 0

    def error(self, sentence):
        self.errors += 1
        if len(self.first_errors) < SHOWN_ERRORS:
            self.first_errors.append(sentence)

    def count(self, texts, status, body):
        if status != 200:
            self.error(f"{status}: {body[:200].decode(errors='replace')}")
            return
        translations = [entry["text"] for entry in json.loads(body)["translations"]]
        if len(translations) != len(texts):
            self.error(f"{len(texts)} texts got {len(translations)} translations")
            return
        for text, translation in zip(texts, translations):
            if not isinstance(translation, str):
                raise TypeError("a translation is no text")
            self.differing += self.first_answers.setdefault(text, translation) != translation
        self.sentences += len(texts)


async def good_client(server, languages, batches, end, tally):
    connection = Connection(server)
    while time.monotonic() < end:
        texts = next(batches)
        request = server.request("POST", "/v1/translate",
                                 json.dumps({"text": texts} | languages).encode())
        start = time.monotonic()
        tally.requests += 1
        try:
            status, body = await asyncio.wait_for(connection.ask(request), PATIENCE)
            tally.latencies.append(time.monotonic() - start)
            tally.count(texts, status, body)
        except asyncio.TimeoutError:
            tally.error(f"no answer within {PATIENCE} seconds")
            connection.close()
        except (OSError, NoAnswer, ValueError, KeyError, TypeError) as error:
            tally.error(f"{type(error).__name__}: {error}")
            connection.close()
            await asyncio.sleep(0.1)  # A server that has gone refuses thousands a second.
    connection.close()


class HostileClients:
    """Each kind runs until it is cancelled, and counts what became of its connections."""

    def __init__(self, server):
        self.server = server
        self.outcomes = {kind: Counter() for kind in
                         ("idle", "slow", "half", "large", "invalid UTF-8")}
        self.kinds = [(IDLE, self.idle), (SLOW, self.slow), (HALF, self.half),
                      (LARGE, self.large), (INVALID, self.invalid)]

    def start(self):
        return [asyncio.create_task(kind(number)) for count, kind in self.kinds
                for number in range(count)]

    async def attempt(self, kind, send, pause):
        """One connection after the other."""
        outcomes = self.outcomes[kind]
        while True:
            connection = Connection(self.server)
            try:
                await asyncio.wait_for(connection.open(), PATIENCE)
            except (OSError, asyncio.TimeoutError):
                outcomes["could not connect"] += 1
                await asyncio.sleep(1)
                continue
            sending = asyncio.create_task(send(connection.writer))
            try:
                # Read beside the sending: an answer may come before a body has ended.
                status, _ = await connection.answer()
                outcomes[str(status)] += 1
            except (NoAnswer, OSError):
                outcomes["closed"] += 1
            except ValueError:
                outcomes["an answer that was cut or not in HTTP"] += 1
            except asyncio.CancelledError:
                outcomes["open at the end"] += 1
                raise
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
                connection.close()
            await asyncio.sleep(pause)

    async def idle(self, number):
        async def send(writer):
            pass

        await asyncio.sleep(number / IDLE)  # Not all within a millisecond.
        await self.attempt("idle", send, pause=1)

    async def slow(self, number):
        async def send(writer):
            for byte in self.server.request("POST", "/v1/translate", b'{"text": "A cat."}'):
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)

        await asyncio.sleep(number / SLOW)
        await self.attempt("slow", send, pause=1)

    async def half(self, number):
        """Requests that end in their middle: the server may still answer whoever listens."""
        whole = self.server.request("POST", "/v1/translate", b'{"text": "A cat."}', length=1000)
        ends = itertools.cycle(range(1, len(whole) + 1, 7))

        async def send(writer):
            writer.write(whole[:next(ends)])
            await writer.drain()
            writer.write_eof()

        await self.attempt("half", send, pause=0.2)

    async def large(self, number):
        async def send(writer):
            body = b'{"text": "' + b"x" * (LARGE_BODY - 12) + b'"}'
            if number % 2 == 0:
                writer.write(self.server.request("POST", "/v1/translate", body))
            else:
                writer.write(self.server.request("POST", "/v1/translate", b"",
                                                 "Transfer-Encoding: chunked"))
                for start in range(0, len(body), 50_000):
                    piece = body[start:start + 50_000]
                    writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    await writer.drain()
                writer.write(b"0\r\n\r\n")
            await writer.drain()

        await self.attempt("large", send, pause=1)

    async def invalid(self, number):
        async def send(writer):
            writer.write(self.server.request("POST", "/v1/translate", b'{"text": "A \xff cat."}'))
            await writer.drain()

        await self.attempt("invalid UTF-8", send, pause=0.2)

    def mistakes(self):
        """What should not have happened: anything but a 4xx or an end of the connection."""
        fine = ("closed", "open at the end", "could not connect")
        return [f"{kind}: {outcome} {count:,} times" for kind, outcomes in self.outcomes.items()
                for outcome, count in outcomes.items()
                if not (outcome in fine or outcome.startswith("4"))
                # A slow client that is waited for gets what it asked for.
                and not (kind == "slow" and outcome == "200")]


@dataclass
class Watch:
    """Measures the server, and shows how far the test is."""
    server: Server
    pid: int
    tally: Tally
    problems: list = field(default_factory=list)

    async def resident(self):
        """Megabytes, as the server tells."""
        connection = Connection(self.server)
        try:
            status, body = await asyncio.wait_for(
                connection.ask(self.server.request("GET", "/metrics")), PATIENCE)
            for line in body.decode().splitlines():
                name, _, value = line.partition(" ")
                if name == "process_resident_memory_bytes":
                    return float(value) / 1e6
            self.problems.append(f"/metrics: {status} without process_resident_memory_bytes")
        except (OSError, NoAnswer, ValueError, KeyError, asyncio.TimeoutError) as error:
            self.problems.append(f"/metrics: {type(error).__name__}: {error}")
        finally:
            connection.close()
        return None

    def process(self):
        """What the system knows of the process."""
        if self.pid is None:
            return ""
        try:
            status = dict(line.split(":\t", 1) for line in
                          Path(f"/proc/{self.pid}/status").read_text().splitlines())
            files = len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
        except OSError as error:
            self.problems.append(f"process {self.pid}: {error.strerror}")
            return ""
        return (f"  peak {int(status['VmHWM'].split()[0]) * 1024 / 1e6:,.0f} MB, "
                f"{status['Threads'].strip()} threads, {files} open files")

    async def show(self, label):
        megabytes = await self.resident()
        memory = "unknown" if megabytes is None else f"{megabytes:,.1f} MB"
        print(f"{label:>8}  {self.tally.requests:>10,} requests  {self.tally.sentences:>10,} "
              f"sentences  {self.tally.errors:>6,} errors  memory {memory}{self.process()}",
              flush=True)

    async def run(self, start):
        for tick in itertools.count(1):
            await asyncio.sleep(start + tick * MEMORY_EVERY - time.monotonic())
            await self.show(f"{tick * MEMORY_EVERY} s")


def raise_file_limit(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
    return enough >= wanted


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def report(tally, seconds, hostile, problems):
    """Prints the results; whether all is well."""
    print(f"\nrequests     {tally.requests:,}\nerrors       {tally.errors:,}")
    for sentence in tally.first_errors:
        print(f"             {sentence}")
    print(f"sentences/s  {tally.sentences / seconds:,.1f}")
    if tally.latencies:
        ordered = sorted(tally.latencies)
        print("latency, ms  " + "  ".join(
            f"{name} {1000 * percentile(ordered, share):,.1f}"
            for name, share in (("50%", 0.5), ("90%", 0.9), ("99%", 0.99), ("max", 1))))
    # Rounding may decide a close call otherwise when other lines share the batch.
    print(f"lines whose translation was another one than at first: {tally.differing:,}")
    mistakes = []
    if hostile is not None:
        print("\nbad clients, and what became of their connections:")
        for kind, outcomes in hostile.outcomes.items():
            print(f"  {kind:14} " + ", ".join(f"{outcome}: {count:,}"
                                             for outcome, count in sorted(outcomes.items())))
        mistakes = hostile.mistakes()
    for sentence in [f"not expected of a bad client: {mistake}" for mistake in mistakes] + problems:
        print(f"error: {sentence}")
    return not tally.errors and not mistakes and not problems and tally.sentences > 0


async def test(options, server, lines):
    size = options.lines_per_request
    places = itertools.cycle(range(0, len(lines), size))
    batches = ([lines[(place + i) % len(lines)] for i in range(size)] for place in places)
    languages = {name: value for name, value in
                 (("source", options.source), ("target", options.target)) if value}
    tally = Tally()
    watch = Watch(server, options.pid, tally)
    await watch.show("start")
    start = time.monotonic()
    hostile = HostileClients(server) if options.hostile else None
    beside = [asyncio.create_task(watch.run(start)), *(hostile.start() if hostile else [])]
    await asyncio.gather(*(good_client(server, languages, batches, start + options.seconds, tally)
                           for _ in range(options.clients)))
    seconds = time.monotonic() - start
    for task in beside:
        task.cancel()
    for ended in await asyncio.gather(*beside, return_exceptions=True):
        if not isinstance(ended, asyncio.CancelledError):  # A mistake of this script.
            watch.problems.append(f"{type(ended).__name__}: {ended}")
    await watch.show("end")
    return report(tally, seconds, hostile, watch.problems)


def positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be a number above zero")
    return int(text)


def main():
    parser = argparse.ArgumentParser(
        description="Puts load on a running `wavemt serve`, checks each answer, and prints speed, "
        "latency and the server's memory.",
        epilog="Exit code 1: a client got a wrong answer or none, or a bad one was not refused.")
    parser.add_argument("url", metavar="URL", help="What the server printed when it started.")
    parser.add_argument("--text", metavar="FILE", type=Path, required=True,
                        help="Text to translate; its lines that are not blank are sent in turn.")
    parser.add_argument("--clients", type=positive, default=50,
                        help="Clients at once, each of which waits for its answer before it sends "
                        "its next request (%(default)s).")
    parser.add_argument("--seconds", type=positive, default=120,
                        help="How long the clients send requests (%(default)s).")
    parser.add_argument("--lines-per-request", metavar="N", type=positive, default=1,
                        help="Texts in each request (%(default)s).")
    parser.add_argument("--source", metavar="LANGUAGE",
                        help="The language of the text, if the server has several models.")
    parser.add_argument("--target", metavar="LANGUAGE",
                        help="The language of the translations, if the server has several models.")
    parser.add_argument("--token-file", metavar="FILE", type=Path,
                        help="The file whose first line is the server's token, if it asks for one.")
    parser.add_argument("--pid", type=positive,
                        help="The server's process, if it runs on this machine: its peak memory, "
                        "threads and open files are shown too.")
    parser.add_argument("--hostile", action="store_true",
                        help=f"Also starts bad clients: {IDLE:,} idle connections, {SLOW} clients "
                        f"that send a byte a second, {HALF} that stop within a request, {LARGE} "
                        f"that send bodies of {LARGE_BODY // 1_000_000} MB, and {INVALID} that "
                        "send invalid UTF-8. Each must be refused or closed.")
    options = parser.parse_args()
    try:
        parts = urlsplit(options.url)
        port = parts.port or 80
    except ValueError as error:
        parser.error(f"{options.url}: {error}")
    if parts.scheme != "http" or not parts.hostname:
        parser.error(f"{options.url}: must be an address such as http://127.0.0.1:8080")
    try:
        text = options.text.read_text("utf8")
        token = options.token_file.read_text("utf8").split("\n")[0] if options.token_file else ""
    except (OSError, UnicodeDecodeError) as error:
        parser.error(str(error))
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        parser.error(f"{options.text}: holds no text")
    wanted = options.clients + options.hostile * (IDLE + SLOW + HALF + LARGE + INVALID) + 100
    if not raise_file_limit(wanted):
        parser.error(f"needs {wanted:,} open files, more than this machine allows (ulimit -Hn)")
    server = Server(parts.hostname, port, parts.netloc, parts.path.rstrip("/"), token)
    sys.exit(0 if asyncio.run(test(options, server, lines)) else 1)


if __name__ == "__main__":
    main()
