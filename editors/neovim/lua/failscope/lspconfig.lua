--- The server in the shape that nvim-lspconfig takes on Neovim before 0.11:
---   require('lspconfig.configs').failscope = require('failscope.lspconfig')
---   require('lspconfig').failscope.setup({})
--- The values are those of lsp/failscope.lua, so that there is one place for them.
local here = debug.getinfo(1, 'S').source:sub(2)
local base = dofile(vim.fn.fnamemodify(here, ':h:h:h') .. '/lsp/failscope.lua')

local uv = vim.uv or vim.loop

--- The nearest folder above `path` that holds one of the root markers.
local function root_of(path)
  local folder = vim.fn.fnamemodify(path, ':p:h')
  while true do
    for _, marker in ipairs(base.root_markers) do
      if uv.fs_stat(folder .. '/' .. marker) then
        return folder
      end
    end
    local above = vim.fn.fnamemodify(folder, ':h')
    if above == folder then
      return nil
    end
    folder = above
  end
end

return {
  default_config = {
    cmd = base.cmd,
    filetypes = base.filetypes,
    root_dir = root_of,
    single_file_support = true,
    settings = base.settings,
  },
  docs = {
    description = 'Root causes of pytest failures: https://pypi.org/project/failscope',
    default_config = { root_dir = 'the nearest folder with a pyproject.toml, pytest.ini, tox.ini, setup.cfg, setup.py or .git' },
  },
}
