"""What the person at the terminal sees: steps with times, then only what needs attention.

What could go wrong: the terminal goes away (writing then fails, and must not keep anything from being stopped), or a
long log line or traceback drowns the rest (logs go to files; here come warnings, errors and their tracebacks).
"""

import contextlib
import re
import time
from collections.abc import Iterable
from typing import TextIO

_LEVEL = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL)\b")
_LEVEL_ANY = re.compile(r"\b(DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|FATAL)\b")
_COLOURS = {"step": "36", "problem": "31", "child": "33", "bold": "1"}


class Screen:
    def __init__(self, stream: TextIO, *, verbose: bool) -> None:
        self._stream = stream
        self._verbose = verbose
        self._begun = time.monotonic()
        self._telling: dict[str, bool] = {}
        self._colour = stream.isatty()

    def step(self, words: str) -> None:
        """Something is done; the time since the start stands in front."""
        self._print(self._paint(f"{time.monotonic() - self._begun:6.1f} s", "step") + f"  {words}")

    def say(self, words: str = "", *, bold: bool = False) -> None:
        self._print(self._paint(words, "bold") if bold else words)

    def problem(self, words: str) -> None:
        self._print(self._paint("Problem:", "problem") + f" {words}")

    def follow(self, child: str, lines: Iterable[str]) -> None:
        """Log lines of a child; shows warnings and errors (with what is indented below them), or all when verbose."""
        for line in lines:
            if self._verbose or self._wanted(child, line):
                self._print(self._paint(f"{child:>7} │", "child") + f" {line[:400]}")

    def _wanted(self, child: str, line: str) -> bool:
        head = line[:120]
        if _LEVEL.search(head) or line.startswith("Traceback ("):
            self._telling[child] = True
        elif _LEVEL_ANY.search(head):
            self._telling[child] = False
        elif self._telling.get(child) and line and not line[0].isspace():
            # The last line of a traceback is not indented; whatever follows it no longer belongs to it.
            self._telling[child] = False
            return True
        return self._telling.get(child, False)

    def _paint(self, words: str, kind: str) -> str:
        return f"\033[{_COLOURS[kind]}m{words}\033[0m" if self._colour else words

    def _print(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(f"{line}\n")
            self._stream.flush()
