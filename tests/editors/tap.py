"""Stands between an editor and a language server on stdio and logs every message of both directions.

`python tap.py LOG COMMAND…` appends one JSON object per line to LOG: `{"at": seconds, "from": "editor"|"server", "message": …}`, and as the
last line `{"at": seconds, "exit": code}`. Bytes are passed on unchanged and before they are parsed, so the tap delays nothing; `at` is when
they came, and lines may stand in another order than they came in.
"""

import json
import os
import subprocess
import sys
import threading
import time
from typing import IO, Any


class Log:
    """The file, written by two threads."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115 - open until the process ends
        self._lock = threading.Lock()

    def write(self, at: float, **entry: Any) -> None:
        """Append one entry."""
        with self._lock:
            self._file.write(json.dumps({"at": at, **entry}) + "\n")


def pump(source: IO[bytes], target: IO[bytes], sender: str, log: Log) -> None:
    """Pass bytes on until the source ends, then close the target."""
    pending = b""
    while chunk := os.read(source.fileno(), 1 << 16):
        at = time.monotonic()
        try:
            target.write(chunk)
            target.flush()
        except OSError:
            break
        pending = log_messages(pending + chunk, at, sender, log)
    if pending:
        log.write(time.monotonic(), **{"from": sender, "rest": pending.decode("utf-8", "replace")})
    try:
        target.close()
    except OSError:
        log.write(time.monotonic(), **{"from": sender, "rest": "the other side was gone"})


def log_messages(data: bytes, at: float, sender: str, log: Log) -> bytes:
    """Log the complete messages at the start of `data`; the bytes behind them."""
    while (head := data.find(b"\r\n\r\n")) >= 0:
        fields = dict(line.split(b":", 1) for line in data[:head].lower().split(b"\r\n") if b":" in line)
        end = head + 4 + int(fields.get(b"content-length", b"0"))
        if len(data) < end:
            break
        log.write(at, **{"from": sender, "message": json.loads(data[head + 4 : end])})
        data = data[end:]
    return data


def main() -> int:
    """Run the server behind the tap; its exit status."""
    log = Log(sys.argv[1])
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert server.stdin is not None and server.stdout is not None
    threading.Thread(target=pump, args=(sys.stdin.buffer, server.stdin, "editor", log), daemon=True).start()
    pump(server.stdout, sys.stdout.buffer, "server", log)
    code = server.wait()
    log.write(time.monotonic(), exit=code)
    return code


if __name__ == "__main__":
    sys.exit(main())
