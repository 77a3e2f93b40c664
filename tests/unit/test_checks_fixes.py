"""Repairs that need no model, as text before and after."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aigentflow.checks.engine import check_file
from aigentflow.checks.fixes import apply, fix, fix_file, fix_title
from aigentflow.checks.wording import code_of, summary_of

MANIFEST = '{"name": "api", "dependencies": {"@nestjs/common": "11", "@nestjs/swagger": "11"}}'
ERROR = """\
export class DomainError extends Error {
  constructor(message: string, readonly code: string, readonly context = {}) {
    super(message);
  }
}
"""


class Files:
    def __init__(self, files: dict[str, str]) -> None:
        self.files = {"package.json": MANIFEST, **files}

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def paths(self, under: str) -> Iterator[str]:
        return iter(sorted(self.files))


def mended(path: str, text: str, **files: str) -> str:
    others = {name.replace("__", "/") + ".ts": content for name, content in files.items()}
    return fix_file(path, text, ("typed-domain-errors", "openapi-decorators"), Files({**others, path: text}))[0]


def test_a_bare_error_becomes_the_domain_error() -> None:
    text = "import { A } from './a';\n\nexport const f = () => {\n  throw new Error('Order not found');\n};\n"

    assert mended("src/orders/f.ts", text, src__shared__errors=ERROR) == (
        "import { A } from './a';\nimport { DomainError } from '../shared/errors';\n\n"
        "export const f = () => {\n  throw new DomainError('Order not found', 'ORDER_NOT_FOUND');\n};\n"
    )


def test_existing_imports_are_extended_in_their_own_style() -> None:
    text = 'import {\n  Conflict,\n  type Kind,\n} from "./errors.js"\n\nexport const f = () => {\n  throw `No order ${1}`\n}\n'

    assert mended("src/f.ts", text, src__errors=ERROR) == (
        'import {\n  Conflict,\n  DomainError,\n  type Kind,\n} from "./errors.js"\n\n'
        'export const f = () => {\n  throw new DomainError(`No order ${1}`, "ORDER_NOT_FOUND")\n}\n'
    )


def test_without_imports_and_with_crlf() -> None:
    text = "#!/usr/bin/env node\r\nexport function f() {\r\n  throw 'too late';\r\n}\r\n"

    assert mended("src/f.ts", text, src__errors=ERROR) == (
        "#!/usr/bin/env node\r\nimport { DomainError } from './errors';\r\n"
        "export function f() {\r\n  throw new DomainError('too late', 'TOO_LATE');\r\n}\r\n"
    )


def test_a_rejected_promise() -> None:
    text = "import { DomainError } from './errors';\nexport const f = () => Promise.reject('gone');\n"

    assert "Promise.reject(new DomainError('gone', 'GONE'))" in mended("src/f.ts", text, src__errors=ERROR)


@pytest.mark.parametrize(
    "error",
    [
        "export class DomainError extends Error {\n  code = 'X';\n  constructor(readonly order: Order) { super(); }\n}\n",
        "export class DomainError extends Error {\n  constructor(message: string, readonly code: ErrorCode) { super(message); }\n}\n",
        "class DomainError extends Error {\n  constructor(message: string, readonly code: string) { super(message); }\n}\n",
        "export abstract class DomainError extends Error {\n  constructor(message: string, readonly code: string) { super(message); }\n}\n",
        "export class DomainError extends Error {}\n",
    ],
)
def test_no_repair_where_the_error_class_needs_more(error: str) -> None:
    text = "export const f = () => { throw new Error('x y'); };\n"

    assert mended("src/f.ts", text, src__errors=error) == text


def test_no_repair_where_the_name_is_a_type_or_the_message_is_unknown() -> None:
    typed = "import type { DomainError } from './errors';\nexport const f = () => { throw new Error('x y'); };\n"
    variable = "export const f = (message: string) => { throw new Error(message); };\n"

    assert mended("src/f.ts", typed, src__errors=ERROR) == typed
    assert mended("src/f.ts", variable, src__errors=ERROR) == variable


def test_a_repair_does_not_fit_a_text_that_has_moved_on() -> None:
    text = "export const f = () => { throw new Error('x y'); };\n"
    view = Files({"src/f.ts": text, "src/errors.ts": ERROR})
    (finding,) = check_file("src/f.ts", text, ("typed-domain-errors",), view)

    repair = fix(finding, text)

    assert repair is not None and repair.title == fix_title(finding) == "Throw DomainError with code X_Y"
    assert "DomainError('x y', 'X_Y')" in apply(text, repair)
    assert fix(finding, "// new line\n" + text) is None
    assert fix(finding, "") is None


CONTROLLER = """\
import { Controller, Delete, Get, HttpCode, HttpStatus, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { OrderDto } from './order.dto';

@ApiTags('orders')
@Controller('orders')
export class OrdersController {
  @Get()
  async findAll(): Promise<OrderDto[]> {
    return [];
  }

  @Post() create(): OrderDto { return new OrderDto(); }

  @Delete(':id')
  @HttpCode(HttpStatus.NO_CONTENT)
  async remove(): Promise<void> {}
}
"""


def test_decorators_are_added_where_they_are_missing() -> None:
    assert mended("src/orders.controller.ts", CONTROLLER, src__order__dto="export class OrderDto {}\n") == (
        CONTROLLER.replace("{ ApiTags }", "{ ApiOperation, ApiResponse, ApiTags }")
        .replace(
            "  @Get()\n", "  @Get()\n  @ApiOperation({ summary: 'Find all orders' })\n  @ApiResponse({ status: 200, type: [OrderDto] })\n"
        )
        .replace(
            "@Post() create", "@Post() @ApiOperation({ summary: 'Create order' }) @ApiResponse({ status: 201, type: OrderDto }) create"
        )
        .replace(
            "NO_CONTENT)\n",
            "NO_CONTENT)\n  @ApiOperation({ summary: 'Remove order' })\n  @ApiResponse({ status: 204, description: 'No Content' })\n",
        )
    )


def test_a_type_that_is_no_class_here_is_not_named() -> None:
    text = CONTROLLER.replace("import { OrderDto }", "import type { OrderDto }")

    result = mended("src/orders.controller.ts", text, src__order__dto="export class OrderDto {}\n")

    assert "type: " not in result and "{ status: 200, description: 'OK' }" in result


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Order not found", "ORDER_NOT_FOUND"),
        ("No customer with id  ", "CUSTOMER_NOT_FOUND"),
        ("Could not find the invoice", "INVOICE_NOT_FOUND"),
        ("Order   has left the warehouse", "ORDER_LEFT_WAREHOUSE"),
        ("Lines must share one currency, got  ", "LINES_MUST_SHARE_ONE_CURRENCY"),
        ("E-mail already taken: use another", "E_MAIL_ALREADY_TAKEN"),
        ("can't", "CANT"),
        ("", None),
        ("   ", None),
        ("注文がない", None),
    ],
)
def test_codes_from_messages(message: str, code: str | None) -> None:
    assert code_of(message) == code


@pytest.mark.parametrize(
    ("method", "controller", "summary"),
    [
        ("findAll", "OrdersController", "Find all orders"),
        ("findOne", "OrdersController", "Find one order"),
        ("reopen", "OrdersController", "Reopen order"),
        ("recentOrders", "OrdersController", "Recent orders"),
        ("createOrderForCustomer", "OrdersController", "Create order for customer"),
        ("list", "CategoriesController", "List categories"),
        ("create", "CategoriesController", "Create category"),
        ("getURL", "AppController", "Get url app"),
    ],
)
def test_summaries_from_names(method: str, controller: str, summary: str) -> None:
    assert summary_of(method, controller) == summary
