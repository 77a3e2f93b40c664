// Starts the Aigentflow language server for this window and stops it again; everything else is standard LSP.
import { randomUUID } from "node:crypto";
import { commands, type ExtensionContext, Uri, window, workspace } from "vscode";
import { LanguageClient, type Middleware, RevealOutputChannelOn } from "vscode-languageclient/node";

let client: LanguageClient | undefined;
let settings: string[] = [];
let restarts: Promise<void> = Promise.resolve();

export async function activate(context: ExtensionContext): Promise<void> {
  settings = Object.keys(context.extension.packageJSON.contributes.configuration.properties);
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
      middleware,
      initializationOptions: { workspaceTrusted: workspace.isTrusted, workspaceTrustToken: trustToken },
      revealOutputChannelOn: RevealOutputChannelOn.Never,
    },
  );
}

const middleware: Middleware = {
  workspace: {
    configuration: (params) => params.items.map((item) => (item.section === "aigentflow" ? written(item.scopeUri) : null)),
    // The new values are not pushed: the server asks for them, and then gets what `written` finds.
    didChangeConfiguration: async () => client?.sendNotification("workspace/didChangeConfiguration", { settings: null }),
  },
};

/** What somebody wrote down. Defaults stay with the server, where the person's own configuration may have changed them. */
function written(scope: string | undefined): Record<string, unknown> {
  const configuration = workspace.getConfiguration(undefined, scope === undefined ? undefined : Uri.parse(scope));
  const values = settings.map((name): [string, unknown] => {
    const found = configuration.inspect(name);
    return [name.slice("aigentflow.".length), found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue];
  });
  return Object.fromEntries(values.filter(([name, value]) => value !== undefined && !name.startsWith("server.")));
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
