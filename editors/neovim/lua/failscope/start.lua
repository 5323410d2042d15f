--- Starting the server, on every Neovim from 0.7 on.
local M = {}

local function on_filetype(config, callback)
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('failscope-start', { clear = true }),
    pattern = config.filetypes,
    callback = callback,
  })
  -- Buffers that were there before.
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.tbl_contains(config.filetypes, vim.bo[buffer].filetype) then
      callback({ buf = buffer })
    end
  end
end

--- Before 0.8 there is no `vim.lsp.start`: one client for each root is kept here.
local function attach_old(config, clients, buffer)
  local key = config.root_dir or 'single file'
  if not clients[key] then
    config.on_exit = function()
      clients[key] = nil
    end
    clients[key] = vim.lsp.start_client(config)
  end
  if clients[key] then
    vim.lsp.buf_attach_client(buffer, clients[key])
  end
end

--- Starts the server with `overrides` wherever a Python file is opened.
function M.enable(overrides)
  if vim.lsp.config and vim.lsp.enable then
    vim.lsp.config('failscope', overrides)
    vim.lsp.enable('failscope')
    return
  end
  local default = require('failscope.lspconfig').default_config
  local clients = {}
  on_filetype(default, function(event)
    local path = vim.api.nvim_buf_get_name(event.buf)
    if vim.bo[event.buf].buftype ~= '' or path == '' then
      return
    end
    local config = vim.tbl_deep_extend('force', default, overrides)
    config.name = 'failscope'
    config.root_dir = default.root_dir(path)
    if config.root_dir then
      local name = vim.fn.fnamemodify(config.root_dir, ':t')
      config.workspace_folders = { { uri = vim.uri_from_fname(config.root_dir), name = name } }
    end
    if vim.lsp.start then
      vim.lsp.start(config, { bufnr = event.buf })
    else
      attach_old(config, clients, event.buf)
    end
  end)
end

return M
