// Starts the Aigentflow language server for this window and stops it again; everything else is standard LSP.
import { randomUUID } from "node:crypto";
import { commands, type ExtensionContext, window, workspace } from "vscode";
import { LanguageClient, RevealOutputChannelOn } from "vscode-languageclient/node";

let client: LanguageClient | undefined;
let restarts: Promise<void> = Promise.resolve();

export async function activate(context: ExtensionContext): Promise<void> {
  context.subscriptions.push(
    commands.registerCommand("aigentflow.restartServer", restart),
    workspace.onDidGrantWorkspaceTrust(restart),
    workspace.onDidChangeConfiguration((event) => (event.affectsConfiguration("aigentflow.server") ? restart() : undefined)),
  );
  await restart();
}

export function deactivate(): Promise<void> {
  return restarts.then(stop);
}

/** Restarts are queued, so that two of them never leave two servers. */
function restart(): Promise<void> {
  restarts = restarts.then(async () => {
    await stop();
    client = createClient();
    await client.start().catch(explain);
  });
  return restarts;
}

async function stop(): Promise<void> {
  // A client whose start failed has nothing to stop, and says so by throwing.
  if (client?.isRunning()) {
    await client.dispose();
  }
}

function createClient(): LanguageClient {
  const [command = "aigentflow", ...args] = workspace.getConfiguration("aigentflow.server").get<string[]>("command", []);
  // A workspace file can set initialization options of other clients, but not the environment: the token proves who says "trusted".
  const trustToken = randomUUID();
  return new LanguageClient(
    "aigentflow",
    "Aigentflow",
    { command, args, options: { env: { ...process.env, AIGENTFLOW_TRUST_TOKEN: trustToken } } },
    {
      documentSelector: [{ scheme: "file" }],
      synchronize: { configurationSection: "aigentflow" },
      initializationOptions: { workspaceTrusted: workspace.isTrusted, trustToken },
      revealOutputChannelOn: RevealOutputChannelOn.Never,
    },
  );
}

async function explain(error: unknown): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  const open = "Open Settings";
  const chosen = await window.showErrorMessage(
    `The Aigentflow server did not start: ${reason} Install it with "pip install aigentflow-language-server", or name its command in the settings.`,
    open,
  );
  if (chosen === open) {
    await commands.executeCommand("workbench.action.openSettings", "aigentflow.server.command");
  }
}
