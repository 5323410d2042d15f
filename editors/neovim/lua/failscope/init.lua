--- Failscope for Neovim: what goes beyond diagnostics, hovers and code actions. Everything here is optional; see
--- |failscope|.
local M = {}

local NAME = 'failscope'
--- What each client knows, by its id: the answer of `failscope.findings`.
local known = {}

local function get_clients()
  local get = vim.lsp.get_clients or vim.lsp.get_active_clients
  return vim.tbl_filter(function(client)
    return client.name == NAME
  end, get())
end

local function say(text, level)
  vim.notify('Failscope: ' .. text, level or vim.log.levels.INFO)
end

--- Asks a client to execute a command of the server.
local function execute(client, command, arguments, done)
  local function answered(error, result)
    if error then
      say(error.message or tostring(error), vim.log.levels.ERROR)
    elseif done then
      done(result)
    end
  end
  local params = { command = NAME .. '.' .. command, arguments = arguments or {} }
  if vim.fn.has('nvim-0.11') == 1 then
    client:request('workspace/executeCommand', params, answered)
  else
    client.request('workspace/executeCommand', params, answered, 0)
  end
end

--- The client of the current buffer, else the only one there is.
local function current()
  local all = get_clients()
  local buffer = vim.api.nvim_get_current_buf()
  for _, client in ipairs(all) do
    if vim.lsp.buf_is_attached(buffer, client.id) then
      return client
    end
  end
  if #all == 0 then
    say('the server does not run; open a Python file, or see :checkhealth failscope', vim.log.levels.WARN)
  end
  return all[1]
end

local function refresh_lenses()
  local lens = vim.lsp.codelens
  if not lens or lens.enable then
    return -- from 0.12 on Neovim keeps them up to date by itself
  end
  for _, client in ipairs(get_clients()) do
    for _, buffer in ipairs(vim.lsp.get_buffers_by_client_id(client.id)) do
      if vim.fn.has('nvim-0.11') == 1 then
        lens.refresh({ bufnr = buffer })
      elseif buffer == vim.api.nvim_get_current_buf() then
        lens.refresh()
      end
    end
  end
end

--- Asks for the findings of `client` and calls `done` with them.
local function fetch(client, done)
  execute(client, 'findings', nil, function(folders)
    known[client.id] = folders or {}
    vim.api.nvim_exec_autocmds('User', { pattern = 'FailscopeFindings', modeline = false })
    vim.cmd('redrawstatus')
    if done then
      done()
    end
  end)
end

--- Findings of every client with the folder they are in, as |failscope.findings()| gives them.
function M.findings()
  local all = {}
  for _, client in ipairs(get_clients()) do
    for _, folder in ipairs(known[client.id] or {}) do
      for _, finding in ipairs(folder.report.analyses) do
        table.insert(all, { root = vim.uri_to_fname(folder.root), finding = finding })
      end
    end
  end
  return all
end

--- Numbers of failures and of causes.
function M.counts()
  local failures, causes = 0, 0
  for _, client in ipairs(get_clients()) do
    for _, folder in ipairs(known[client.id] or {}) do
      failures = failures + folder.report.total_failures
      causes = causes + #folder.report.analyses
    end
  end
  return { failures = failures, causes = causes }
end

local function number_of(n, one, many)
  return n .. ' ' .. (n == 1 and one or many)
end

--- For a statusline or winbar: `2 failures, 1 cause`; empty while nothing fails.
function M.status()
  local counts = M.counts()
  if counts.failures == 0 then
    return ''
  end
  return number_of(counts.failures, 'failure', 'failures') .. ', ' .. number_of(counts.causes, 'cause', 'causes')
end

local function given(value)
  return value ~= nil and value ~= vim.NIL
end

--- Opens a place of the workspace; a path that climbs out of it is not followed.
local function jump(root, file, line)
  if not given(file) or file:sub(1, 1) == '/' or vim.tbl_contains(vim.split(file, '/'), '..') then
    return say('the place of this cause is not known', vim.log.levels.WARN)
  end
  vim.cmd("normal! m'")
  vim.cmd('edit ' .. vim.fn.fnameescape(root .. '/' .. file))
  local last = vim.api.nvim_buf_line_count(0)
  vim.api.nvim_win_set_cursor(0, { math.min(given(line) and line or 1, last), 0 })
  vim.cmd('normal! ^')
end

--- One line about a finding.
function M.describe(entry)
  local finding = entry.finding
  local words = { number_of(#finding.failures, 'failure', 'failures') }
  if given(finding.stability) then
    table.insert(words, 'grade ' .. finding.stability.grade)
  end
  local place = ''
  if given(finding.affected_file) then
    place = finding.affected_file .. (given(finding.affected_line) and ':' .. finding.affected_line or '') .. '  '
  end
  return place .. finding.root_cause .. ' (' .. table.concat(words, ', ') .. ')'
end

local function after_fetch(action)
  local client = current()
  if client then
    fetch(client, function()
      local entries = M.findings()
      if #entries == 0 then
        return say('no failing tests are known')
      end
      action(entries)
    end)
  end
end

--- Lets one of the findings be chosen and goes to its cause.
function M.pick()
  after_fetch(function(entries)
    local options = { prompt = 'Failscope', kind = NAME, format_item = M.describe }
    vim.ui.select(entries, options, function(choice)
      if choice then
        jump(choice.root, choice.finding.affected_file, choice.finding.affected_line)
      end
    end)
  end)
end

local function item(root, file, line, kind, text)
  if not given(file) then
    return { text = text, type = kind }
  end
  return { filename = root .. '/' .. file, lnum = given(line) and line or 1, text = text, type = kind }
end

--- Puts the findings in the quickfix list: each cause, and below it the tests that fail for it.
function M.quickfix()
  after_fetch(function(entries)
    local items = {}
    for _, entry in ipairs(entries) do
      local finding = entry.finding
      table.insert(items, item(entry.root, finding.affected_file, finding.affected_line, 'E', finding.root_cause))
      for _, failure in ipairs(finding.failures) do
        local text = '  ' .. failure.test .. ': ' .. failure.exception
        table.insert(items, item(entry.root, failure.file, failure.line, 'I', text))
      end
    end
    vim.fn.setqflist({}, ' ', { title = 'Failscope findings', items = items })
    vim.cmd('botright copen')
  end)
end

--- Puts Failscope's diagnostics, and no others, in the location list.
function M.diagnostics()
  local ours = vim.tbl_filter(function(diagnostic)
    return diagnostic.source == NAME
  end, vim.diagnostic.get())
  if #ours == 0 then
    return say('no failing tests are known')
  end
  vim.fn.setloclist(0, {}, ' ', { title = 'Failscope diagnostics', items = vim.diagnostic.toqflist(ours) })
  vim.cmd('lopen')
end

--- Copies a finding as text that can be pasted into a conversation with an assistant.
function M.copy()
  after_fetch(function(entries)
    local options = { prompt = 'Copy which finding?', kind = NAME, format_item = M.describe }
    vim.ui.select(entries, options, function(choice)
      if choice then
        local register = vim.fn.has('clipboard') == 1 and '+' or '"'
        vim.fn.setreg(register, M.as_text(choice.finding))
        say('copied to register ' .. register)
      end
    end)
  end)
end

--- A finding as text.
function M.as_text(finding)
  local lines = { ('Root cause (%s, %s): %s'):format(finding.category, finding.severity, finding.root_cause) }
  if given(finding.affected_file) then
    table.insert(lines, 'Where: ' .. finding.affected_file .. (given(finding.affected_line) and ':' .. finding.affected_line or ''))
  end
  for _, evidence in ipairs(finding.evidence) do
    table.insert(lines, 'Evidence: ' .. evidence)
  end
  table.insert(lines, 'Suggested fix: ' .. finding.fix_suggestion)
  for _, failure in ipairs(finding.failures) do
    table.insert(lines, ('Failing: %s (%s): %s: %s'):format(failure.test, failure.phase, failure.exception, failure.message))
  end
  return table.concat(lines, '\n')
end

--- Opens the HTML report in the browser.
function M.report()
  local client = current()
  if not client then
    return
  end
  execute(client, 'openReport', nil, function(uri)
    -- The server asks clients that can show documents to show it.
    if uri and not vim.lsp.handlers['window/showDocument'] then
      if vim.ui.open then
        vim.ui.open(uri)
      else
        local opener = vim.fn.has('mac') == 1 and 'open' or vim.fn.has('win32') == 1 and 'explorer' or 'xdg-open'
        if vim.fn.executable(opener) == 1 then
          vim.fn.jobstart({ opener, uri }, { detach = true })
        else
          say('the report is at ' .. uri)
        end
      end
    end
  end)
end

--- Reads all results anew.
function M.analyze()
  local client = current()
  if client then
    execute(client, 'analyze', nil, function(summary)
      say(number_of(summary.failures, 'failure', 'failures') .. ', ' .. number_of(summary.rootCauses, 'cause', 'causes'))
    end)
  end
end

--- Runs again what failed last.
function M.run()
  local client = current()
  if client then
    execute(client, 'runFailed', nil, function(result)
      if not result.cancelled then
        say(('%d passed, %d failed'):format(result.passed, result.failed))
      end
    end)
  end
end

--- Shows nothing until there are new results.
function M.clear()
  local client = current()
  if client then
    execute(client, 'clear')
  end
end

--- Stops the server and starts it anew.
function M.restart()
  local buffers = {}
  for _, client in ipairs(get_clients()) do
    vim.list_extend(buffers, vim.lsp.get_buffers_by_client_id(client.id))
    vim.lsp.stop_client(client.id)
  end
  vim.wait(5000, function()
    return #get_clients() == 0
  end, 20)
  for _, buffer in ipairs(buffers) do
    if vim.api.nvim_buf_is_loaded(buffer) then
      vim.api.nvim_exec_autocmds('FileType', { buffer = buffer, modeline = false })
    end
  end
end

--- The subcommands of |:Failscope|.
M.commands = {
  analyze = M.analyze,
  clear = M.clear,
  copy = M.copy,
  diagnostics = M.diagnostics,
  findings = M.pick,
  quickfix = M.quickfix,
  report = M.report,
  restart = M.restart,
  run = M.run,
}

local function watch_lenses()
  vim.api.nvim_create_autocmd({ 'BufEnter', 'BufWritePost', 'InsertLeave' }, {
    group = vim.api.nvim_create_augroup('failscope-lenses', { clear = true }),
    pattern = '*.py',
    callback = refresh_lenses,
  })
end

--- Starts the server with what `options` say; see |failscope.setup()|.
function M.setup(options)
  options = options or {}
  local lenses = options.codelens ~= false
  local overrides = vim.tbl_deep_extend('force', {
    capabilities = vim.tbl_deep_extend('force', vim.lsp.protocol.make_client_capabilities(), {
      experimental = { failscopeFindingsChanged = true },
    }),
    handlers = {
      ['failscope/findingsChanged'] = function(_, _, context)
        local client = vim.lsp.get_client_by_id(context.client_id)
        if client then
          fetch(client, lenses and refresh_lenses or nil)
        end
      end,
    },
  }, options.server or {})
  if options.cmd then
    overrides.cmd = options.cmd
  end
  if options.settings then
    overrides.settings = { failscope = options.settings }
  end
  if lenses then
    watch_lenses()
  end
  require('failscope.start').enable(overrides)
end

return M
