"""Pending changes on top of a snapshot; each one asks the boundary first, none touches the disk."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import EditError, PathMissing, PathRefused
from .boundary import MAX_FILE, Boundary, Decision
from .decoding import BinaryContent, decode, encode
from .diff import apply_edits, hunks
from .forms import form_problem
from .lines import line_end_of
from .names import folded, secret_name
from .places import PlainText, replace_text
from .proposal import Base, ChangeKind, FileChange, Hunk, Proposal, TextEdit
from .snapshot import FileText, Snapshot


@dataclass(frozen=True)
class _Pending:
    """What a path is to hold; `text` None means that it is to be gone."""

    text: str | None
    origin: str | None
    """The file of the snapshot whose text, encoding and mode it goes on from; None for a new file."""
    executable: bool = False
    """For a new file."""


class Overlay:
    """The workspace as the run has it: the snapshot with the run's own changes."""

    def __init__(self, snapshot: Snapshot, boundary: Boundary) -> None:
        self.snapshot = snapshot
        self.boundary = boundary
        self._pending: dict[str, _Pending] = {}
        self._bases: dict[str, FileText | None] = {}

    @property
    def changed(self) -> tuple[str, ...]:
        """Paths that the proposal speaks of, sorted; of a rename both ends."""
        paths: set[str] = set()
        for change in self.proposal().changes:
            paths.update({change.path} if change.from_path is None else {change.path, change.from_path})
        return tuple(sorted(paths))

    def read(self, path: str) -> str:
        """Return the text with its own line ends; raises PathRefused, PathMissing or PathUnreadable."""
        canonical = self._readable(path)
        pending = self._pending.get(canonical)
        if pending is None:
            return self.snapshot.read(canonical).text
        if pending.text is None:
            raise PathMissing(f"{canonical} was deleted in this run", path)
        return pending.text

    def peek(self, path: str) -> str:
        """Return the text as `read` does, without freezing the file; for searches."""
        canonical = self._readable(path)
        if canonical in self._pending:
            return self.read(canonical)
        return self.snapshot.peek(canonical).text

    def exists(self, path: str) -> bool:
        """Whether there is such a file now; False also for what may not be read."""
        decision = self.boundary.may_read(path)
        return decision.allowed and self._exists(decision.path)

    def paths(self, under: str = "", *, limit: int = 200_000) -> Iterator[str]:
        """Yield the files that may be read and that git would not ignore, the run's own new files last."""
        under = self._readable(under) if under.strip("/.") else ""
        prefix = under + "/" if under else ""
        own = {path for path, pending in self._pending.items() if path.startswith(prefix) and pending.text is not None}
        for path in self.snapshot.paths(under, limit=limit):
            if (path in own or path not in self._pending) and secret_name(folded(path).split("/")) is None and _can_be_asked_for(path):
                own.discard(path)
                yield path
        yield from sorted(path for path in own if self._bases[path] is None)

    def write(self, path: str, content: str) -> None:
        """Make the content the whole text of the file, which may be new; an existing file keeps encoding, mark and line ends."""
        canonical = self._changeable(path)
        base = self._base(canonical)
        if self._exists(canonical):
            text = self.read(canonical)
        elif base is not None:
            text = base.text
        else:
            self._refuse_twin(canonical, leaving=None)
            self._set(canonical, content, None)
            return
        old = PlainText(text)
        edits = old.replaced([0], len(old.text), content.removeprefix("\ufeff"))
        self._set(canonical, apply_edits(text, edits), self._origin(canonical) or (canonical if base else None))

    def take(self, path: str, data: bytes, *, executable: bool = False) -> None:
        """Make the bytes that a command wrote the whole content of the file, which may be new; their line ends stay."""
        canonical = self._named_itself(path)
        try:
            decoded = decode(data)
        except BinaryContent:
            raise EditError(f"{canonical}: {len(data):,} bytes of binary content, which cannot be part of a proposal") from None
        file = self._base(canonical)
        if file is None:
            if not self._exists(canonical):
                self._refuse_twin(canonical, leaving=None)
            if decoded.encoding != "utf-8" or decoded.bom:
                raise EditError(f"{canonical}: a new file has to be UTF-8 without a byte order mark")
        elif (decoded.encoding, decoded.bom) != (file.encoding, file.bom) and not decoded.text.isascii():
            raise EditError(f"{canonical} is written in {file.encoding}, and the command wrote it in {decoded.encoding}")
        self._set(canonical, decoded.text, self._origin(canonical), executable=executable)

    def edit(self, path: str, old: str, new: str, *, replace_all: bool = False) -> int:
        """Replace `old`, which must occur exactly once unless `replace_all`; returns how many places were changed."""
        canonical = self._changeable(path)
        text = self.read(canonical)
        if old == new:
            raise EditError(f"{canonical}: old and new text are the same")
        if not old:
            if text:
                raise EditError(f"{canonical}: the old text is empty; quote the lines at which the new text belongs")
            self.write(canonical, new)
            return 1
        changed, count = replace_text(canonical, text, old, new, replace_all=replace_all)
        self._set(canonical, changed, self._origin(canonical))
        return count

    def delete(self, path: str) -> None:
        """Take the file away."""
        canonical = self._named_itself(path)
        self._require(canonical)
        self._base(canonical)
        self._remove(canonical)

    def rename(self, path: str, to: str) -> None:
        """Move the file to a path where there is none; the boundary must hold both ends."""
        source = self._named_itself(path)
        target = self._changeable(to)
        self._require(source)
        if source == target or self._exists(target):
            raise EditError(f"{target} exists already; delete it first or choose another name")
        self._refuse_twin(target, leaving=source)
        self._base(source)
        text, origin = self.read(source), self._origin(source)
        self._set(target, text, origin)
        self._remove(source)

    def proposal(self) -> Proposal:
        """Return the difference to the snapshot, ordered by path."""
        claimed: set[str] = set()
        changes: list[FileChange] = []
        for path, pending in sorted(self._pending.items()):
            if pending.text is not None:
                change = self._change(path, pending.text, pending.origin, claimed)
                changes += [] if change is None else [change]
        for path, pending in self._pending.items():
            base = self._bases[path]
            if pending.text is None and path not in claimed and base is not None:
                changes.append(_file_change(path, "delete", base, None))
        return Proposal(tuple(sorted(changes, key=lambda change: change.path)))

    def _change(self, path: str, text: str, origin: str | None, claimed: set[str]) -> FileChange | None:
        existing = self._bases[path]
        if existing is not None:
            return None if existing.text == text else _file_change(path, "modify", existing, text)
        source = self._bases.get(origin) if origin is not None and origin not in claimed and self._is_gone(origin) else None
        if source is not None:
            claimed.add(source.path)
            return _file_change(path, "rename", source, text)
        whole = (Hunk(f"{path}#1", TextEdit(0, 0, text), ""),)
        executable = self._pending[path].executable
        return FileChange(path, "create", None, text, whole, line_end=line_end_of(text), executable=executable)

    def _base(self, canonical: str) -> FileText | None:
        """Return the file as it was at the first change of this path, None where there was none; frozen from then on."""
        if canonical not in self._bases:
            self._bases[canonical] = self.snapshot.read(canonical) if self.snapshot.exists(canonical) else None
        return self._bases[canonical]

    def _readable(self, path: str) -> str:
        decision = self.boundary.may_read(path)
        if not decision.allowed:
            raise _refusal(path, decision)
        return decision.path

    def _changeable(self, path: str) -> str:
        decision = self.boundary.may_change(path)
        if not decision.allowed:
            raise _refusal(path, decision)
        return decision.path

    def _named_itself(self, asked: str) -> str:
        """Return the canonical path; a file is not deleted or moved by the name of a link to it."""
        canonical = self._changeable(asked)
        if self.boundary.asked_path(asked) != canonical:
            raise PathRefused(f"{asked} goes through a link; name {canonical} itself", asked, rule="resolve")
        return canonical

    def _exists(self, canonical: str) -> bool:
        pending = self._pending.get(canonical)
        return pending.text is not None if pending is not None else self.snapshot.exists(canonical)

    def _require(self, canonical: str) -> None:
        if not self._exists(canonical):
            raise PathMissing(f"{canonical} does not exist", canonical)

    def _is_gone(self, canonical: str) -> bool:
        pending = self._pending.get(canonical)
        return pending is not None and pending.text is None

    def _origin(self, canonical: str) -> str | None:
        pending = self._pending.get(canonical)
        if pending is not None:
            return pending.origin
        return canonical if self._base(canonical) is not None else None

    def _remove(self, canonical: str) -> None:
        """Make the file be gone; one that the run itself made leaves no trace."""
        if self._base(canonical) is None:
            self._pending.pop(canonical, None)
        else:
            self._pending[canonical] = _Pending(None, canonical)

    def _set(self, canonical: str, text: str, origin: str | None, *, executable: bool = False) -> None:
        file = self._base(canonical) or (self._bases.get(origin) if origin is not None else None)
        encoding = "utf-8" if file is None else file.encoding
        try:
            size = len(encode(text, encoding, bom=False))
        except UnicodeEncodeError as error:
            raise EditError(f"{canonical} is written in {encoding}, which cannot hold {_code_points(error)}") from None
        if size > MAX_FILE:
            raise EditError(f"{canonical} would have {size:,} bytes; files above {MAX_FILE:,} are not written")
        self._pending[canonical] = _Pending(text, origin, executable)

    def _refuse_twin(self, canonical: str, *, leaving: str | None) -> None:
        """Refuse a new name that differs from an existing one only in case or composition."""
        parts = canonical.split("/")
        for number, part in enumerate(parts):
            folder = "/".join(parts[:number])
            names = self._names_in(folder)
            if part in names:
                continue
            alike = _alike(part)
            twin = next((name for name in sorted(names) if _alike(name) == alike), None)
            real = None if twin is None else f"{folder}/{twin}" if folder else twin
            if real is not None and real != leaving:
                raise EditError(f"{canonical} would be a twin of {real}, which differs only in case or composition; use that name")

    def _names_in(self, folder: str) -> set[str]:
        prefix = folder + "/" if folder else ""
        names = set(self.snapshot.names_in(folder))
        for path, pending in self._pending.items():
            if not path.startswith(prefix):
                continue
            name, _, below = path[len(prefix) :].partition("/")
            if pending.text is not None:
                names.add(name)
            elif not below:
                names.discard(name)
        return names


def _can_be_asked_for(path: str) -> bool:
    """Whether the form of the path lets a tool name it; a name with line ends, say, could pass for several in a list."""
    return (path.isascii() and path.isprintable()) or form_problem(path) is None


def _file_change(path: str, kind: ChangeKind, file: FileText, after: str | None) -> FileChange:
    return FileChange(
        path,
        kind,
        Base(file.text, file.sha256, file.version),
        after,
        () if after is None else hunks(path, file.text, after),
        from_path=file.path if kind == "rename" else None,
        line_end=line_end_of(file.text),
        bom=file.bom,
        encoding=file.encoding,
        executable=_executable(file),
    )


def _executable(file: FileText) -> bool:
    return file.mode is not None and bool(file.mode & 0o111)


def _refusal(asked: str, decision: Decision) -> PathRefused:
    return PathRefused(decision.reason, asked, rule=decision.rule, pattern=decision.pattern, owner=decision.owner)


def _alike(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _code_points(error: UnicodeEncodeError) -> str:
    return ", ".join(f"U+{ord(character):04X}" for character in error.object[error.start : error.end][:5])
