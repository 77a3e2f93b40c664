"""One thing that `aigentflow doctor` looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "broken"]


@dataclass(frozen=True)
class Finding:
    """What was looked at and found; `do` is the next step where there is one."""

    what: str
    state: State
    found: str
    do: str = ""
