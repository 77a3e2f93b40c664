"""Compiler settings (`tsconfig.json`) with which the type checker sees less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aigentflow.runtime.auditing.settings_files import BUILT, at, jsonc, line_of_key
from aigentflow.runtime.auditing.shifts import Shift
from aigentflow.runtime.auditing.wording import vocabulary
from aigentflow.runtime.result import WeakeningPart

_FILE = re.compile(r"(?:^|/)(?:ts|js)config(?:[.-][\w.-]+)?\.json$")
_BY_STRICT = vocabulary(
    "noImplicitAny strictNullChecks strictFunctionTypes strictBindCallApply strictPropertyInitialization "
    "noImplicitThis useUnknownInCatchVariables alwaysStrict strictBuiltinIteratorReturn"
)
_TIGHT = _BY_STRICT | vocabulary(
    "strict noUnusedLocals noUnusedParameters noImplicitReturns noFallthroughCasesInSwitch noUncheckedIndexedAccess noImplicitOverride "
    "exactOptionalPropertyTypes noPropertyAccessFromIndexSignature forceConsistentCasingInFileNames noUncheckedSideEffectImports "
    "checkJs strictTemplates strictInjectionParameters strictInputAccessModifiers"
)
_LOOSE = vocabulary(
    "skipLibCheck skipDefaultLibCheck noCheck suppressImplicitAnyIndexErrors suppressExcessPropertyErrors allowUnreachableCode "
    "allowUnusedLabels noStrictGenericChecks keyofStringsOnly"
)


def loosened_types(shift: Shift) -> Iterator[WeakeningPart]:
    """Yield each compiler setting that makes the type checker see less."""
    if not _FILE.search(shift.path) or shift.lines.change.after is None:
        return
    new = jsonc(shift.lines.after)
    old = jsonc(shift.lines.before) if shift.lines.change.base is not None else {}
    if isinstance(new, dict) and isinstance(old, dict):
        yield from _options(shift, old, new)
        if shift.lines.change.base is not None:
            yield from _reach(shift, old, new)


def _options(shift: Shift, old: dict[str, Any], new: dict[str, Any]) -> Iterator[WeakeningPart]:
    options_old, options_new = at(old, "compilerOptions") or {}, at(new, "compilerOptions") or {}
    if not isinstance(options_old, dict) or not isinstance(options_new, dict):
        return
    angular = "angularCompilerOptions"
    options_old, options_new = {**options_old, **(at(old, angular) or {})}, {**options_new, **(at(new, angular) or {})}
    for name in sorted(_TIGHT):
        was, now = options_old.get(name), options_new.get(name)
        if now is False and was is not False:
            yield shift.part(line_of_key(shift.lines.after, name), "types-loosened", f"`{name}` is switched off")
        elif was is True and now is None and not (name in _BY_STRICT and options_new.get("strict") is True):
            yield _removed(shift, name, f"`{name}` is no longer set")
    for name in sorted(_LOOSE):
        if options_new.get(name) is True and options_old.get(name) is not True:
            yield shift.part(line_of_key(shift.lines.after, name), "types-loosened", f"`{name}` is switched on")
    if at(old, "extends") and not at(new, "extends") and options_new.get("strict") is not True:
        yield _removed(shift, "extends", "the settings that this file built on are left out")


def _reach(shift: Shift, old: dict[str, Any], new: dict[str, Any]) -> Iterator[WeakeningPart]:
    """Yield files that are no longer looked at; builds leave tests out on purpose."""
    building = bool(re.search(r"[.-](?:build|prod|release|lib|app|bundle)\.", shift.path))
    before, after = _list(old, "exclude"), _list(new, "exclude")
    for entry in after:
        if entry not in before and not BUILT.search(entry) and not building:
            yield shift.part(line_of_key(shift.lines.after, entry), "types-loosened", f"`{entry}` is no longer type-checked")
    before, after = _list(old, "include"), _list(new, "include")
    gone = [entry for entry in before if entry not in after]
    if after and gone and len(after) <= len(before) and not building and not any(_wider(entry, gone) for entry in after):
        yield shift.part(line_of_key(shift.lines.after, "include"), "types-loosened", f"`{gone[0]}` is no longer type-checked")


def _wider(entry: str, gone: list[str]) -> bool:
    return entry in ("**/*", ".", "./**/*", "**/*.ts") or all(other.startswith(entry.rstrip("*/")) for other in gone)


def _list(value: dict[str, Any], key: str) -> list[str]:
    listed = value.get(key)
    return [entry for entry in listed if isinstance(entry, str)] if isinstance(listed, list) else []


def _removed(shift: Shift, name: str, message: str) -> WeakeningPart:
    return shift.gone(line_of_key(shift.lines.before, name), "types-loosened", message)
