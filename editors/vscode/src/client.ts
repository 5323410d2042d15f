// The one language client and the one way to start, stop and restart it.
import * as vscode from 'vscode';
import { LanguageClient, type LanguageClientOptions, type ServerOptions } from 'vscode-languageclient/node';
import { findBinary, NoBinary } from './binary.js';
import { settings } from './config.js';
import { FINDING_LINK, links } from './links.js';
import { inBrowser } from './report.js';

/** Where the client stands. */
export type State = 'stopped' | 'starting' | 'running' | 'failed';

/** Owns the language client. */
export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private turn: Promise<void> = Promise.resolve();
  private readonly stateChanged = new vscode.EventEmitter<State>();
  private readonly findingsChanged = new vscode.EventEmitter<void>();
  readonly onState = this.stateChanged.event;
  readonly onFindings = this.findingsChanged.event;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly output: vscode.LogOutputChannel,
  ) {}

  /** Stops what runs and starts anew. Calls queue up, so two restarts never overlap. */
  restart(): Promise<void> {
    this.turn = this.turn.then(async () => {
      await this.stop();
      await this.start();
    });
    return this.turn;
  }

  /** Asks the server to execute one of its commands. */
  async execute<T>(command: string, ...args: unknown[]): Promise<T | undefined> {
    return this.client?.sendRequest<T>('workspace/executeCommand', { command, arguments: args });
  }

  /** Has the server ask for the settings of each folder. */
  async sendSettings(): Promise<void> {
    await this.client?.sendNotification('workspace/didChangeConfiguration', { settings: null });
  }

  private async start(): Promise<void> {
    this.stateChanged.fire('starting');
    try {
      const binary = await findBinary(this.context);
      this.output.info(`using ${binary.command} ${binary.version} (${binary.origin})`);
      const server: ServerOptions = { command: binary.command, args: ['lsp'] };
      const options: LanguageClientOptions = {
        documentSelector: [
          { scheme: 'file', language: 'python' },
          { scheme: 'file', language: 'toml', pattern: '**/pyproject.toml' },
        ],
        outputChannel: this.output,
        traceOutputChannel: this.output,
        initializationOptions: { ...(await settings()), restricted: !vscode.workspace.isTrusted, findingLink: FINDING_LINK },
        markdown: { isTrusted: false, supportHtml: false },
        middleware: {
          provideHover: async (document, position, token, next) => {
            const hover = await next(document, position, token);
            return hover && new vscode.Hover([...hover.contents, links(document, position)], hover.range);
          },
          window: {
            // What the server wants shown in the browser lies where the server runs.
            showDocument: async (params, token, next) => {
              if (!params.external) return next(params, token);
              return { success: await inBrowser(vscode.Uri.parse(params.uri)) };
            },
          },
          workspace: {
            // The client's own way sends every default too, which would outweigh `[tool.failscope]`.
            didChangeConfiguration: () => this.sendSettings(),
            configuration: async (params) =>
              Promise.all(
                params.items.map((item) => settings(item.scopeUri ? vscode.Uri.parse(item.scopeUri) : undefined)),
              ),
          },
        },
      };
      const client = new LanguageClient('failscope', 'Failscope', server, options);
      client.registerFeature({
        fillClientCapabilities: (capabilities) => {
          capabilities.experimental = { ...(capabilities.experimental as object), failscopeFindingsChanged: true };
        },
        initialize: () => {},
        getState: () => ({ kind: 'static' }),
        clear: () => {},
      });
      client.onNotification('failscope/findingsChanged', () => this.findingsChanged.fire());
      this.client = client;
      await client.start();
      await vscode.commands.executeCommand('setContext', 'failscope.running', true);
      this.stateChanged.fire('running');
      this.findingsChanged.fire();
    } catch (error) {
      this.client = undefined;
      this.stateChanged.fire('failed');
      this.complain(error);
    }
  }

  private async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await vscode.commands.executeCommand('setContext', 'failscope.running', false);
    await client?.dispose();
    this.stateChanged.fire('stopped');
  }

  /** Says what is wrong and offers what mends it; never awaited, since a message may stay open for hours. */
  private complain(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.output.error(text);
    const buttons = error instanceof NoBinary ? ['Open Settings', 'How to Install'] : ['Show Output', 'Restart'];
    void vscode.window.showErrorMessage(`Failscope: ${text}`, ...buttons).then((choice) => {
      if (choice === 'Open Settings') {
        void vscode.commands.executeCommand('workbench.action.openSettings', 'failscope.path');
      } else if (choice === 'How to Install') {
        void vscode.commands.executeCommand('workbench.action.openWalkthrough', 'failscope.failscope#start');
      } else if (choice === 'Show Output') this.output.show();
      else if (choice === 'Restart') void this.restart();
    });
  }

  dispose(): void {
    void this.client?.dispose();
    this.stateChanged.dispose();
    this.findingsChanged.dispose();
  }
}
