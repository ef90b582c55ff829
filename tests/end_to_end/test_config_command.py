"""`wavemt config`: the schema, the full config and the check of one."""
import copy
import json

import jsonschema
import pytest
from conftest import ROOT, merge, thinned, wavemt, write_config

# What the program prints, for editors.
SCHEMA_FILE = ROOT / "configs/schema.json"
CONFIGS = sorted(set((ROOT / "configs").glob("*.json")) - {SCHEMA_FILE})


@pytest.fixture(scope="module")
def schema():
    schema = json.loads(wavemt("config", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def is_valid(schema, config):
    return jsonschema.Draft202012Validator(schema).is_valid(config)


# Values of another type, by the type that a key has.
OF_ANOTHER_TYPE = {"boolean": [1], "integer": ["1", 1.5], "number": ["1"], "string": [1],
                   "array": ["a"]}


def bad_values(property):
    """What a key's part of the schema forbids, for each word of JSON Schema in it."""
    default = property.get("default")
    forbidden = {
        "type": lambda kind: OF_ANOTHER_TYPE[kind],
        "enum": lambda names: ["no such name", 1],
        "minimum": lambda bound: [bound - 1],
        "maximum": lambda bound: [bound + 1],
        "exclusiveMinimum": lambda bound: [bound],
        "exclusiveMaximum": lambda bound: [bound],
        # 0, or at least so much.
        "anyOf": lambda parts: [type(default)(parts[1]["minimum"] / 2)],
        "minLength": lambda least: [""],
        "pattern": lambda pattern: ["a b", ""],
        # A text, or a list of texts, which are bad in it as they would be alone.
        "oneOf": lambda shapes: [1, {}] + [[bad] for bad in bad_values(shapes[1]["items"])],
        "items": lambda item: [[bad, *default[1:]] for bad in bad_values(item)],
        "minItems": lambda least: [default[:least - 1]],
        "maxItems": lambda most: [[*range(1, most + 2)]],
        "uniqueItems": lambda unique: [[default[0], default[0]]]}
    for word, values in forbidden.items():
        if word in property:
            yield from values(property[word])


def bad_settings(section, path=()):
    """(the path of a key, a value that it cannot have) for each key below a section."""
    yield (*path, "no_such_key"), 1
    for name, property in section["properties"].items():
        shape, *lists = property.get("oneOf", [property])
        if "properties" not in shape:
            yield from (((*path, name), bad) for bad in bad_values(property))
            continue
        yield from (((*path, name), bad) for bad in (1, [1]))
        yield from bad_settings(shape, (*path, name))
        for each in lists:
            yield from bad_settings(each["items"], (*path, name, 0))


BAD_SETTINGS = list(bad_settings(json.loads(SCHEMA_FILE.read_text("utf8"))))


def full_key(path):
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]


def with_setting(config, path, value):
    """A copy of a config; a corpus that the path wants in a list gets into one."""
    config = copy.deepcopy(config)
    section = config
    for part, following in zip(path[:-1], path[1:]):
        if isinstance(section, dict):
            section.setdefault(part, {})
        if following == 0:
            section[part] = [{"name": "only"} | section[part]]
        section = section[part]
    section[path[-1]] = value
    return config


def test_configs_name_the_schema_that_the_program_prints(schema):
    assert json.loads(SCHEMA_FILE.read_text("utf8")) == schema
    for path in CONFIGS:
        config = json.loads(path.read_text("utf8"))
        assert (path.parent / config["$schema"]).samefile(SCHEMA_FILE), path


def test_the_schema_refuses_what_each_of_its_words_forbids(schema, corpus, tmp_path):
    config = json.loads(write_config(tmp_path / "config.json", corpus).read_text("utf8"))
    assert is_valid(schema, with_setting(config, ("data", "train", 0, "weight"), 1))
    assert len(BAD_SETTINGS) > 300
    assert [(full_key(path), value) for path, value in BAD_SETTINGS
            if is_valid(schema, with_setting(config, path, value))] == []


@pytest.mark.parametrize("path, value", thinned(BAD_SETTINGS, 12),
                         ids=lambda part: full_key(part) if isinstance(part, tuple) else
                         json.dumps(part))
def test_the_program_refuses_what_the_schema_refuses(corpus, tmp_path, path, value):
    file = write_config(tmp_path / "config.json", corpus)
    config = with_setting(json.loads(file.read_text("utf8")), path, value)
    file.write_text(json.dumps(config), "utf8")
    result = wavemt("config", "check", file, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert f" error: {file}: {full_key(path)}" in result.stderr


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
            assert len(property["description"]) > 5, name
            for shape in property.get("oneOf", [property]):
                shape = shape.get("items", shape)
                if "properties" in shape:
                    check(shape)
    check(schema)


@pytest.mark.parametrize("changes", [
    {"modle": {}}, {"model": {"dmodel": 8}}, {"seed": "1"}, {"seed": -1}, {"model": 3},
    {"model": {"dropout": 1.0}}, {"training": {"learning_rate": 0}},
    {"tokenizer": {"type": "word"}}, {"data": {"train": {"source": [1]}}}, {"$schema": 1},
    {"data": {"train": []}}, {"data": {"valid": [{"tsv": "unnamed.tsv"}]}}, {"data": {"test": 1}}])
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
    assert wavemt("config", "check", path).stdout == f"{path}: good\n"
    # It is no setting.
    result = wavemt("config", "show", path, "--set", "$schema=other.json", check=False)
    assert result.returncode == 2 and 'there is no config key "$schema"' in result.stderr


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
