// A stand-in for the Python extension: the part of its API that ours uses, one test that has failed, with the
// diagnostic that a linter of that extension's family might show on the same line.
const vscode = require('vscode');

exports.activate = (context) => {
  const file = vscode.Uri.joinPath(vscode.workspace.workspaceFolders[0].uri, 'tests/test_basket.py');
  const chosen = () => vscode.workspace.getConfiguration('python').get('defaultInterpreterPath');
  const python = chosen();
  const changed = new vscode.EventEmitter();
  vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration('python') && changed.fire());
  const item = vscode.window.createStatusBarItem('stand-in', vscode.StatusBarAlignment.Right);
  item.text = `stand-in ${python}`;
  item.show();
  const diagnostics = vscode.languages.createDiagnosticCollection('stand-in');
  const line = new vscode.Range(4, 4, 4, 32);
  diagnostics.set(file, [new vscode.Diagnostic(line, 'stand-in: test failed', vscode.DiagnosticSeverity.Error)]);
  const controller = vscode.tests.createTestController('python-tests', 'Python Tests');
  const test = controller.createTestItem('tests/test_basket.py::test_empty_basket_costs_nothing', 'test_empty_basket_costs_nothing', file);
  test.range = line;
  controller.items.add(test);
  const run = controller.createTestRun(new vscode.TestRunRequest([test]));
  const message = new vscode.TestMessage("NameError: name 'subtotl' is not defined");
  message.location = new vscode.Location(file, line);
  run.failed(test, message);
  run.end();
  context.subscriptions.push(item, diagnostics, controller);
  return {
    environments: {
      getActiveEnvironmentPath: () => ({ id: chosen(), path: chosen() }),
      onDidChangeActiveEnvironmentPath: changed.event,
    },
  };
};
