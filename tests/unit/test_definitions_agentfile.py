"""Whole agent files: the built-in one, and one of another role and language that needs no line of code."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

import aigentflow
from aigentflow.data import data_folder
from aigentflow.definitions.agentfile import parse_agent
from aigentflow.definitions.contract import validate
from aigentflow.definitions.prompt import PromptInputs, build_prompt
from aigentflow.definitions.values import AgentDefinition

BUILT_IN = data_folder("agents") / "backend_dev.md"
DATA_ENGINEER = Path(__file__).parents[1] / "agents" / "data_engineer.md"


def load(path: Path) -> AgentDefinition:
    return parse_agent(path.read_text(encoding="utf-8"), path, "built-in")


def sliced(definition: AgentDefinition, field: str) -> str:
    span = definition.spans[field]
    return definition.text[span.start : span.end]


class TestBackendDev:
    """The interface of the built-in agent, which people's own copies share."""

    def test_front_matter(self) -> None:
        definition = load(BUILT_IN)
        assert (definition.id, definition.model, definition.output_format) == ("backend_dev", "sonnet", "json")
        assert definition.tools == ("Read", "Write", "Edit", "Bash", "Grep", "Glob")
        assert definition.allow == ("apps/api/**", "packages/database/**")
        assert (definition.read_only, definition.runnable, definition.problems) == (False, True, ())
        assert (sliced(definition, "agent"), sliced(definition, "boundaries.allow")) == (
            "backend_dev",
            "[apps/api/**, packages/database/**]",
        )

    def test_variables_and_references(self) -> None:
        definition = load(BUILT_IN)
        assert [variable.name for variable in definition.variables] == [
            *("CURRENT_PHASE", "IMPLEMENTATION_PLAN", "RELEVANT_LESSONS", "TASK_DESCRIPTION", "FILE_BOUNDARIES", "PARALLEL_AGENTS")
        ]
        assert [(reference.path, reference.kind) for reference in definition.references] == [
            ("ARCHITECTURE.md", "file"),
            ("apps/api/src/", "directory"),
            ("packages/database/src/schema/", "directory"),
        ]

    def test_sections(self) -> None:
        assert [section.title for section in load(BUILT_IN).sections if section.level == 1] == [
            *("System Context", "Role", "Task", "Technology Stack", "Code Patterns"),
            *("Implementation Checklist", "Output Format", "Rules", "Boundaries"),
        ]

    def test_checklist(self) -> None:
        assert [(item.text, item.check) for item in load(BUILT_IN).checklist] == [
            ("Input validation with Zod schema", "zod-input-validation"),
            ("RLS tenant isolation in all queries", "rls-tenant-isolation"),
            ("Typed domain errors (no plain strings)", "typed-domain-errors"),
            ("OpenAPI decorators on endpoints", "openapi-decorators"),
            ("Unit tests for service methods", "unit-tests"),
            ("Integration tests for API endpoints", "integration-tests"),
            ("Event emission for cross-service communication", "event-emission"),
        ]

    def test_what_it_leaves_alone(self) -> None:
        assert [(entry.pattern, entry.owner) for entry in load(BUILT_IN).deny] == [
            ("apps/web/**", "frontend"),
            ("packages/ui/**", "frontend"),
            ("infrastructure/**", "devops"),
        ]
        assert len(load(BUILT_IN).rules) == 7

    def test_commands(self) -> None:
        commands = {command.id: command for command in load(BUILT_IN).commands}
        assert list(commands) == ["implement", "add-tests", "fix-gap", "review"]
        assert (commands["implement"].on, commands["implement"].task) == (("todo",), "$TASK_DESCRIPTION")
        assert (commands["fix-gap"].kind, commands["fix-gap"].title) == ("quickfix", "Fix with backend_dev: {gap}")
        assert commands["review"].result == "report"

    def test_contract(self) -> None:
        contract = load(BUILT_IN).contract
        assert contract is not None
        assert contract["required"] == ["implementation", "files", "database", "tests", "dependencies", "notes"]
        assert contract["properties"]["files"]["items"]["properties"]["action"]["enum"] == ["create", "modify"]
        assert contract["properties"]["tests"]["items"]["properties"]["type"]["enum"] == ["unit", "integration"]
        assert contract["properties"]["database"]["properties"]["schemaChanges"] == {"type": "boolean"}

    def test_every_check_it_names_ships_with_the_package(self) -> None:
        checks = {path.stem for path in (data_folder("agents") / "checks").glob("*.yaml")}
        assert {item.check for item in load(BUILT_IN).checklist} <= checks


class TestDataEngineer:
    """Python and dbt: everything about it stands in its file."""

    def test_it_is_read_without_complaint(self) -> None:
        definition = load(DATA_ENGINEER)
        assert [problem.severity for problem in definition.problems] == ["info"]
        assert definition.tools == ("Read", "Grep", "Glob", "Edit", "Write", "mcp__warehouse__query")

    def test_boundary(self) -> None:
        definition = load(DATA_ENGINEER)
        assert definition.allow == ("warehouse/**", "jobs/*.py")
        assert [(entry.pattern, entry.owner) for entry in definition.deny] == [
            ("warehouse/seeds/**", None),
            ("warehouse/snapshots/**", "platform"),
            ("dashboards/**", "BI"),
            ("infra/**", "platform"),
            (".terraform/**", "platform"),
        ]

    def test_commands(self) -> None:
        document, explain, backfill = load(DATA_ENGINEER).commands
        assert (document.on, document.languages, document.files) == (("file",), ("sql", "jinja-sql"), ("warehouse/models/**/*.sql",))
        assert (explain.on, explain.result) == (("function", "selection"), "report")
        assert (backfill.on, backfill.ask) == (("workspace",), "Which table, and since when?")

    def test_checklist_and_rules(self) -> None:
        definition = load(DATA_ENGINEER)
        assert [(item.text, item.group[-1], item.check) for item in definition.checklist] == [
            ("Every model has a description and an owner", "Models", "model-description"),
            ("Keys are tested for `unique` and `not_null`", "Models", None),
            ("Loads can be repeated without harm", "Loads", None),
            ("State lives in the warehouse, not on the worker", "Loads", None),
        ]
        assert definition.rules == ("No `select *` outside of staging", "Money is `numeric`, never a float")

    def test_contract(self) -> None:
        contract = load(DATA_ENGINEER).contract
        assert contract is not None
        answer = {"summary": "s", "models": [{"name": "orders", "materialized": "view"}], "backfill": "none", "breaking": False}
        assert validate(contract, answer) == []
        assert validate(contract, {**answer, "backfill": "some"}) == ["backfill: 'some' is not one of ['none', 'partial', 'full']"]

    def test_prompt(self) -> None:
        prompt = build_prompt(load(DATA_ENGINEER), PromptInputs(task="Model refunds", allow=("warehouse/**",)))
        assert "$RUN_STARTED_AT" in prompt.system[1]
        assert "# Task\n\nModel refunds" in prompt.user


@pytest.mark.parametrize("word", ["xml", "[json]"])
def test_an_output_format_that_is_none(word: str) -> None:
    definition = parse_agent(f"---\nagent: a\noutput_format: {word}\n---\n```json\n{{}}\n```\n", BUILT_IN, "user")
    assert (definition.output_format, definition.contract) == ("text", None)
    assert sliced(definition, "output_format") == word
    assert [problem.severity for problem in definition.problems] == ["warning"]


def test_json_without_an_example() -> None:
    definition = parse_agent("---\nagent: a\noutput_format: json\n---\nJust do it.\n", BUILT_IN, "user")
    assert (definition.output_format, definition.contract) == ("json", None)
    assert [problem.code for problem in definition.problems] == ["contract.missing"]


def test_the_example_under_the_heading_about_output_wins() -> None:
    blocks = '# Output format\n```json\n{"right": 1}\n```\n# Appendix\n```json\n{"wrong": 1}\n```\n```ts\n{ no: 1 }\n```\n'
    definition = parse_agent(f"---\nagent: a\noutput_format: json\n---\n{blocks}", BUILT_IN, "user")
    assert definition.contract is not None
    assert definition.contract["required"] == ["right"]


def test_a_broken_example_is_told_where_it_breaks() -> None:
    definition = parse_agent('---\nagent: a\noutput_format: json\n---\n```json\n{"a" 1}\n```\n', BUILT_IN, "user")
    (problem,) = definition.problems
    assert definition.text[problem.span.start :].startswith("1}")


def test_the_hash_is_that_of_the_text() -> None:
    assert load(BUILT_IN).sha256 == hashlib.sha256(BUILT_IN.read_bytes()).hexdigest()


def test_importing_the_layer_is_light() -> None:
    heavy = ("yaml", "pydantic", "jsonschema", "tree_sitter", "anthropic")
    modules = "agentfile, library, project, prompt, context, contract"
    code = f"import sys; from aigentflow.definitions import {modules}; print([m for m in {heavy!r} if m in sys.modules])"
    server = {"PYTHONPATH": str(Path(aigentflow.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=server)
    assert done.stdout.strip() == "[]"
