"""The command `pilum`, run as a program."""

import os
import pathlib
import pty
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]
COMMAND = pathlib.Path(sys.executable).with_name("pilum")


def start(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )


def lines(*arguments: object) -> list[list[str]]:
    """The cells of what a command that succeeds prints."""
    run = start(*arguments)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return [line.split("\t") for line in run.stdout.splitlines()]


def screen(*command: object, columns: int = 80) -> tuple[str, int]:
    """All that a command sends to a terminal, and its exit status."""
    screen, terminal = pty.openpty()
    with subprocess.Popen(
        list(map(str, command)),
        cwd=ROOT,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=os.environ
        | {
            "COLUMNS": str(columns),
            "TERM": "xterm",
            "TZ": "UTC",
            "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
        },
    ) as process:
        os.close(terminal)
        output = b""
        try:
            while chunk := os.read(screen, 4096):
                output += chunk
        except OSError:  # the other end is closed
            pass
        os.close(screen)
    return output.decode().replace("\r\n", "\n"), process.returncode


def on_a_terminal(*command: object, columns: int = 80) -> tuple[str, int]:
    """What a terminal shows when a command has ended, and its exit status."""
    output, status = screen(*command, columns=columns)
    text = output.replace("\x1b[?25h", "")  # the cursor comes back
    text = re.sub(r"[^\n]*\n\r?\x1b\[1A", "", text)  # up, to write over that line
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return re.sub(r"[^\n]*\r", "", text), status
