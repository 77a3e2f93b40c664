"""Repairs that need no model. Each reads the text again, so it answers None when the place is not there any more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aigentflow.checks.checklist import Catalogue
from aigentflow.checks.detectors.errors import message_of
from aigentflow.checks.engine import check_file
from aigentflow.checks.facts import ProjectView, facts_of
from aigentflow.checks.findings import Finding
from aigentflow.checks.imports import import_edit, quote_of
from aigentflow.checks.source import SourceFile
from aigentflow.syntax.trees import Tree, grammar_of
from aigentflow.workspace.lines import line_end_of
from aigentflow.workspace.proposal import TextEdit

if TYPE_CHECKING:
    import tree_sitter as ts


@dataclass(frozen=True)
class Fix:
    """A repair of one file; edits do not overlap and are in the order of the text."""

    title: str
    edits: tuple[TextEdit, ...]


def fix_title(finding: Finding) -> str:
    """Return what the repair of a finding does, without looking at the text; empty where there is none."""
    if not finding.fixable:
        return ""
    data = dict(finding.data)
    if finding.check == "typed-domain-errors":
        return f"Throw {data['class']} with code {data['code']}"
    return f"Add {' and '.join('@' + name for name in data['missing'].split(','))}"


def fix(finding: Finding, text: str, tree: Tree | None = None) -> Fix | None:
    """Return the repair of a finding in this text; None where there is none or the text has moved on. The text's tree saves a parse."""
    grammar = grammar_of(finding.path)
    if not finding.fixable or grammar is None or not 0 <= finding.start < finding.end <= len(text):
        return None
    file = SourceFile(finding.path, tree if tree is not None and tree.text == text else Tree.parse(text, grammar))
    match finding.check:
        case "typed-domain-errors":
            return _throw_typed(file, finding, dict(finding.data))
        case "openapi-decorators":
            return _decorate(file, finding, dict(finding.data))
        case _:
            return None


def apply(text: str, repair: Fix) -> str:
    """Return the text after a repair."""
    for edit in reversed(repair.edits):
        text = text[: edit.start] + edit.new + text[edit.end :]
    return text


def fix_file(
    path: str, text: str, checks: Collection[str], view: ProjectView, catalogue: Catalogue | None = None
) -> tuple[str, tuple[Finding, ...]]:
    """Return the text after all repairs of a file, and the findings that they settle. One at a time: each may move the next."""
    project = facts_of(view)
    settled: list[Finding] = []
    tried: set[str] = set()
    while True:
        findings = check_file(path, text, checks, project, catalogue=catalogue)
        following = next((finding for finding in findings if finding.fixable and finding.key not in tried), None)
        if following is None:
            return text, tuple(settled)
        tried.add(following.key)
        repair = fix(following, text)
        if repair is not None:
            text = apply(text, repair)
            settled.append(following)


def _throw_typed(file: SourceFile, finding: Finding, data: dict[str, str]) -> Fix | None:
    value = _thrown(file, finding)
    literal = message_of(file, value) if value is not None else None
    if value is None or literal is None:
        return None
    name, module = data["class"], data["module"]
    quote = quote_of(file)
    given = {"message": file.tree.source_of(literal), "code": f"{quote}{data['code']}{quote}"}
    arguments = ", ".join(given[parameter] for parameter in data["parameters"].split(","))
    start, end = file.tree.span(value)
    edits = [TextEdit(start, end, f"new {name}({arguments})")]
    if module:
        edits.extend(import_edit(file, module, (name,)))
    return Fix(fix_title(finding), _ordered(edits))


def _thrown(file: SourceFile, finding: Finding) -> ts.Node | None:
    node = _node_at(file, finding)
    while node is not None and file.tree.to_offset(node.start_byte) == finding.start:
        if node.type == "throw_statement" and node.named_child_count:
            return node.named_children[0]
        if node.type == "call_expression":
            listed = node.child_by_field_name("arguments")
            if listed is not None and listed.named_child_count and file.tree.to_offset(node.end_byte) == finding.end:
                return listed.named_children[0]
        node = node.parent
    return None


def _decorate(file: SourceFile, finding: Finding, data: dict[str, str]) -> Fix | None:
    name = _node_at(file, finding)
    method = name.parent if name is not None else None
    if name is None or method is None or method.type != "method_definition" or method.child_by_field_name("name") != name:
        return None
    last = method.prev_named_sibling
    if last is None or last.type != "decorator":
        return None
    quote = quote_of(file)
    missing = data["missing"].split(",")
    added = []
    if "ApiOperation" in missing:
        added.append(f"@ApiOperation({{ summary: {quote}{data['summary']}{quote} }})")
    if "ApiResponse" in missing:
        shape = f"type: {data['type']}" if data.get("type") else f"description: {quote}{data['description']}{quote}"
        added.append(f"@ApiResponse({{ status: {data['status']}, {shape} }})")
    at = file.tree.to_offset(last.end_byte)
    gap = _between(file, last, method)
    edits = [TextEdit(at, at, "".join(gap + decorator for decorator in added)), *import_edit(file, "@nestjs/swagger", tuple(missing))]
    return Fix(fix_title(finding), _ordered(edits))


def _between(file: SourceFile, decorator: ts.Node, method: ts.Node) -> str:
    """What separates decorators here: a line end with the indentation, or a blank."""
    if decorator.end_point[0] == method.start_point[0]:
        return " "
    line = file.tree.source.rfind(b"\n", 0, method.start_byte) + 1
    return line_end_of(file.text) + file.tree.source[line : method.start_byte].decode("utf-8", "replace")


def _node_at(file: SourceFile, finding: Finding) -> ts.Node | None:
    start, end = file.tree.to_byte(finding.start), file.tree.to_byte(finding.end)
    node = file.tree.root.named_descendant_for_byte_range(start, end)
    return node if node is not None and node.start_byte == start else None


def _ordered(edits: list[TextEdit]) -> tuple[TextEdit, ...]:
    return tuple(sorted(edits, key=lambda edit: (edit.start, edit.end)))
