"""What a process writes, line by line, as events to wait for."""

import os
import re
import threading
import time

# How many seconds a test waits for an event; a slower build multiplies it.
PATIENCE = 10 * float(os.environ.get("VEREDUS_TEST_PATIENCE", 1))


class Log:
    """Reads `stream` (bytes) to its end in a thread of its own."""

    def __init__(self, stream):
        self._lines = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        for line in iter(stream.readline, b""):
            with self._changed:
                self._lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def position(self):
        """Where the log is now; wait_for(after=position) looks only at what comes later."""
        with self._changed:
            return len(self._lines)

    def lines(self, after=0):
        with self._changed:
            return self._lines[after:]

    def matching(self, pattern, after=0):
        """The matches of the regular expression `pattern`, one a line at most."""
        return [match for match in (re.search(pattern, line) for line in self.lines(after)) if match]

    def wait_for(self, pattern, count=1, after=0, seconds=None):
        """Waits until `count` lines fit the regular expression; returns the last match. An end of the log
        or of patience is an AssertionError."""
        deadline = time.monotonic() + (PATIENCE if seconds is None else seconds)
        expression = re.compile(pattern)
        seen, at = [], after
        with self._changed:
            while True:
                for line in self._lines[at:]:
                    if match := expression.search(line):
                        seen.append(match)
                        if len(seen) == count:
                            return match
                at = len(self._lines)
                remaining = deadline - time.monotonic()
                if self._ended or remaining <= 0:
                    why = "the process ended" if self._ended else "no more patience"
                    raise AssertionError(f"waited for {count} log lines like {pattern!r}, saw {len(seen)} ({why})")
                self._changed.wait(remaining)

    def text(self):
        return "\n".join(self.lines())

    def join(self, seconds=PATIENCE):
        self._thread.join(seconds)
