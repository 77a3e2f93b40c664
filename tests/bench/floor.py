"""The floor: a pygls server that answers with constants. What it takes is what the protocol library costs, before any work is done."""

from lsprotocol import types as t
from pygls.lsp.server import LanguageServer

server = LanguageServer("floor", "1", text_document_sync_kind=t.TextDocumentSyncKind.Incremental)
PLACE = t.Range(t.Position(0, 0), t.Position(0, 1))


def _publish(uri: str, version: int) -> None:
    found = [t.Diagnostic(PLACE, "constant", severity=t.DiagnosticSeverity.Warning, code="floor", source="floor")]
    server.text_document_publish_diagnostics(t.PublishDiagnosticsParams(uri, found, version))


@server.feature(t.TEXT_DOCUMENT_DID_OPEN)
def opened(params: t.DidOpenTextDocumentParams) -> None:
    """Publish the constant diagnostic."""
    _publish(params.text_document.uri, params.text_document.version)


@server.feature(t.TEXT_DOCUMENT_DID_CHANGE)
def changed(params: t.DidChangeTextDocumentParams) -> None:
    """Publish the constant diagnostic."""
    _publish(params.text_document.uri, params.text_document.version)


@server.feature(t.TEXT_DOCUMENT_CODE_ACTION)
def actions(params: t.CodeActionParams) -> list[t.CodeAction]:
    """Offer a fix and a command."""
    run = t.Command("Run", "floor.run", arguments=[params.text_document.uri])
    return [t.CodeAction("Fix", kind=t.CodeActionKind.QuickFix, diagnostics=params.context.diagnostics), t.CodeAction("Run", command=run)]


@server.feature(t.TEXT_DOCUMENT_CODE_LENS)
def lenses(params: t.CodeLensParams) -> list[t.CodeLens]:
    """Offer one lens."""
    return [t.CodeLens(PLACE, t.Command("Run", "floor.run", arguments=[params.text_document.uri]))]


@server.feature(t.TEXT_DOCUMENT_HOVER)
def hover(_params: t.HoverParams) -> t.Hover:
    """Show a constant."""
    return t.Hover(t.MarkupContent(t.MarkupKind.Markdown, "**constant**"), PLACE)


if __name__ == "__main__":
    server.start_io()
