#!/usr/bin/env python3
"""Generates README.md's table of config keys from the program's schema.

usage: scripts/config_reference.py [--check] [PROGRAM]
Writes the table between its two markers in README.md; with --check, only checks that it is up to date.
"""
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- config keys: begin -->\n", "<!-- config keys: end -->\n"


def rows(schema, prefix=""):
    for name, key in schema["properties"].items():
        if key.get("properties"):
            yield from rows(key, f"{prefix}{name}.")
        elif name != "$schema":
            default = json.dumps(key["default"])
            if key.get("enum"):
                default += " of " + ", ".join(key["enum"])
            yield f"| `{prefix}{name}` | {default} | {key['description']} |"


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    program = arguments[0] if arguments else ROOT / "build/release/wavemt"
    schema = json.loads(subprocess.run([program, "config", "schema"], check=True,
                                       capture_output=True, text=True).stdout)
    table = "\n".join(["| key | default | what it is |", "| --- | --- | --- |", *rows(schema)]) + "\n"
    path = ROOT / "README.md"
    text = path.read_text("utf8")
    before, rest = text.split(BEGIN)
    new = before + BEGIN + table + END + rest.split(END)[1]
    if "--check" not in sys.argv:
        path.write_text(new, "utf8")
    elif new != text:
        sys.exit("README.md: the table of config keys is old; run scripts/config_reference.py")


if __name__ == "__main__":
    main()
