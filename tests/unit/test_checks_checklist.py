"""Which checklist item means which check."""

from __future__ import annotations

import pytest

from aigentflow.checks.checklist import BoundItem, Catalogue, bind, built_in_catalogue
from aigentflow.data import data_folder
from aigentflow.definitions.agentfile import parse_agent
from aigentflow.definitions.values import ChecklistItem

ZOD, RLS, ERRORS, OPENAPI = "zod-input-validation", "rls-tenant-isolation", "typed-domain-errors", "openapi-decorators"
UNIT, INTEGRATION, EVENTS = "unit-tests", "integration-tests", "event-emission"


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("Input validation with Zod schema", ZOD),
        ("**Validate all inputs** - Use Zod schemas, never trust raw input", ZOD),
        ("All endpoints validated with Zod", ZOD),
        ("Request bodies are parsed by `zod` schemas", ZOD),
        ("Zod validation", ZOD),
        ("RLS tenant isolation in all queries", RLS),
        ("Row-level security enforced", RLS),
        ("Multi-tenant isolation", RLS),
        ("Queries are scoped to the tenant", RLS),
        ("RLS", RLS),
        ("Typed domain errors (no plain strings)", ERRORS),
        ("No raw errors – typed exceptions only", ERRORS),
        ("Errors are typed", ERRORS),
        ("Custom error classes thrown", ERRORS),
        ("Never throw plain strings", ERRORS),
        ("OpenAPI decorators on endpoints", OPENAPI),
        ("Endpoints documented with Swagger", OPENAPI),
        ("Swagger annotations present on all controllers", OPENAPI),
        ("Unit tests for service methods", UNIT),
        ("Every service method has unit tests", UNIT),
        ("Unit tests", UNIT),
        ("Unit tests for business logic", UNIT),
        ("Integration tests for API endpoints", INTEGRATION),
        ("E2E tests for all routes", INTEGRATION),
        ("Integration tests", INTEGRATION),
        ("Event emission for cross-service communication", EVENTS),
        ("Domain events are published on every state change", EVENTS),
        ("Emit events for other services", EVENTS),
    ],
)
def test_the_same_rule_in_other_words(text: str, check: str) -> None:
    assert built_in_catalogue().meant_by(text) == check


@pytest.mark.parametrize(
    "text",
    [
        "Form validation with Zod",
        "Zod on forms",
        "Environment variables validated with Zod",
        "All inputs validated",
        "No type errors",
        "TypeScript compiles without errors",
        "Error boundaries",
        "Meaningful error messages",
        "No empty catch blocks",
        "API documentation updated",
        "OpenAPI client generated",
        "Tests for interactive components",
        "Unit tests for components",
        "Unit and integration tests pass",
        "All unit tests pass in CI",
        "Unit and integration tests for services and endpoints",
        "Unit test coverage above 80 %",
        "E2E tests for critical user flows",
        "Edge cases tested",
        "Click events are tracked",
        "Event listeners removed",
        "Tailwind for all styling",
        "Functions under 50 lines",
        "TLS everywhere",
        "Least-privilege RBAC",
        "Tenant-aware cache keys",
        "",
        "!!!",
    ],
)
def test_what_no_check_decides_stays_manual(text: str) -> None:
    assert built_in_catalogue().meant_by(text) is None


def test_the_built_in_agent_has_a_check_for_every_item() -> None:
    path = data_folder("agents") / "backend_dev.md"

    bound = bind(parse_agent(path.read_text("utf-8"), path, "built-in"), built_in_catalogue())

    assert [entry.check for entry in bound] == [ZOD, RLS, ERRORS, OPENAPI, UNIT, INTEGRATION, EVENTS]


def test_an_explicit_check_wins_and_an_unknown_one_says_so() -> None:
    text = "---\nagent: a\n---\n\n- [ ] Anything <!-- check: unit-tests -->\n- [ ] Unit tests <!-- check: none-such -->\n"
    path = data_folder("agents") / "a.md"

    first, second = bind(parse_agent(text, path, "built-in"), built_in_catalogue())

    assert first.check == UNIT
    assert second == BoundItem(second.item, None, "there is no check named `none-such`")
    assert isinstance(second.item, ChecklistItem)


def test_every_check_has_its_page_and_its_detector() -> None:
    from aigentflow.checks.detectors import DETECTORS

    catalogue = Catalogue.load()

    assert {detector.id for detector in DETECTORS} == set(catalogue.ids)
    for check in catalogue:
        assert check.page.read_text("utf-8").startswith(f"# {check.title}\n")
