--- :checkhealth failscope
local M = {}

--- The oldest binary that these files were made for.
local OLDEST = { 0, 1, 0 }

local health = vim.health or require('health')
local start = health.start or health.report_start
local ok = health.ok or health.report_ok
local info = health.info or health.report_info
local warn = health.warn or health.report_warn
local failure = health.error or health.report_error

local function is_too_old(version)
  local parts = vim.tbl_map(tonumber, vim.split(version, '%D+'))
  for i, oldest in ipairs(OLDEST) do
    if not parts[i] or parts[i] < oldest then
      return true
    elseif parts[i] > oldest then
      return false
    end
  end
  return false
end

local function clients()
  local get = vim.lsp.get_clients or vim.lsp.get_active_clients
  return vim.tbl_filter(function(client)
    return client.name == 'failscope'
  end, get())
end

--- The command that starts the server: of a running client, else of the configuration.
local function command()
  local running = clients()[1]
  local cmd = running and running.config.cmd
  if not cmd and vim.lsp.config and vim.lsp.config.failscope then
    cmd = vim.lsp.config.failscope.cmd
  end
  return type(cmd) == 'table' and cmd[1] or 'failscope'
end

--- Runs a command; gives its output, without standard error, and whether it could be run.
local function output_of(arguments)
  local started, text = pcall(vim.fn.systemlist, arguments)
  return started and table.concat(text, '\n') or '', started
end

local function check_binary(binary)
  start('failscope: the binary')
  if vim.fn.executable(binary) == 0 then
    failure(('%s cannot be run'):format(binary), {
      '`pip install failscope` in an environment whose `bin` is on PATH,',
      "or name it: require('failscope').setup({ cmd = { '/path/to/failscope', 'lsp' } })",
    })
    return false
  end
  local version = output_of({ binary, '--version' }):match('(%d[%w.+-]*)')
  if not version then
    failure(('%s --version says no version; is it Failscope?'):format(binary))
    return false
  end
  if is_too_old(version) then
    failure(('%s is version %s; at least %s is needed'):format(binary, version, table.concat(OLDEST, '.')), {
      '`pip install --upgrade failscope`',
    })
    return false
  end
  ok(('%s, version %s'):format(vim.fn.exepath(binary), version))
  return true
end

local function check_clients()
  start('failscope: in this Neovim')
  local running = clients()
  if #running == 0 then
    if vim.lsp.is_enabled and not vim.lsp.is_enabled('failscope') then
      warn('the server is not enabled', { "vim.lsp.enable('failscope'), or require('failscope').setup()" })
    else
      info('the server does not run; it starts with the first Python file')
    end
    return
  end
  for _, client in ipairs(running) do
    local buffers = vim.lsp.get_buffers_by_client_id(client.id)
    local root = client.config.root_dir or 'a single file'
    ok(('client %d in %s, %d buffers, offsets in %s'):format(client.id, root, #buffers, client.offset_encoding or 'utf-16'))
  end
  local status = require('failscope').status()
  info('known: ' .. (status == '' and 'no failures' or status))
end

local function check_project(binary)
  start('failscope: this project')
  local running = clients()[1]
  local root = running and running.config.root_dir or vim.fn.getcwd()
  local text = output_of({ binary, 'doctor', '--json', '--root', root })
  local decoded, found = pcall(vim.json and vim.json.decode or vim.fn.json_decode, text)
  if not decoded or type(found) ~= 'table' then
    warn(('`%s doctor` could not be read'):format(binary))
    return
  end
  ok('project: ' .. found.root)
  if type(found.python) == 'table' then
    local version = type(found.python.version) == 'string' and found.python.version .. ', ' or ''
    ok(('python: %s%s (%s)'):format(version, found.python.command, found.python.why))
  end
  if type(found.pytest) == 'string' then
    ok('pytest: ' .. found.pytest)
  end
  for _, result in ipairs(found.results) do
    local format = type(result.format) == 'string' and result.format or 'not readable'
    info(('%s: %s, %d tests, %d failures'):format(result.file, format, result.tests, result.failures))
  end
  for _, problem in ipairs(found.problems) do
    warn(problem)
  end
  if #found.problems == 0 then
    ok('nothing stands in the way')
  end
end

function M.check()
  local binary = command()
  local usable = check_binary(binary)
  check_clients()
  if usable then
    check_project(binary)
  end
end

return M
