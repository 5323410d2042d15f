// Links from diagnostics and hovers into the extension. What the server writes stays untrusted; only these few commands
// of our own can be followed.
import * as vscode from 'vscode';

/** How the server writes the link of a diagnostic's code. */
export const FINDING_LINK = 'command:failscope.showFinding?%5B%22{fingerprint}%22%5D';

const COMMANDS = ['failscope.showFinding', 'failscope.copyFinding', 'failscope.showReport'];

/** What can be done from a hover. */
export function links(document: vscode.TextDocument, position: vscode.Position): vscode.MarkdownString {
  const here = vscode.languages.getDiagnostics(document.uri).find(({ source, range }) => source === 'failscope' && range.start.line <= position.line && position.line <= range.end.line);
  const code = here?.code;
  // The link is FINDING_LINK with the fingerprint in it: its arguments are those of the other commands as well.
  const query = typeof code === 'object' ? /^\["[0-9a-f]+"\]$/.exec(code.target.query)?.[0] : undefined;
  const argument = query ? `?${encodeURIComponent(query)}` : '';
  const text = new vscode.MarkdownString(
    [
      `[Show the finding](command:failscope.showFinding${argument})`,
      `[Copy for an assistant](command:failscope.copyFinding${argument})`,
      '[Open the report](command:failscope.showReport)',
    ].join(' · '),
  );
  text.isTrusted = { enabledCommands: COMMANDS };
  return text;
}
