"""The program on a terminal."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import unicodedata

import pytest
from conftest import ENVIRONMENT, PROGRAM

WITHOUT_NO_COLOR = {name: value for name, value in ENVIRONMENT.items() if name != "NO_COLOR"}


def said_to_terminal(*arguments, columns=80, **environment):
    """What a terminal gets on standard error, to the byte."""
    try:
        screen, line = pty.openpty()
    except OSError:
        pytest.skip("this machine has no pseudo-terminals")
    fcntl.ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([str(PROGRAM), *map(str, arguments)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=line,
                               env=WITHOUT_NO_COLOR | {"TERM": "xterm"} | environment)
    os.close(line)
    text = b""
    try:
        while piece := os.read(screen, 1 << 16):
            text += piece
    except OSError:  # What Linux says when the other side has gone.
        pass
    process.wait()
    os.close(screen)
    return text.decode()


def without_colors(text):
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def drawn_lines(text):
    """Everything that stood in a line before that was cleared or another one began."""
    return [line for line in re.split("\r\x1b\\[K|\r?\n", without_colors(text)) if line]


def is_message(line):
    return re.match(r"\d\d:\d\d:\d\d \w+: ", line) is not None


def columns_of(text):
    """As Python's tables of Unicode have it."""
    return sum(0 if unicodedata.combining(character) else
               2 if unicodedata.east_asian_width(character) in "FW" else 1 for character in text)
