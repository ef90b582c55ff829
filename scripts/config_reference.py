#!/usr/bin/env python3
"""Generates configs/schema.json, which the configs name for editors, and the table of config keys
in configs/README.md from the program's own schema.

usage: scripts/config_reference.py [--check] [PROGRAM]
Writes the schema, and the table between its two markers; with --check, only checks that they are up
to date.
"""
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE, SCHEMA = "configs/README.md", "configs/schema.json"
BEGIN, END = "<!-- config keys: begin -->\n", "<!-- config keys: end -->\n"


def keys(schema, prefix=""):
    """Every key that holds a value: its full name and its schema."""
    for name, key in schema["properties"].items():
        section, *lists = key.get("oneOf", [key])
        if section.get("properties"):
            yield from keys(section, f"{prefix}{name}.")
            # Where a list of such sections may stand: what only its items have.
            for only, item in ((only, item) for each in lists
                               for only, item in each["items"]["properties"].items()):
                if only not in section["properties"]:
                    yield f"{prefix}{name}[].{only}", item
        elif name != "$schema":
            yield prefix + name, key


def may_change(resume):
    """Of true, false, or a condition: "unless ..."."""
    return f"yes, {resume}" if isinstance(resume, str) else "yes" if resume else "no"


def table(schema):
    rows = list(keys(schema))
    resume = any("x-resume" in key for _, key in rows)
    columns = ["key", "default", *(["may change on resume"] if resume else []), "what it is"]
    lines = ["| " + " | ".join(columns) + " |", "| --- " * len(columns) + "|"]
    for name, key in rows:
        default = json.dumps(key["default"]) if "default" in key else "required"
        if key.get("enum"):
            default += " of " + ", ".join(key["enum"])
        cells = [f"`{name}`", default, key["description"]]
        if resume:
            cells.insert(2, may_change(key.get("x-resume", False)))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    program = arguments[0] if arguments else ROOT / "build/release/wavemt"
    schema = subprocess.run([program, "config", "schema"], check=True, capture_output=True,
                            encoding="utf8").stdout
    page = (ROOT / PAGE).read_text("utf8")
    before, rest = page.split(BEGIN)
    new = before + BEGIN + table(json.loads(schema)) + END + rest.split(END)[1]
    if "--check" not in sys.argv:
        (ROOT / PAGE).write_text(new, "utf8")
        (ROOT / SCHEMA).write_text(schema, "utf8")
        return
    if new != page:
        sys.exit(f"{PAGE}: the table of config keys is old; run scripts/config_reference.py")
    if not (ROOT / SCHEMA).is_file() or (ROOT / SCHEMA).read_text("utf8") != schema:
        sys.exit(f"{SCHEMA}: is not the program's schema; run scripts/config_reference.py")


if __name__ == "__main__":
    main()
