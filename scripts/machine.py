"""What benchmarks write beside their figures: the processor, its instructions and the checkout."""
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNKNOWN_COMMIT = "unknown"
# Flags of /proc/cpuinfo, the best first: what matrix products can be made of.
INSTRUCTIONS = {"amx_tile": "AMX", "avx512_bf16": "AVX512-BF16", "avx512f": "AVX-512",
                "avx2": "AVX2"}


def of_cpuinfo(name):
    """The values of all lines with this name, one for each core."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text("utf8").splitlines() if file.exists() else []
    return [line.partition(":")[2].strip() for line in lines if line.split(":")[0].strip() == name]


def processor():
    return (of_cpuinfo("model name") or ["unknown processor"])[0]


def cores():
    return len(of_cpuinfo("processor")) or os.cpu_count()


def instructions():
    flags = " ".join(of_cpuinfo("flags")[:1]).split()
    return next((name for flag, name in INSTRUCTIONS.items() if flag in flags), "none of these")


def commit():
    """Of the checkout; "-dirty" tells of changes that are not committed."""
    try:
        described = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                                   text=True, capture_output=True, check=False).stdout.strip()
    except OSError:  # No git.
        described = ""
    return described or UNKNOWN_COMMIT
