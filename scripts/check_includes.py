#!/usr/bin/env python3
"""Checks that every #include in src/ respects the order of the rooms, which follows the flow of data."""
import re
import sys
from pathlib import Path

# The rooms that each room may include besides itself.
BELOW = {
    "support": set(),
    "config": {"support"},
    "distributed": {"support"},
    "data": {"config", "support"},
    "model": {"config", "support"},
    "checkpoint": {"config", "support"},
    "training": {"data", "model", "checkpoint", "config", "distributed", "support"},
    "inference": {"model", "config", "support"},
    "decoding": {"inference", "data", "model", "checkpoint", "config", "support"},
    "evaluation": {"config", "support"},
    "interchange": {"data", "model", "checkpoint", "config", "support"},
    "workflow": {"training", "decoding", "evaluation", "interchange", "data", "model", "checkpoint", "config",
                 "distributed", "support"},
    "report": {"workflow", "support"},
    "server": {"workflow", "decoding", "data", "config", "support"},
    "commands": {"server", "report", "workflow", "training", "decoding", "evaluation", "interchange", "data", "model",
                 "checkpoint", "config", "support"},
    "main.cpp": {"commands"},
}
WITHOUT_TORCH = {"support", "config", "data", "evaluation", "report"}

source = Path(__file__).resolve().parent.parent / "src"
faults = []
for path in sorted(source.rglob("*.[ch]*")):
    room = path.relative_to(source).parts[0]
    for number, line in enumerate(path.read_text("utf8").splitlines(), 1):
        found = re.match(r'#include\s+([<"])([^>"]+)', line)
        if not found:
            continue
        bracket, name = found.groups()
        where = f"{path.relative_to(source.parent)}:{number}"
        other = name.split("/")[0]
        if bracket == '"' and other not in BELOW:
            faults.append(f"{where}: {name} does not begin with a room of src/")
        elif bracket == '"' and other != room and other not in BELOW[room]:
            faults.append(f"{where}: {room} must not include {name}")
        if bracket == "<" and name == "httplib.h" and not path.name.startswith("http_"):
            faults.append(f"{where}: only server/http_* know cpp-httplib, but this includes it")
        if bracket == "<" and room != "commands" and name.startswith("CLI/"):
            faults.append(f"{where}: only commands/ knows the command line, but this includes {name}")
        if bracket == "<" and room in WITHOUT_TORCH and re.match(r"(torch|ATen|c10)/", name):
            faults.append(f"{where}: {room} knows nothing of LibTorch, but includes {name}")
print("\n".join(faults) or f"{source.name}: includes follow the order of the rooms")
sys.exit(1 if faults else 0)
