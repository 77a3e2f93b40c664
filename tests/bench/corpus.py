"""Generated TypeScript in the manner of a NestJS application: any number of lines, the same text for the same seed.

Shapes (schemas, tables, errors, services, controllers, functions) and their faults are drawn at random; no measure depends on which come.
"""

import json
import os
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

SIZES = (200, 1_000, 5_000)
NOUNS = [
    "account",
    "batch",
    "carrier",
    "coupon",
    "delivery",
    "device",
    "facility",
    "invoice",
    "ledger",
    "locker",
    "parcel",
    "payout",
    "permit",
    "zone",
]
FIELDS = (
    "amount: z.number().int().min(0)",
    "label: z.string().min(1).max(80)",
    "active: z.boolean()",
    "ownerId: z.string().uuid()",
    "note: z.string().optional()",
)
IMPORTS = """import { Body, Controller, Delete, Get, Injectable, Param, ParseUUIDPipe, Post, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { eq } from 'drizzle-orm';
import { z } from 'zod';
"""
PLAIN_ERROR = """@Injectable()
export class LastService {
  constructor(private readonly db: Database) {}

  async last(id: string): Promise<Row> {
    const [row] = await this.db.select().from(rows).where(eq(rows.id, id));
    if (!row) {
      throw new Error(`row ${id} does not exist`);
    }
    return row;
  }
}
"""
"""Ends every file: the edits of the benchmark switch the finding of this error off and on again."""
FAULTS = 0.15
"""Share of the places where a rule could be kept and is not."""


def typescript(lines: int, seed: int) -> str:
    """A module of about `lines` lines, cut at a declaration and filled up with constants."""
    draw = random.Random(seed)
    out = IMPORTS.split("\n")
    number = 0
    while True:
        number += 1
        name = f"{draw.choice(NOUNS).capitalize()}{number}"
        declaration = draw.choice(SHAPES)(name, draw)
        if len(out) + len(declaration) + PLAIN_ERROR.count("\n") + 2 > lines:
            break
        out += [*declaration, ""]
    out += PLAIN_ERROR.split("\n")
    out += [f"export const limit{count} = {draw.randrange(1000)};" for count in range(lines - len(out) - 1)]
    return "\n".join(out) + "\n"


def _schema(name: str, draw: random.Random) -> list[str]:
    fields = draw.sample(FIELDS, k=3)
    return [
        f"export const {name}Schema = z.object({{",
        *(f"  {field}," for field in fields),
        "});",
        f"export type {name}Input = z.infer<typeof {name}Schema>;",
    ]


def _table(name: str, draw: random.Random) -> list[str]:
    tenant = [] if draw.random() < FAULTS else ["  tenantId: uuid('tenant_id').notNull(),"]
    return [
        f"export const {name.lower()}s = pgTable('{name.lower()}s', {{",
        "  id: uuid('id').primaryKey(),",
        *tenant,
        "  label: text('label').notNull(),",
        "});",
    ]


def _error(name: str, draw: random.Random) -> list[str]:
    code = draw.randrange(100, 999)
    return [
        f"export class {name}MissingError extends DomainError {{",
        f"  readonly code = 'E{code}';",
        "  constructor(readonly id: string) {",
        "    super(`no such record: ${id}`);",
        "  }",
        "}",
    ]


def _function(name: str, draw: random.Random) -> list[str]:
    body = [
        f"  const step{i} = rows.filter((row) => row.amount > {draw.randrange(500)}).map((row) => ({{ ...row, step: {i} }}));"
        for i in range(draw.randrange(2, 9))
    ]
    return [
        f"/** Sums up what {name} owes, in the smallest unit of its currency. */",
        f"export function total{name}(rows: Row[]): number {{",
        *body,
        "  return rows.reduce((sum, row) => sum + row.amount, 0);",
        "}",
    ]


def _service(name: str, draw: random.Random) -> list[str]:
    out = [
        "@Injectable()",
        f"export class {name}Service {{",
        "  constructor(private readonly db: Database, private readonly events: EventEmitter2) {}",
        "",
    ]
    for verb in draw.sample(("create", "find", "close", "archive", "rename"), k=3):
        failure = f"Error('{verb} failed')" if draw.random() < FAULTS else f"{name}MissingError(id)"
        event = [] if draw.random() < FAULTS else [f"    this.events.emit('{name.lower()}.{verb}d', {{ id, tenantId }});"]
        out += [
            f"  async {verb}(tenantId: string, id: string, input: {name}Input): Promise<Row> {{",
            f"    const [row] = await this.db.select().from({name.lower()}s).where(eq({name.lower()}s.id, id));",
            "    if (!row) {",
            f"      throw new {failure};",
            "    }",
            *event,
            "    return { ...row, ...input };",
            "  }",
            "",
        ]
    return [*out, "}"]


def _controller(name: str, draw: random.Random) -> list[str]:
    out = [
        f"@ApiTags('{name.lower()}')",
        f"@Controller('{name.lower()}s')",
        *([] if draw.random() < FAULTS else ["@UseGuards(JwtAuthGuard)"]),
    ]
    out += [f"export class {name}Controller {{", f"  constructor(private readonly service: {name}Service) {{}}", ""]
    for decorator, verb, parameter in draw.sample(ROUTES, k=3):
        described = (
            [] if draw.random() < FAULTS else [f"  @ApiOperation({{ summary: '{verb} one {name}' }})", "  @ApiResponse({ status: 200 })"]
        )
        pipe = "" if draw.random() < FAULTS else f"new ZodValidationPipe({name}Schema)"
        out += [
            f"  @{decorator}",
            *described,
            f"  async {verb}({parameter.format(pipe=pipe, name=name)}) {{",
            f"    return this.service.{verb}(user.tenantId, id, body);",
            "  }",
            "",
        ]
    return [*out, "}"]


ROUTES = (
    ("Post()", "create", "@Body({pipe}) body: {name}Input"),
    ("Get(':id')", "find", "@Param('id', ParseUUIDPipe) id: string"),
    ("Delete(':id')", "close", "@Param('id', ParseUUIDPipe) id: string"),
    ("Post(':id/archive')", "archive", "@Param('id', ParseUUIDPipe) id: string, @Body({pipe}) body: {name}Input"),
)
SHAPES: tuple[Callable[[str, random.Random], list[str]], ...] = (_schema, _table, _error, _function, _service, _controller)


def unit_tests(text: str, module: str, draw: random.Random) -> str:
    """Tests that call most methods of the services of a module."""
    services = re.findall(r"^export class (\w+)Service \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    imported = ", ".join(f"{name}Service" for name, _ in services)
    out = ["import { describe, it } from 'vitest';", f"import {{ {imported} }} from './{module}';", ""]
    for name, body in services:
        methods = [method for method in re.findall(r"^  async (\w+)\(", body, re.MULTILINE) if draw.random() >= FAULTS]
        cases = [f"  it('can {method}', async () => {{ await {name.lower()}.{method}('tenant', 'id', input); }});" for method in methods]
        out += [f"describe('{name}Service', () => {{", f"  const {name.lower()} = new {name}Service(db, events);", *cases, "});", ""]
    return "\n".join(out)


def http_tests(text: str, draw: random.Random) -> str:
    """Tests that request most routes of the controllers of a module."""
    out = ["import { describe, it } from 'vitest';", "import request from 'supertest';", ""]
    for name, body in re.findall(r"^export class (\w+)Controller \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        out.append(f"describe('{name.lower()}s', () => {{")
        for verb, path in re.findall(r"^  @(Post|Get|Delete)\((?:'(.*?)')?\)", body, re.MULTILINE):
            target = f"/{name.lower()}s/{path.replace(':id', '1')}".rstrip("/")
            if draw.random() >= FAULTS:
                out.append(f"  it('{verb} {path}', async () => {{ await request(app.getHttpServer()).{verb.lower()}('{target}'); }});")
        out += ["});", ""]
    return "\n".join(out)


def write_workspace(root: Path, *, seed: int) -> dict[int, list[Path]]:
    """Fill `root` with a small application; per size, the files of that size (more of the small ones)."""
    manifest = {
        "name": "bench",
        "private": True,
        "dependencies": {"@nestjs/common": "11", "@nestjs/swagger": "11", "drizzle-orm": "1", "zod": "4"},
    }
    (root / "package.json").write_text(json.dumps(manifest), "utf-8")
    source = root / "apps" / "api" / "src"
    source.mkdir(parents=True)
    files: dict[int, list[Path]] = {}
    for size, count in zip(SIZES, (60, 8, 4), strict=True):
        for number in range(count):
            path = source / f"lines-{size}-{number}.service.ts"
            text = typescript(size, seed + size + number)
            path.write_text(text, "utf-8")
            path.with_suffix(".spec.ts").write_text(unit_tests(text, path.stem, random.Random(number)), "utf-8")
            path.with_suffix(".e2e-spec.ts").write_text(http_tests(text, random.Random(number)), "utf-8")
            files.setdefault(size, []).append(path)
    _commit(root)
    return files


def _commit(root: Path) -> None:
    """People work in repositories, and a run tells the model about git."""
    person = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for words in (["init", "-q"], ["add", "-A"], [*person, "commit", "-qm", "Begin"]):
        subprocess.run(["git", *words], cwd=root, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull})
