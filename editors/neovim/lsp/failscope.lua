---@brief
---
--- Failscope shows the root cause of pytest failures: diagnostics on the failing line and on the line that
--- caused it, hovers with the evidence, code actions that mend it.
---
--- The `failscope` binary comes with `pip install failscope`. Results that pytest writes are found by
--- themselves; settings are the keys of `[tool.failscope]`.

---@type vim.lsp.Config
return {
  cmd = { 'failscope', 'lsp' },
  filetypes = { 'python' },
  root_markers = { 'pyproject.toml', 'pytest.ini', 'tox.ini', 'setup.cfg', 'setup.py', '.git' },
  settings = { failscope = {} },
}
