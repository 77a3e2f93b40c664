"""The Messages API on loopback as the benchmark uses it: a process of its own, its records read back."""

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

CHECKOUT = Path(__file__).resolve().parents[2]
KEY = "not-a-key-loopback-only"
START_SECONDS = 20.0


class Service:
    """A running service; `record` receives its requests where it keeps any."""

    def __init__(self, module: str, arguments: Sequence[str], ready: Path, record: Path | None = None) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._ready = ready
        self._record = record

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(*self._command, cwd=CHECKOUT, stdout=asyncio.subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._ready.is_file():
            if self._process.returncode is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(self._command[1:3])} did not start")
            await asyncio.sleep(0.02)
        self.address = f"http://127.0.0.1:{self._ready.read_text('utf-8').strip()}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    @property
    def environment(self) -> Mapping[str, str]:
        """What sends the SDK here."""
        return {"ANTHROPIC_BASE_URL": self.address, "ANTHROPIC_API_KEY": KEY}

    def requests(self) -> list[dict[str, Any]]:
        """Answered requests in their order: `body`, `t_first`, `t_done` (seconds of the system's monotonic clock)."""
        file = self._record / "requests.jsonl" if self._record is not None else None
        lines = file.read_text("utf-8").splitlines() if file is not None and file.is_file() else []
        return [json.loads(line) for line in lines]


def scripted(folder: Path, turns: Sequence[Mapping[str, Any]]) -> Service:
    """The tests' stand-in, which answers request after request with these turns."""
    folder.mkdir()
    script, ready, record = folder / "turns.json", folder / "ready", folder / "record"
    script.write_text(json.dumps(list(turns)), "utf-8")
    return Service("tests.stand_in", ["--script", str(script), "--record", str(record), "--ready-file", str(ready)], ready, record)


def streaming(folder: Path, pause_seconds: float) -> Service:
    """A service whose answer does not end."""
    folder.mkdir()
    return Service("tests.bench.slow_service", [str(folder / "ready"), str(pause_seconds)], folder / "ready")
