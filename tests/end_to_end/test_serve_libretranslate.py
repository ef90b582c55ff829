"""`wavemt serve`: what clients of LibreTranslate send and expect."""
from urllib import parse

import pytest
from serving import LibreTranslateClient, expected, libre, lines, lists_of, server


def test_json(server, lines, expected):
    assert libre(server, q=lines[0]).json() == {"translatedText": expected[0]}
    assert libre(server, q=lines).json() == {"translatedText": expected}
    assert libre(server, q=lines[:1]).json() == {"translatedText": expected[:1]}
    assert libre(server, q="\n".join(lines)).json() == {"translatedText": "\n".join(expected)}
    # What its documentation sends, and keys that it does not know.
    assert libre(server, q=lines[0], format="text", alternatives=0, api_key="").json() == \
        {"translatedText": expected[0]}
    assert libre(server, q=lines[0], secret="x", other=[1]).json() == \
        {"translatedText": expected[0]}


def test_form(server, lines, expected):
    client = LibreTranslateClient(server.url)
    for line, translation in zip(lines, expected):
        assert client.translate(line) == translation
    # A field that comes again makes a list, as texts of several lines do not.
    form = parse.urlencode([("q", lines[0]), ("q", lines[1]), ("source", "en"), ("target", "zh")])
    answer = server.post("/translate", form.encode(),
                         {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.json() == {"translatedText": expected[:2]}
    # What must be escaped in a form.
    odd = "A cat & a dog = 100% + ?;\u4f60"
    assert client.translate(odd) == libre(server, q=odd).json()["translatedText"]
    assert client.translate("\n".join(lines[:3])) == "\n".join(expected[:3])


def test_a_form_in_parts_is_refused(server, lines):
    fields = {"q": lines[0], "source": "en", "target": "zh", "format": "text"}
    body = "".join(f'--limit\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                   for name, value in fields.items()) + "--limit--\r\n"
    answer = server.post("/translate", body.encode(),
                         {"Content-Type": "multipart/form-data; boundary=limit"})
    assert answer.status == 415 and "send JSON" in answer.error()


def test_alternatives(server, trained_run, lines):
    lists = lists_of(trained_run, lines[:3], 3)
    answer = libre(server, q=lines[0], alternatives=2).json()
    assert answer == {"translatedText": lists[0][0][0],
                      "alternatives": [text for text, _ in lists[0][1:]]}
    answer = libre(server, q=lines[:3], alternatives=2).json()
    assert answer == {"translatedText": [best[0][0] for best in lists],
                      "alternatives": [[text for text, _ in best[1:]] for best in lists]}


def test_auto(server, lines, expected):
    """With one model for a target its source is known."""
    answer = libre(server, q=lines[0], source="auto").json()
    assert answer["translatedText"] == expected[0]
    assert answer["detectedLanguage"]["language"] == "en"
    assert 0 <= answer["detectedLanguage"]["confidence"] <= 100
    assert LibreTranslateClient(server.url).translate(lines[0], source="auto") == expected[0]
    answer = libre(server, q=lines[:2], source="auto").json()
    assert answer["translatedText"] == expected[:2]
    assert [one["language"] for one in answer["detectedLanguage"]] == ["en", "en"]


@pytest.mark.parametrize("content, named", [
    ({"q": "A cat.", "format": "html"}, "html"),
    ({"q": "A cat.", "format": "pdf"}, "format"),
    ({}, "q"),
    ({"q": 1}, "q"),
    ({"q": ["A cat.", 1]}, "q"),
    ({"q": "A cat.", "target": "xx"}, "xx"),
    ({"q": "A cat.", "source": "xx"}, "xx"),
    ({"q": "A cat.", "source": ["en"]}, "source"),
    ({"q": "A cat.", "alternatives": "many"}, "alternatives"),
    ({"q": "A cat.", "alternatives": -1}, "alternatives"),
    ({"q": "A cat.", "alternatives": 1_000_000}, "alternatives"),
], ids=str)
def test_mistakes(server, content, named):
    answer = libre(server, **content)
    assert answer.status in (400, 501) and named in answer.error()
    if all(isinstance(value, (str, int)) and name != "q" or value == "A cat."
           for name, value in content.items()):
        form = parse.urlencode({"source": "en", "target": "zh"} | content).encode()
        answer = server.post("/translate", form,
                             {"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status in (400, 501) and named in answer.error()


@pytest.mark.parametrize("form, status", [
    (b"q=%ff&source=en&target=zh", 400), (b"q=\xff&source=en&target=zh", 400), (b"", 400),
    (b"&&&", 400), (b"=", 400), (b"%", 400), (b"q", None), (b"q&source=en&target=zh", None),
    (b"q=%zz&source=en&target=zh", None), (b"q=a&source=en&source=de&target=zh", None)])
def test_hostile_forms(server, form, status):
    """A mistake or, where that is a matter of taste, an odd text."""
    answer = server.post("/translate", form, {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == status or status is None and answer.status in (200, 400)
    assert answer.status == 200 or answer.error()


def test_languages(server):
    for languages in (server.get("/languages").json(), server.post("/languages", b"").json(),
                      LibreTranslateClient(server.url).languages()):
        of_code = {language["code"]: language for language in languages}
        assert len(of_code) == len(languages)
        assert (of_code["en"]["name"], of_code["en"]["targets"]) == ("English", ["zh"])
        assert (of_code["zh"]["name"], of_code["zh"]["targets"]) == ("Chinese", [])
        assert all(set(language) == {"code", "name", "targets"} for language in languages)


def test_settings(server):
    settings = server.get("/frontend/settings").json()
    assert (settings["apiKeys"], settings["keyRequired"]) == (False, False)
    assert settings["language"]["source"]["code"] == "en"
    assert settings["language"]["target"]["code"] == "zh"


@pytest.mark.parametrize("path", ["/detect", "/translate_file", "/suggest"])
def test_what_libretranslate_does_and_this_does_not(server, path):
    assert server.post(path, {"q": "A cat."}).error()
