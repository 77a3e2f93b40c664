"""The command line: arguments and dispatch. A subcommand's module is imported when it is called, so that the others cost nothing."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TypeAlias

from aigentflow import __version__
from aigentflow.errors import AigentflowError, ConfigurationError

DEBUG = "AIGENTFLOW_DEBUG"
FINE, NO, WRONG = 0, 1, 2
"""Exit codes: fine; the answer is no; wrong use, configuration, no key, no boundary, no trust, or a bug of ours."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _dispatch(options)
    except AigentflowError as error:
        _say(str(error))
        return WRONG if isinstance(error, ConfigurationError) else NO
    except KeyboardInterrupt:
        _say("stopped")
        return NO
    except BrokenPipeError:
        # Whoever read our output has enough; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except Exception as error:  # noqa: BLE001 - the outermost edge: a person gets a sentence, not a traceback
        _say(f"unexpected {type(error).__name__}: {error}. Run it again with {DEBUG}=1 to see where, and report it.")
        return WRONG


def _dispatch(options: argparse.Namespace) -> int:
    module = importlib.import_module(f"aigentflow.command_line.{options.command}")
    code: int = module.main(options)
    sys.stdout.flush()
    return code


def _say(message: str) -> None:
    if os.environ.get(DEBUG) and sys.exc_info()[0] is not None:
        import traceback

        traceback.print_exc()
    from aigentflow.redaction import Redactor

    sys.stderr.write(f"aigentflow: {Redactor(os.environ).text(' '.join(message.split()))}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aigentflow",
        description="Agent files made executable: bounded, reviewable edits and checklist gaps, in any editor and on the command line.",
        epilog="Exit codes: 0 fine; 1 the answer is no (gaps, a run that did not finish); 2 wrong use, no key, no boundary, no trust.",
    )
    parser.add_argument("--version", action="version", version=f"aigentflow {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (_add_serve, _add_run, _add_check, _add_agents, _add_trust, _add_journal, _add_doctor, _add_demo):
        add(commands)
    return parser


_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _add_serve(commands: _Commands) -> None:
    serve = commands.add_parser("serve", help="serve an editor over standard input and output")
    serve.add_argument("--stdio", action="store_true", help="the default; accepted because some clients pass it")
    serve.add_argument("--tcp", metavar="HOST:PORT", help="serve one client over TCP instead")


def _add_run(commands: _Commands) -> None:
    run = commands.add_parser("run", help="run an agent on a task and print its proposal")
    run.add_argument("agent", metavar="AGENT")
    run.add_argument("task", metavar="TASK")
    _add_workspace(run)
    run.add_argument("--file", metavar="F", help="the file that the task is about")
    run.add_argument("--range", metavar="A:B", help="its lines A to B, from 1")
    run.add_argument("--allow", metavar="GLOB", action="append", default=[], help="what may be changed, instead of the agent's own list")
    run.add_argument("--deny", metavar="GLOB", action="append", default=[], help="what may not be changed, in addition")
    run.add_argument("--max-turns", metavar="N", type=_positive_int)
    run.add_argument("--max-usd", metavar="X", type=_positive_float)
    run.add_argument("--trust", action="store_true", help="run an agent of this workspace although it is not trusted")
    run.add_argument("--apply", action="store_true", help="write the proposal to the workspace")
    run.add_argument("--format", choices=("text", "json", "patch"), default="text")


def _add_check(commands: _Commands) -> None:
    check = commands.add_parser("check", help="look for checklist gaps")
    check.add_argument("paths", metavar="PATH", nargs="*", help="files or folders; the whole workspace without")
    check.add_argument("--agent", metavar="ID", help="the checklist of this agent; without, of every agent that has one")
    _add_workspace(check)
    check.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text")
    check.add_argument("--fail-on", choices=("error", "warning", "info", "never"), default="warning", help="default: warning")
    check.add_argument("--fix", action="store_true", help="write the repairs that need no model")


def _add_agents(commands: _Commands) -> None:
    agents = commands.add_parser("agents", help="list the agents and what they may do")
    _add_workspace(agents)
    agents.add_argument("--format", choices=("text", "json"), default="text")
    agents.add_argument("--explain", metavar="PATH", help="say who may change this path, and why")


def _add_trust(commands: _Commands) -> None:
    trust = commands.add_parser("trust", help="trust the agents of a workspace, exactly as they are now")
    trust.add_argument("folder", metavar="DIR")
    trust.add_argument("--revoke", action="store_true", help="trust them no longer")


def _add_journal(commands: _Commands) -> None:
    journal = commands.add_parser("journal", help="list past runs, or show one")
    journal.add_argument("action", choices=("list", "show"), nargs="?", default="list")
    journal.add_argument("run", metavar="ID", nargs="?", help="the id of a run, or how it begins")
    journal.add_argument("--format", choices=("text", "json"), default="text")


def _add_doctor(commands: _Commands) -> None:
    doctor = commands.add_parser("doctor", help="say what works here, and what to do about what does not")
    _add_workspace(doctor)
    doctor.add_argument("--format", choices=("text", "json"), default="text")


def _add_demo(commands: _Commands) -> None:
    demo = commands.add_parser("demo", help="show the main job on the bundled sample workspace")
    demo.add_argument("--live", action="store_true", help="ask Claude instead of replaying recorded turns; costs money")


def _add_workspace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workspace", metavar="DIR", default=".", help="default: the current folder")


def _positive_int(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _positive_float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
