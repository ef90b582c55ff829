"""`wavemt config`: the schema, the full config and the check of one."""
import json

import jsonschema
import pytest
from conftest import ROOT, merge, wavemt, write_config

CONFIGS = sorted((ROOT / "configs").glob("*.json"))


@pytest.fixture(scope="module")
def schema():
    schema = json.loads(wavemt("config", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def is_valid(schema, config):
    return jsonschema.Draft202012Validator(schema).is_valid(config)


def test_there_are_configs():
    assert {path.stem for path in CONFIGS} >= {"quickstart", "multi30k-tiny", "3am-en-zh",
                                               "article-768", "transformer-base",
                                               "transformer-big"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_schema_and_program_take_the_configs(schema, path, tmp_path):
    config = json.loads(path.read_text())
    jsonschema.validate(config, schema, cls=jsonschema.Draft202012Validator)
    text = wavemt("config", "show", path).stdout
    shown = json.loads(text)
    jsonschema.validate(shown, schema, cls=jsonschema.Draft202012Validator)
    # What it says is kept, and the rest are the schema's defaults.
    for section in ("tokenizer", "model", "training", "decoding"):
        for key, property in schema["properties"][section]["properties"].items():
            if "properties" not in property:
                assert shown[section][key] == \
                    config.get(section, {}).get(key, property["default"]), key
    # Shown again, it is the same.
    (tmp_path / "shown.json").write_text(text)
    assert wavemt("config", "show", tmp_path / "shown.json").stdout == text


def test_every_key_has_a_description_and_no_other_is_allowed(schema):
    def check(section):
        assert section["additionalProperties"] is False
        for name, property in section["properties"].items():
            if name != "$schema":
                assert len(property["description"]) > 5, name
            if "properties" in property:
                check(property)
            if "properties" in property.get("items", {}):
                check(property["items"])
    check(schema)


@pytest.mark.parametrize("changes", [
    {"modle": {}}, {"model": {"dmodel": 8}}, {"seed": "1"}, {"seed": -1}, {"model": 3},
    {"model": {"dropout": 1.0}}, {"training": {"learning_rate": 0}},
    {"tokenizer": {"type": "word"}}, {"data": {"train": {"source": [1]}}}])
def test_schema_and_program_refuse_the_same(schema, corpus, tmp_path, changes):
    path = write_config(tmp_path / "config.json", corpus)
    assert is_valid(schema, json.loads(path.read_text()))
    write_config(path, corpus, **changes)
    assert not is_valid(schema, json.loads(path.read_text()))
    assert wavemt("config", "show", path, check=False).returncode == 2


def test_schema_and_program_want_a_corpus(schema, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert not is_valid(schema, {})
    assert wavemt("config", "show", tmp_path / "config.json", check=False).returncode == 2


def test_show_with_overrides(corpus, tmp_path):
    path = write_config(tmp_path / "config.json", corpus)
    shown = wavemt("config", "show", path, "--set", "training.max_steps=7",
                   "--set", 'data.train.source=["a", "b"]', "--set",
                   'data.train.target=["c", "d"]', "--set", "run_dir=somewhere",
                   cwd=tmp_path).stdout
    plain = json.loads(wavemt("config", "show", path).stdout)
    assert json.loads(shown) == merge(plain, {
        "run_dir": "somewhere", "training": {"max_steps": 7},
        "data": {"train": {"source": [f"{tmp_path}/a", f"{tmp_path}/b"],
                           "target": [f"{tmp_path}/c", f"{tmp_path}/d"]}}})


def test_editors_may_keep_their_schema_key(corpus, tmp_path):
    path = write_config(tmp_path / "config.json", corpus)
    plain = wavemt("config", "show", path).stdout
    config = {"$schema": "schema.json"} | json.loads(path.read_text())
    path.write_text(json.dumps(config))
    assert wavemt("config", "show", path).stdout == plain


def test_check(corpus, tmp_path):
    path = write_config(tmp_path / "config.json", corpus)
    assert wavemt("config", "check", path).stdout == f"{path}: good\n"
    # show reads the config alone; check looks for its files as well.
    absent = ["--set", f"data.test.target={tmp_path}/absent"]
    wavemt("config", "show", path, *absent)
    result = wavemt("config", "check", path, *absent, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.endswith(f" error: {tmp_path}/absent: no such file\n")


def test_a_runs_config_is_a_config(run):
    wavemt("config", "check", run / "config.json")
    assert wavemt("config", "show", run / "config.json").stdout == \
        (run / "config.json").read_text()
