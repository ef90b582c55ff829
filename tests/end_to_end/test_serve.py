"""`wavemt serve`: what it answers in its own API."""
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from serving import (PATIENCE, answer_of, answer_on, expected, lines, lists_of, request_bytes,
                     server, texts, translated, unwarned)


def test_a_text_is_translated_as_by_translate(server, lines, expected):
    for line, translation in zip(lines[:3], expected):
        assert unwarned(server.translate(line)) == [{"text": translation}]


def test_texts_come_back_in_order(server, lines, expected):
    assert texts(server.translate(lines)) == expected
    assert texts(server.translate(lines[::-1])) == expected[::-1]
    assert texts(server.translate(lines[:1])) == expected[:1]
    assert server.translate([]) == []


def test_a_text_of_several_lines_keeps_its_line_breaks(server, lines, expected):
    for join in (lambda text: "\n".join(text), lambda text: "\n\n".join(text),
                 lambda text: "\r\n".join(text), lambda text: "\n" + "\n".join(text) + "\n\n"):
        assert texts(server.translate(join(lines[:5]))) == [join(expected[:5])]
    assert texts(server.translate([lines[0], "\n".join(lines[1:4]), lines[4]])) == \
        [expected[0], "\n".join(expected[1:4]), expected[4]]


@pytest.mark.parametrize("blank", ["", "\n", "  ", "\n \n\n"])
def test_blank_text_stays_blank(server, lines, expected, blank):
    assert [text.strip(" ") for text in texts(server.translate(blank))] == [blank.replace(" ", "")]
    between = texts(server.translate([lines[0], blank, lines[1]]))
    assert [between[0], between[2]] == expected[:2]


def test_only_a_line_feed_ends_a_line(server, trained_run):
    odd = [f"She has a cat.{separator}He has a dog."
           for separator in ("\u2028", "\u2029", "\u0085", "\0", "\r", "\v", "\f", "\x1c")]
    assert texts(server.translate(odd)) == translated(trained_run, odd)
    assert texts(server.translate("\n".join(odd))) == ["\n".join(translated(trained_run, odd))]


def test_any_unicode_is_text(server, trained_run):
    odd = ["\U0001f600 a cat \u200f", "e\u0301", "\ufffd", "\U0010ffff", "\ufeffA cat.",
           "\u4f60\u597d", "\"\\/\t"]
    bare = translated(trained_run, odd)
    assert texts(server.translate(odd)) == bare
    # As escapes, with surrogates, and as UTF-8.
    for escaped in (True, False):
        body = json.dumps({"text": odd}, ensure_ascii=escaped).encode()
        assert texts(server.post("/v1/translate", body).json()["translations"]) == bare


def test_languages_may_be_named(server, lines, expected):
    for named in ({"source": "en"}, {"target": "zh"}, {"source": "en", "target": "zh"}):
        assert texts(server.translate(lines[0], **named)) == expected[:1]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "text/plain", None])
def test_the_content_type_does_not_matter_for_json(server, lines, expected, kind):
    answer = server.request("POST", "/v1/translate", json.dumps({"text": lines[0]}).encode(),
                            {} if kind is None else {"Content-Type": kind})
    # A page elsewhere may send text/plain without asking first, so that it may be refused as well.
    assert answer.status in (200, 400, 415)
    if answer.status == 200:
        assert texts(answer.json()["translations"]) == expected[:1]
    else:
        answer.error()


def test_decoding_of_one_request(server, trained_run, lines, expected):
    greedy = translated(trained_run, lines, "--beam-size", "1")
    assert texts(server.translate(lines, decoding={"beam_size": 1})) == greedy
    short = translated(trained_run, lines, "--length-penalty", "0")
    assert texts(server.translate(lines, decoding={"length_penalty": 0})) == short
    assert texts(server.translate(lines, decoding={})) == expected  # And not the last one's.


def test_n_best(server, trained_run, lines):
    lists = lists_of(trained_run, lines, 3)
    found = unwarned(server.translate(lines, decoding={"n_best": 3}))
    for translation, best in zip(found, lists, strict=True):
        assert translation == {"text": best[0][0],
                               "alternatives": [{"text": text} for text, _ in best[1:]]}


def test_scores(server, trained_run, lines):
    lists = lists_of(trained_run, lines, 3)
    found = unwarned(server.translate(lines, scores=True))
    for translation, best in zip(found, lists, strict=True):
        assert set(translation) == {"text", "score"}
        assert translation["text"] == best[0][0]
        assert translation["score"] == pytest.approx(best[0][1], abs=1e-4)
    found = server.translate(lines, scores=True, decoding={"n_best": 3})
    for translation, best in zip(found, lists, strict=True):
        assert translation["score"] == pytest.approx(best[0][1], abs=1e-4)
        assert [entry["text"] for entry in translation["alternatives"]] == \
            [text for text, _ in best[1:]]
        assert [entry["score"] for entry in translation["alternatives"]] == \
            pytest.approx([score for _, score in best[1:]], abs=1e-4)


def test_warnings(server):
    """What may be incomplete is said beside its text, and beside no other."""
    plain, long = server.translate(["A cat.", "x" * 500])  # Longer than the model's positions.
    assert [plain] == server.translate("A cat.")
    assert long["warnings"] and all(isinstance(text, str) for text in long["warnings"])


def test_stream(server, lines, expected):
    whole = [*lines, "\n".join(lines[:3]), ""]
    answer = server.post("/v1/translate", {"text": whole, "stream": True})
    assert answer.status == 200
    assert answer.headers.get_content_type() == "application/x-ndjson"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.body.endswith(b"\n")
    assert unwarned(json.loads(line) for line in answer.body.splitlines()) == [
        {"index": index, "text": text}
        for index, text in enumerate([*expected, "\n".join(expected[:3]), ""])]


def test_a_stream_has_what_an_answer_has(server, lines):
    options = {"scores": True, "decoding": {"n_best": 2}}
    whole = server.translate(lines, **options)
    answer = server.post("/v1/translate", {"text": lines, "stream": True} | options)
    for index, (line, translation) in enumerate(zip(answer.body.splitlines(), whole, strict=True)):
        streamed = json.loads(line)
        assert streamed.pop("index") == index
        assert streamed.pop("score") == pytest.approx(translation.pop("score"), abs=1e-4)
        assert texts([streamed]) == texts([translation])
        assert texts(streamed["alternatives"]) == texts(translation["alternatives"])


def test_a_stream_of_one_text_is_a_stream(server, lines, expected):
    answer = server.post("/v1/translate", {"text": lines[0], "stream": True})
    assert unwarned(json.loads(line) for line in answer.body.splitlines()) == \
        [{"index": 0, "text": expected[0]}]


def test_a_mistake_in_a_streams_request_is_an_error(server):
    assert server.post("/v1/translate", {"text": 1, "stream": True}).status == 400


def test_many_requests_over_one_connection(server, lines, expected):
    connection = server.connect()
    for number in range(60):
        index = number % 20
        connection.request("POST", "/v1/translate", json.dumps({"text": lines[index]}))
        assert texts(answer_of(connection).json()["translations"]) == [expected[index]]
    connection.close()


def test_errors_leave_a_connection_as_it_was(server, lines, expected):
    connection = server.connect()
    for body, status in [(b"{", 400), (b'{"text": "\xff"}', 400), (b'{"text": 1}', 400)] * 3:
        connection.request("POST", "/v1/translate", body)
        answer = answer_of(connection)
        assert answer.status == status and answer.error()
        # http.client connects again if the server closed.
        connection.request("POST", "/v1/translate", json.dumps({"text": lines[0]}))
        assert texts(answer_of(connection).json()["translations"]) == expected[:1]
    connection.close()


def test_http_1_0(server, lines, expected):
    with server.socket() as plain:
        plain.sendall(request_bytes({"text": lines[0]}, version="1.0"))
        assert texts(answer_on(plain).json()["translations"]) == expected[:1]
        assert plain.recv(1) == b""


def test_a_client_that_waits_before_it_sends_its_body(server, lines, expected):
    """As curl does with a large one."""
    head, body = request_bytes({"text": lines[0]}, "Expect: 100-continue").split(b"\r\n\r\n")
    with server.socket() as client:
        client.sendall(head + b"\r\n\r\n")
        assert client.recv(9) == b"HTTP/1.1 "
        assert client.recv(3) == b"100"
        while not (rest := client.recv(1000)).endswith(b"\r\n\r\n"):
            assert rest
        client.sendall(body)
        assert texts(answer_on(client).json()["translations"]) == expected[:1]


def test_a_chunked_request(server, lines, expected):
    body = json.dumps({"text": lines}).encode()
    pieces = (body[i:i + 7] for i in range(0, len(body), 7))
    answer = server.request("POST", "/v1/translate", pieces, {"Transfer-Encoding": "chunked"},
                            encode_chunked=True)
    assert texts(answer.json()["translations"]) == expected


def test_clients_at_once_all_get_their_own_answers(server, trained_run, lines, expected):
    """Requests share batches, and different options do not mix."""
    answers = {5: expected, 1: translated(trained_run, lines, "--beam-size", "1"),
               2: translated(trained_run, lines, "--beam-size", "2")}

    def client(number):
        connection = server.connect()
        for turn in range(10):
            beam = (5, 1, 2)[(number + turn) % 3]
            chosen = [(number * 7 + turn * 3 + i) % 20 for i in range(turn % 4 + 1)]
            content = {"text": [lines[i] for i in chosen], "decoding": {"beam_size": beam},
                       "stream": turn % 2 == 1}
            connection.request("POST", "/v1/translate", json.dumps(content))
            answer = answer_of(connection)
            assert answer.status == 200, answer
            found = ([json.loads(line) for line in answer.body.splitlines()]
                     if content["stream"] else answer.json()["translations"])
            assert texts(found) == [answers[beam][i] for i in chosen]
        connection.close()
        return True

    with ThreadPoolExecutor(24) as pool:
        assert all(pool.map(client, range(24), timeout=5 * PATIENCE))
