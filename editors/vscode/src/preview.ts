// A fix in the refactor preview, where each change is seen and can be left out before anything is written.
import * as vscode from 'vscode';
import type { FindingNode } from './findings.js';

/** Shows what the fix of a finding would change. The edit is the server's, made for the text as it is now. */
export async function previewFix(node?: FindingNode): Promise<void> {
  if (!node) return;
  const { finding, root } = node;
  const titles = finding.fixes.filter((fix) => fix.kind === 'edit').map((fix) => fix.title);
  const places = [{ file: finding.affected_file, line: finding.affected_line }, ...finding.failures];
  for (const { file, line } of places) {
    if (!file || !line || file.startsWith('/') || file.split('/').includes('..')) continue;
    const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(root, file));
    const range = document.lineAt(Math.min(line, document.lineCount) - 1).range;
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      document.uri,
      range,
      vscode.CodeActionKind.QuickFix.value,
      20,
    );
    const action = actions.find((a) => a.edit && titles.some((title) => a.title.startsWith(title)));
    if (!action?.edit) continue;
    const edit = new vscode.WorkspaceEdit();
    const metadata = { label: action.title, description: finding.root_cause, needsConfirmation: true };
    for (const [uri, changes] of action.edit.entries()) {
      for (const change of changes) edit.replace(uri, change.range, change.newText, metadata);
    }
    await vscode.workspace.applyEdit(edit, { isRefactoring: true });
    return;
  }
  void vscode.window.showInformationMessage('Failscope: the code has changed since the run; run the tests again for a fix that fits.');
}
