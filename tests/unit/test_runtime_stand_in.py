"""The stand-in of the service as a program, as the bench and the editor tests use it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

STAND_IN = Path(__file__).parents[1] / "stand_in.py"


def test_it_serves_a_script_and_records_requests_without_keys(tmp_path: Path) -> None:
    script, ready = tmp_path / "turns.json", tmp_path / "port"
    script.write_text(json.dumps([{"text": "Hello."}]))
    command = [sys.executable, str(STAND_IN), "--script", str(script), "--record", str(tmp_path / "record"), "--ready-file", str(ready)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == f"http://127.0.0.1:{ready.read_text()}\n"
        body = json.dumps({"model": "m", "messages": [], "stream": True}).encode()
        headers = {"authorization": "Bearer secret-key-1", "content-type": "application/json"}
        asked = urllib.request.Request(f"http://127.0.0.1:{ready.read_text()}/v1/messages", body, headers)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            text = answer.read().decode()
    finally:
        process.kill()
        process.communicate()
    assert '"text": "Hello."' in text and text.rstrip().endswith('data: {"type": "message_stop"}')
    record = tmp_path / "record/requests.jsonl"
    line = json.loads(record.read_text())
    assert line["body"]["model"] == "m" and line["bytes"] == len(body) and "secret-key-1" not in record.read_text()
