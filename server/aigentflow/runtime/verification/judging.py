"""Judges the parts of a command line: does exit 0 of the whole prove that the checking programs in it ended with 0?"""

from __future__ import annotations

from dataclasses import replace

from aigentflow.runtime.verification.grammar import Both, Branch, Either, Group, Node, Not, Pipe, Simple, parse
from aigentflow.runtime.verification.grammar import Sequence as Parts
from aigentflow.runtime.verification.makefile import NAMES, Makefile, read_makefile
from aigentflow.runtime.verification.programs import CHECKS_NOTHING, SAME_AS, TESTS_BY_STATUS, UNCLEAR, options_hide
from aigentflow.runtime.verification.running import Line, Meaning, Program, Recipe, Scripts, Several, meaning_of
from aigentflow.runtime.verification.scripts import ScriptSource
from aigentflow.runtime.verification.shell_state import (
    ShellState,
    Verdict,
    finds_own_tools,
    is_for_shell,
    masked,
    moved,
    runs_with_errexit,
    steers,
)
from aigentflow.runtime.verification.tsconfig import looks_at_nothing
from aigentflow.runtime.verification.words import NotUnderstood, Word

_DEEPEST = 12
_MOST_LINES = 300
LOST = "its exit status is lost: another command follows it"


def _hands_on_status(node: Node, saved: str = "") -> bool:
    """Whether it is `exit`, `exit $?`, or `exit $saved` where a status was saved."""
    if not isinstance(node, Simple) or not node.words or node.words[0].text not in ("exit", "return"):
        return False
    status = [word.text for word in node.words[1:]]
    return status in ([f"${saved}"], [f"${{{saved}}}"]) if saved else status in ([], ["$?"])


def _saves_status(node: Node) -> str:
    """Return the name of the variable that the exit status goes to, '' where it goes nowhere."""
    named = node.assigned if isinstance(node, Simple) and not node.words and len(node.assigned) == 1 else ()
    return next((name for name, value in named if value.text == "$?"), "")


def _sets(node: Node, name: str) -> bool:
    return not isinstance(node, Simple) or any(assigned == name for assigned, _value in node.assigned)


class Judge:
    """Judges command lines, with the scripts that they call."""

    def __init__(self, source: ScriptSource, *, stated: bool = False) -> None:
        self._source = source
        self._stated = stated
        self._open: list[tuple[str, str]] = []
        self._lines = 0

    def line(self, text: str, shell: ShellState, depth: int) -> Verdict:
        """Return the verdict of a whole command line."""
        self._lines += 1
        if depth > _DEEPEST or self._lines > _MOST_LINES:
            return masked("its scripts call each other too often to be looked into")
        try:
            return self._parts(parse(text), shell, True, depth)
        except NotUnderstood as error:
            return masked(f"it was not understood: {error}")

    def _node(self, node: Node, shell: ShellState, kept: bool, depth: int) -> Verdict:
        """Return the verdict; `kept`: a failure here ends the shell under `set -e`."""
        match node:
            case Parts():
                verdict = self._parts(node, shell, kept, depth)
            case Both():
                verdict = self._both(node, shell, kept, depth)
            case Either():
                verdict = self._either(node, shell, kept, depth)
            case Pipe():
                verdict = self._pipe(node, shell, kept, depth)
            case Not():
                inner = self._node(node.part, shell, False, depth)
                verdict = masked("`!` turns its exit status round") if inner.checks else Verdict(leaves=inner.leaves)
            case Group():
                inner = self._node(node.body, shell.copy() if node.subshell else shell, kept, depth)
                verdict = replace(inner, exits=False, leaves=False) if node.subshell else inner
            case Branch():
                verdict = self._branch(node, shell, depth)
            case Simple():
                verdict = self._simple(node, shell, depth)
        return verdict

    def _parts(self, node: Parts, shell: ShellState, kept: bool, depth: int) -> Verdict:
        seen, guarded, saved = Verdict(), True, ""
        for part, background in node.parts:
            if seen.checks and not background and _hands_on_status(part, saved):
                return seen
            verdict = self._node(part, shell.copy() if background else shell, kept, depth)
            why = seen.masked or verdict.masked
            if seen.checks and not guarded:
                kept_so_far = (
                    not verdict.checks and not _sets(part, saved) if saved else bool(saved := "" if background else _saves_status(part))
                )
                why = why or ("" if kept_so_far else LOST)
            if seen.leaves and verdict.checks:
                why = why or "`exit` may end it before anything is checked"
            if background and verdict.checks:
                why = why or "it runs in the background"
            if verdict.checks:
                guarded = verdict.exits or (shell.errexit and kept and verdict.stops)
            checks, leaves = seen.checks or verdict.checks, seen.leaves or verdict.leaves
            seen = Verdict(checks, why, verdict.fails, verdict.exits, leaves, stops=checks)
        return replace(seen, masked=seen.masked or LOST) if saved else seen

    def _both(self, node: Both, shell: ShellState, kept: bool, depth: int) -> Verdict:
        left = self._node(node.left, shell, False, depth)
        before = shell.copy()
        right = self._node(node.right, shell, kept, depth)
        shell.keep_only(before)
        why = left.masked or right.masked
        if left.leaves and right.checks:
            why = why or "`exit` may end it before anything is checked"
        # Where the left part fails the right one is not run, and `set -e` does not end the shell: hence no `stops`.
        exits = right.exits and left.exits
        return Verdict(left.checks or right.checks, why, left.fails or right.fails, exits, left.leaves or right.leaves)

    def _either(self, node: Either, shell: ShellState, kept: bool, depth: int) -> Verdict:
        left = self._node(node.left, shell, False, depth)
        aside = shell.copy()
        right = self._node(node.right, aside, kept, depth)
        shell.keep_only(aside)
        if _hands_on_status(node.right):
            right = Verdict(fails=True, exits=True)
        why = left.masked or right.masked
        if left.checks and not right.fails:
            why = why or "what follows `||` hides its exit status"
        elif right.checks and not left.checks:
            why = why or "it is run only where something before `||` fails"
        return Verdict(left.checks or right.checks, why, left.fails and right.fails, right.exits, left.leaves or right.leaves)

    def _pipe(self, node: Pipe, shell: ShellState, kept: bool, depth: int) -> Verdict:
        verdicts = [self._node(part, shell.copy(), kept, depth) for part in node.parts]
        why = next((verdict.masked for verdict in verdicts if verdict.masked), "")
        if not shell.pipefail and any(verdict.checks for verdict in verdicts[:-1]):
            why = why or "its exit status is lost in a pipe"
        return Verdict(any(verdict.checks for verdict in verdicts), why, verdicts[-1].fails, stops=True)

    def _branch(self, node: Branch, shell: ShellState, depth: int) -> Verdict:
        before = shell.copy()
        verdicts = [self._node(part, shell, False, depth) for part in node.parts]
        shell.keep_only(before)
        if any(verdict.checks for verdict in verdicts):
            return masked(f"whether it runs, and whether its exit status counts, hangs on `{node.keyword}`")
        return Verdict(leaves=any(verdict.leaves for verdict in verdicts))

    def _simple(self, node: Simple, shell: ShellState, depth: int) -> Verdict:
        steering = next((name for name, value in node.assigned if steers(name) and not finds_own_tools(name, value)), "")
        if steering:
            return masked(f"it sets {steering}")
        if not node.words:
            shell.assigned.update(name for name, _value in node.assigned)
            return Verdict()
        if not node.words[0].fixed:
            return masked("which program it runs is known only while it runs")
        verdict = self._builtin(node.words, shell, depth) or self._meaning(meaning_of([w.text for w in node.words]), shell, depth)
        if node.words[0].text == "exec" and len(node.words) > 1 and not verdict.checks:
            return replace(verdict, leaves=True)
        if verdict.checks and (changing := next((w for w in node.words if w.substituted or w.names & shell.assigned), None)):
            return replace(verdict, masked=verdict.masked or f"the argument `{changing.text or '$(…)'}` is put together while it runs")
        return verdict

    def _builtin(self, words: tuple[Word, ...], shell: ShellState, depth: int) -> Verdict | None:
        name, arguments = words[0].text, [word.text for word in words[1:]]
        fixed = all(word.fixed for word in words)
        verdict: Verdict | None = None
        match name:
            case "exit" | "return":
                status = arguments[0] if arguments else "0"
                fails = status.isdigit() and int(status) % 256 != 0
                verdict = Verdict(fails=fails, exits=fails and name == "exit", leaves=not fails)
            case "false":
                verdict = Verdict(fails=True)
            case "trap" | "alias":
                verdict = masked(f"it sets a {name}")
            case "." | "source":
                known = arguments[:1] and arguments[0].endswith("bin/activate")
                verdict = Verdict() if known else masked("it reads another script into itself")
            case "export":
                steering = next((text.split("=", 1)[0] for text in arguments if steers(text.split("=", 1)[0])), "")
                verdict = masked(f"it sets {steering}") if steering else None
            case "eval":
                verdict = masked("it runs text that is put together while it runs")
                verdict = self.line(" ".join(arguments), shell, depth + 1) if fixed else verdict
        shell.take(name, arguments, fixed)
        return verdict

    def _meaning(self, meaning: Meaning, shell: ShellState, depth: int) -> Verdict:
        match meaning:
            case Line():
                return self.line(meaning.text, ShellState(shell.folder, meaning.errexit, meaning.pipefail), depth + 1)
            case Several():
                verdicts = [self._meaning(part, shell, depth + 1) for part in meaning.parts]
                why = next((verdict.masked for verdict in verdicts if verdict.masked), "")
                return Verdict(any(verdict.checks for verdict in verdicts), why, stops=True)
            case Scripts():
                return self._scripts(meaning, shell, depth)
            case Program():
                return self._program(meaning, shell, depth)
            case Recipe():
                return self._recipe(meaning, shell, depth)
        return masked(meaning.why)

    def _program(self, program: Program, shell: ShellState, depth: int) -> Verdict:
        if program.shell_file:
            inside = shell.folder is not None and not program.shell_file.startswith(("/", "~"))
            text = self._source.read(moved(shell.folder or "", [program.shell_file])) if inside else None
            if text is not None and is_for_shell(text, program.shell_file):
                return self.line(text, ShellState(shell.folder, program.errexit or runs_with_errexit(text)), depth + 1)
            if text is None and program.must_be_read:
                return masked(f"`{program.shell_file}` is not looked into")
        # What the team itself states may be as plain as a `test`; in a script, which an agent could have written, it is no check.
        plain = self._stated and depth == 0 and program.name in TESTS_BY_STATUS
        if program.name in CHECKS_NOTHING and not plain and not program.shell_file:
            return _find_runs(program) or Verdict()
        if why := UNCLEAR.get(program.name, ""):
            return masked(f"`{program.name}`: {why}")
        checks, why = options_hide(program.name, program.arguments)
        if checks and not why and SAME_AS.get(program.name, program.name) == "tsc" and shell.folder is not None:
            why = looks_at_nothing(program.arguments, shell.folder, self._source.read)
        return Verdict(checks, why, stops=True)

    def _recipe(self, wanted: Recipe, shell: ShellState, depth: int) -> Verdict:
        if shell.folder is None:
            return masked("the Makefile is known only while it runs")
        folder = moved(shell.folder, [wanted.folder])
        names = (wanted.file,) if wanted.file else NAMES
        text = next((text for name in names if (text := self._source.read(moved(folder, [name]))) is not None), None)
        if text is None:
            return masked("its Makefile is not looked into")
        try:
            makefile = read_makefile(text)
        except NotUnderstood as error:
            return masked(str(error))
        verdicts = [self._target(makefile, target, folder, depth) for target in wanted.targets or (makefile.first,)]
        why = next((verdict.masked for verdict in verdicts if verdict.masked), "")
        return Verdict(any(verdict.checks for verdict in verdicts), why, stops=True)

    def _target(self, makefile: Makefile, target: str, folder: str, depth: int) -> Verdict:
        if target not in makefile.lines:
            return masked(f"its Makefile has no target `{target}`")
        if (folder, f"make {target}") in self._open:
            return masked(f"the target `{target}` needs itself")
        self._open.append((folder, f"make {target}"))
        needed = [name for name in makefile.needs[target] if name in makefile.lines]
        verdicts = [self._target(makefile, name, folder, depth + 1) for name in needed]
        for line in makefile.lines[target]:
            verdict = self.line(line.lstrip("@+- \t"), ShellState(folder), depth + 1)
            if verdict.checks and "-" in line[: len(line) - len(line.lstrip("@+- \t"))]:
                verdict = replace(verdict, masked=verdict.masked or "`make` goes on where it fails")
            verdicts.append(verdict)
        self._open.pop()
        why = next((verdict.masked for verdict in verdicts if verdict.masked), "")
        return Verdict(any(verdict.checks for verdict in verdicts), why)

    def _scripts(self, wanted: Scripts, shell: ShellState, depth: int) -> Verdict:
        if shell.folder is None:
            return masked("the package whose scripts it runs is known only while it runs")
        folders = self._source.folders(shell.folder, wanted.where)
        if not folders and (wanted.where or not wanted.else_program):
            other = "it runs scripts of other packages that are not looked into"
            return masked(other if wanted.where else "there is no package.json to look its scripts up in")
        found = [self._script(folder, name, wanted, depth) for folder in folders for name in self._source.names(folder, wanted.name)]
        if not found:
            if wanted.else_program and wanted.where != "*":
                return self._program(Program(wanted.name, tuple(wanted.arguments)), shell, depth)
            return Verdict() if wanted.if_present else masked(f"there is no script `{wanted.name}`")
        why = next((verdict.masked for verdict in found if verdict.masked), "")
        return Verdict(any(verdict.checks for verdict in found), why, stops=True)

    def _script(self, folder: str, name: str, wanted: Scripts, depth: int) -> Verdict:
        if (folder, name) in self._open:
            return masked(f"the script `{name}` calls itself")
        if self._source.other_shell(folder):
            return masked("a setting of the package manager names another shell for scripts")
        self._open.append((folder, name))
        try:
            main = self.line(wanted.with_arguments(self._source.script(folder, name) or ""), ShellState(folder), depth + 1)
            if main.checks:
                return main
            around = [self._source.script(folder, side + name) for side in ("pre", "post")]
            verdicts = [self.line(text, ShellState(folder), depth + 1) for text in around if text]
            return next((verdict for verdict in verdicts if verdict.checks), main)
        finally:
            self._open.pop()


def _find_runs(program: Program) -> Verdict | None:
    hidden = program.name == "find" and any(text.startswith("-exec") or text.startswith("-ok") for text in program.arguments)
    return masked("`find` does not hand on the exit status of what it runs") if hidden else None
