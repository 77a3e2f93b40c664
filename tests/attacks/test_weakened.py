"""The suite sees when a part of the boundary is missing: each is taken out in turn, and a named attack must come out wrong."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from aigentflow.workspace import apply, boundary
from aigentflow.workspace.resolve import Resolved, Resolver

from .judging import play
from .reading import Case, load_cases
from .world import World

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and pipes as POSIX has them")


@dataclass(frozen=True)
class Weakness:
    """A product with one part less, and an attack that must get through it."""

    part: str
    weaken: Callable[[pytest.MonkeyPatch], None]
    attack: str
    """Id of the case."""
    through: str
    """What has to be said of the outcome, so that the attack did not fail for another reason."""


def without_resolve(patch: pytest.MonkeyPatch) -> None:
    """Paths are taken by their text: links and `..` are not looked at."""

    def resolve(self: Resolver, asked: str) -> Resolved:
        inside = posixpath.normpath(asked.removeprefix(self.real_root + "/"))
        return Resolved(inside, inside)

    patch.setattr(Resolver, "resolve", resolve)


def without_protected_names(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(boundary, "protected_name", lambda parts: None)
    patch.setattr(boundary, "literal_only_name", lambda parts: None)


def without_secrets(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(boundary, "secret_name", lambda parts: None)


def without_deny(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(boundary, "covering_entry", lambda entries, path: None)


def without_object(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(boundary.Boundary, "_object_problem", lambda self, path: None)


def without_form(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("aigentflow.workspace.resolve.form_problem", lambda path: None)


def without_asking_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(apply, "_ask", lambda boundary, path: None)


def without_comparing_the_base(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(apply, "_compare", lambda path, data, base: None)


WEAKNESSES = (
    Weakness("resolve", without_resolve, "a_links: goes through a link to a folder outside", "the proposal also speaks of src/out/new.ts"),
    Weakness(
        "resolve",
        without_resolve,
        "a_links: reaches a denied folder through a link in the open one",
        "the proposal also speaks of src/side/new.tsx",
    ),
    Weakness(
        "resolve",
        without_resolve,
        "a_links: reaches what nobody may open through a link with a harmless name",
        "the proposal also speaks of src/notes/hooks/pre-commit",
    ),
    Weakness(
        "protected names",
        without_protected_names,
        "c_protected: writes a file that an editor or a tool obeys, as [a git hook]",
        "the apply changed ws/.git/hooks/pre-commit",
    ),
    Weakness(
        "protected names",
        without_protected_names,
        "c_literal: changes by a pattern what must be named, as [.github/workflows/new.yml]",
        "the apply changed ws/.github/workflows/new.yml",
    ),
    Weakness("secrets", without_secrets, "a_links: reaches a secret through a link with a harmless name", "the secret env_file came out"),
    Weakness("deny", without_deny, "c_boundary: changes what another agent owns", "the apply changed ws/web/page.tsx"),
    Weakness("deny", without_deny, "a_spelling: another case of a denied folder [Web/new.tsx]", "it was not refused"),
    Weakness("object", without_object, "a_objects: edits a file that has a second name elsewhere", "the apply changed ws/src/twin.tsx"),
    Weakness("object", without_object, "a_objects: edits a read-only file", "the apply changed ws/src/locked.ts"),
    Weakness("form", without_form, "a_spelling: writes to a path by [a right-to-left override]", "the apply changed ws/src/a\u202exs.ts"),
    Weakness("apply", without_asking_again, "a_apply: the file gets a second name before the apply", "the apply changed"),
    Weakness("apply", without_asking_again, "a_apply: the file is made read-only before the apply", "apply said 'yes'"),
    Weakness("apply", without_comparing_the_base, "a_apply: the person's own change is overwritten", "apply said 'yes'"),
)


@pytest.mark.parametrize("weakness", WEAKNESSES, ids=lambda weakness: f"without {weakness.part}: {weakness.attack}")
def test_a_missing_part_is_seen(weakness: Weakness, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    weakness.weaken(monkeypatch)
    wrong = play(_named(weakness.attack), world)
    assert any(weakness.through in words for words in wrong), wrong


def test_every_part_of_the_decision_is_taken_out_once() -> None:
    assert {weakness.part for weakness in WEAKNESSES} >= {"form", "resolve", "protected names", "deny", "object", "apply"}


def _named(id: str) -> Case:
    return next(case for case in load_cases() if case.id == id)
