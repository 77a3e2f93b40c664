"""Claims about the database: schema changes, migrations, tables and columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from aigentflow.runtime.auditing.evidence import Evidence
from aigentflow.runtime.auditing.filing import FileClaims
from aigentflow.runtime.auditing.phrases import PATH_KEYS, action_of, first_of, path_of
from aigentflow.runtime.auditing.verifying import Judged, claim
from aigentflow.runtime.auditing.wording import clean, vocabulary, words
from aigentflow.runtime.result import ClaimPart

_KEYS = vocabulary("database db migration migrations table tables column columns ddl drizzle prisma alembic")
_CHANGE = vocabulary("change changes changed changing updated update modified alterations altered")
_NAMED = vocabulary(
    "table tables column columns index indexes indices enum enums constraint constraints field fields view views relation relations"
)
_SILENT = vocabulary("read used existing unchanged queried notes note reason engine type provider rollback strategy risk queries command")
_MIGRATION = re.compile(
    r"(?:^|/)(?:migrations?|migrate|alembic/versions|drizzle|changelog|flyway)/.+\.(?:sql|[cm]?[jt]s|py|rb|php|xml|ya?ml|exs?|json)$|(?:^|/)V\d+__\w+\.sql$"
)
_SCHEMA = re.compile(
    r"(?:^|/)(?:schemas?|entities|models?)/.+\.(?:[cm]?ts|js|py|rb|sql)$|(?:^|/)(?:schema|models?|entities)\.(?:[cm]?ts|js|py|rb|sql|prisma)$|\.(?:sql|prisma|entity\.ts|model\.ts|schema\.ts|dbml)$"
)
_DDL = re.compile(
    r"\b(?:CREATE|ALTER|DROP)\s+(?:UNIQUE\s+)?(?:TABLE|INDEX|TYPE|VIEW|COLUMN|POLICY|SCHEMA)\b|\b(?:pg|mysql|sqlite|singlestore)Table\(|\bpgEnum\(|@(?:Entity|Column|PrimaryColumn|Table|Index)\b"
    r"|\bcreateTable\(|\baddColumn\(|\bnew\s+(?:mongoose\.)?Schema\(|\bmodels\.\w+Field\(|\bmapped_column\(|\bColumn\(|\bcreate_table\b|\badd_column\b|\bop\.\w+\(|\bsequelize\.define\(|\bdefineTable\(",
    re.IGNORECASE,
)
_TABLE_CODE = re.compile(
    r"Table\(|@Entity|\bEnum\(|models\.Model|declarative|mapped_column|Schema\(|\bmodel\s+\w+\s*\{|CREATE\s+TABLE|ALTER\s+TABLE",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[`'\"]([A-Za-z_][\w.]{1,80})[`'\"]")
_SNAKE = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
_NAMED_IN_TEXT = re.compile(
    r"\b(?:table|column|index|enum)\s+(?:named\s+|called\s+)?([A-Za-z_]\w{2,60})\b|\b([A-Za-z_]\w{2,60})\s+(?:table|column|index|enum)\b",
    re.IGNORECASE,
)
_PLAIN_WORDS = vocabulary(
    "the and for with new this that each every existing same another into from unique nullable not null foreign key primary "
    "optional composite text integer boolean timestamp varchar uuid json jsonb of on to in is was are has which where "
    "database one two both all add adds added create creates created drop drops backing join audit lookup partial covering "
    "default required"
)


class SchemaClaims:
    """Reads what a report says about the database."""

    def __init__(self, evidence: Evidence, files: FileClaims) -> None:
        self._evidence = evidence
        self._files = files

    def concerns(self, pieces: list[str], value: Any) -> bool:
        """Whether a field is about the database."""
        present = set(pieces)
        return bool(present & _KEYS) or ("schema" in present and bool(present & (_CHANGE | {"migration"})))

    def claims(self, key: str, value: Any) -> Iterator[ClaimPart]:
        """Yield the claims of such a field."""
        pieces = set(words(key))
        if value is None or pieces & _SILENT:
            return
        if isinstance(value, bool):
            yield claim(f"{key}: {clean(value)}", self._flag(pieces, value))
        elif isinstance(value, dict):
            yield from self._object(key, value)
        elif isinstance(value, list):
            for entry in value[:500]:
                yield from self._entry(key, entry)
        elif isinstance(value, str):
            yield from self._text(key, pieces, value)
        elif isinstance(value, (int, float)) and "migrations" in pieces | {"migrations" if "migration" in pieces else ""}:
            actual = len(self._migrations)
            yield claim(
                f"{key}: {value:g}",
                Judged("confirmed" if actual == value else "contradicted", f"the proposal holds {actual} migration files"),
            )

    def _object(self, key: str, value: Mapping[str, Any]) -> Iterator[ClaimPart]:
        if path_of(first_of(value, PATH_KEYS[:-1]), sure=True) or isinstance(first_of(value, ("name", "table", "column")), str):
            yield from self._entry(key, value)
            return
        for name, inner in value.items():
            named = str(name)
            inherits = not set(words(named)) & (_KEYS | _NAMED | {"schema"})
            yield from self.claims(f"{key} {named}" if inherits else named, inner)

    def _entry(self, key: str, entry: Any) -> Iterator[ClaimPart]:
        if isinstance(entry, str):
            yield from self._text(key, set(words(key)), entry)
        elif isinstance(entry, dict):
            if path := path_of(first_of(entry, PATH_KEYS), sure=True):
                yield from self._file(path, first_of(entry, ("action", "change", "operation")))
            for name, inner in entry.items():
                pieces = set(words(str(name)))
                if isinstance(inner, str) and pieces & (_NAMED | {"name"}) and not path_of(inner):
                    yield from self._name(str(name) if pieces & _NAMED else key, inner)
                elif isinstance(inner, list) and pieces & _NAMED:
                    yield from self.claims(str(name), inner)
                elif isinstance(inner, str) and "description" in pieces:
                    yield from self._described(f"{key} {name}", inner)

    def _file(self, path: str, word: Any) -> Iterator[ClaimPart]:
        yield from self._files.file(path, action_of(word), word if action_of(word) else None)

    def _text(self, key: str, pieces: set[str], text: str) -> Iterator[ClaimPart]:
        plain = text.strip()
        if not plain or plain.lower().rstrip(".") in (
            "none",
            "n/a",
            "no",
            "not required",
            "not needed",
            "no migration",
            "no changes",
            "no migration needed",
            "null",
        ):
            if plain and pieces & {"migration", "migrations", "schema"} and "required" not in pieces:
                yield claim(f"{key}: {clean(text)}", self._flag(pieces, False))
        elif path := path_of(plain):
            yield from self._file(path, None)
        elif plain.lower() in ("yes", "true", "created", "added", "done"):
            yield claim(f"{key}: {clean(text)}", self._flag(pieces, True))
        elif pieces & _NAMED and len(plain.split()) <= 4 and not pieces & {"description"}:
            yield from self._name(key, plain)
        elif pieces & (_KEYS | {"schema"}):
            yield from self._described(key, plain)

    def _name(self, key: str, text: str) -> Iterator[ClaimPart]:
        names = re.findall(r"[A-Za-z_]\w*", re.split(r"[\s:(]", text.strip().strip("`'\""), maxsplit=1)[0])[:3]
        if names:
            missing = [name for name in names if not self._changed(name)]
            why = f"{missing[0]} is in no changed line" if missing else "in the changed lines"
            yield claim(f"{clean(key, 60)}: {clean(text, 120)}", Judged("contradicted" if missing else "confirmed", why))

    def _described(self, key: str, text: str) -> Iterator[ClaimPart]:
        if not self._migrations and not self._schema_files:
            yield claim(f"{key}: {clean(text, 150)}", Judged("unwitnessed", "the proposal holds neither a migration nor a schema file"))
            return
        names = [*_QUOTED.findall(text), *_SNAKE.findall(text)]
        names += [name for pair in _NAMED_IN_TEXT.findall(text) for name in pair if name and name.lower() not in _PLAIN_WORDS]
        for name in dict.fromkeys(piece for listed in names for piece in listed.split(".")):
            there = self._changed(name)
            verdict = Judged("confirmed", "in the changed lines") if there else Judged("unwitnessed", "in no changed line")
            yield claim(f"{clean(key, 60)}: names {clean(name, 80)}", verdict)

    def _changed(self, name: str) -> bool:
        """Whether a name occurs in the changed lines, in any of the usual spellings."""
        pieces = [re.escape(piece) for piece in words(name)] or [re.escape(name)]
        pattern = r"(?<![A-Za-z0-9])" + r"[_-]?".join(pieces) + r"(?![a-z0-9])"
        return bool(re.search(pattern, self._evidence.changed, re.IGNORECASE))

    def _flag(self, pieces: set[str], said: bool) -> Judged:
        migrations, schema = self._migrations, self._schema_files
        if pieces & {"migration", "migrations"}:
            if "required" in pieces or "needed" in pieces or "needs" in pieces:
                return self._required(said)
            found = migrations
        else:
            found = [*migrations, *schema]
        if found:
            return Judged("confirmed" if said else "contradicted", f"the proposal changes {found[0]}")
        what = "no migration" if pieces & {"migration", "migrations"} else "neither a migration nor a schema file"
        return Judged("contradicted" if said else "confirmed", f"the proposal changes {what}")

    def _required(self, said: bool) -> Judged:
        if found := [*self._migrations, *self._schema_files]:
            return Judged("confirmed" if said else "contradicted", f"the proposal changes {found[0]}")
        return Judged("unwitnessed" if said else "confirmed", "the proposal changes neither a migration nor a schema file")

    @cached_property
    def _migrations(self) -> list[str]:
        return [path for path, lines in self._evidence.files.items() if _MIGRATION.search(path) and lines.change.kind != "delete"]

    @cached_property
    def _schema_files(self) -> list[str]:
        """Changed files whose changed lines describe tables."""
        found = []
        for path, lines in self._evidence.files.items():
            changed = [
                text
                for _, text in [*lines.added, *lines.removed]
                if text.strip() and not text.lstrip().startswith(("//", "#", "*", "/*", "--"))
            ]
            in_place = _SCHEMA.search(path) and _TABLE_CODE.search(lines.before + lines.after)
            if path not in self._migrations and changed and (in_place or _DDL.search("".join(changed))):
                found.append(path)
        return found
