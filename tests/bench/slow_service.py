"""A Messages API that streams one never-ending answer, one small event every few milliseconds: a run that is still going on.

`python -m tests.bench.slow_service READY_FILE PAUSE_SECONDS` writes its port to the file. It is a process of its own, so that it takes
nothing from the clock of the client.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.stand_in import events

ANSWER = {"thinking": "Looking at how the neighbours of this function do it, one after the other. " * 4000}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    pause = 0.005

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events(ANSWER, str(body.get("model", "")), 1):
            data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
            try:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()
            except OSError:
                self.close_connection = True
                return
            time.sleep(self.pause)


def main() -> None:
    """Serve until the process is ended."""
    ready, _Handler.pause = Path(sys.argv[1]), float(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    partial = ready.with_suffix(".partial")
    partial.write_text(str(server.server_address[1]), "utf-8")
    partial.replace(ready)
    server.serve_forever()


if __name__ == "__main__":
    main()
