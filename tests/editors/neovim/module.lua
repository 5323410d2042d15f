-- What the Lua module adds, on Neovim 0.11: :Failscope, code lenses and statusline kept up to date, health, help.
local t = dofile(vim.env.FS_STORIES .. '/support.lua')
vim.cmd('runtime plugin/failscope.lua')
local failscope = require('failscope')
failscope.setup({ cmd = t.command, settings = { severity = 'warning' } })

local notes = {}
vim.notify = function(text)
  table.insert(notes, text)
end

t.tell(function()
  t.check('status is empty before anything is known', failscope.status() == '', failscope.status())
  local test = t.open('tests/test_basket.py')
  t.await('status counts without being asked', function()
    return failscope.status() == '2 failures, 1 cause'
  end, failscope.status)
  vim.o.statusline = "%{v:lua.require'failscope'.status()}"
  local shown = vim.api.nvim_eval_statusline(vim.o.statusline, {}).str
  t.check('the statusline of the help shows it', shown == '2 failures, 1 cause', shown)
  t.await('code lenses come by themselves', function()
    return #vim.lsp.codelens.get(test) >= 4
  end, function()
    return vim.lsp.codelens.get(test)
  end)
  t.await('settings reach the server', function()
    local d = t.on_line(test, 'assert Basket().total() == 0')
    return d and d.severity == vim.diagnostic.severity.WARN
  end)

  local offered = {}
  local choose
  vim.ui.select = function(items, options, on_choice)
    offered = vim.tbl_map(options.format_item, items)
    choose = function(n)
      on_choice(items[n])
    end
  end
  vim.cmd('Failscope')
  t.await('the picker offers the finding', function()
    return #offered == 1
  end, function()
    return offered
  end)
  local line = offered[1] or ''
  local described = line:find('shop/basket.py:13', 1, true) and line:find('subtotl', 1, true) and line:find('2 failures', 1, true)
  t.check('with place, cause and number', described, line)
  choose(1)
  local at = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(0), ':t') .. ':' .. vim.api.nvim_win_get_cursor(0)[1]
  t.check('choosing goes to the cause', at == 'basket.py:13', at)

  vim.cmd('Failscope quickfix')
  t.await('quickfix holds the cause and its tests', function()
    return #vim.fn.getqflist() == 3
  end, vim.fn.getqflist)
  local entry = vim.fn.getqflist()[2] or {}
  t.check('a test is where it fails', entry.lnum == 5 and entry.text:find('test_empty_basket', 1, true), entry)
  vim.cmd('cclose')

  vim.diagnostic.set(vim.api.nvim_create_namespace('other'), test, { { lnum = 0, col = 0, message = 'other', source = 'other' } })
  vim.cmd('Failscope diagnostics')
  local listed = vim.fn.getloclist(0)
  t.check('the location list holds ours only', #listed == 3 and not vim.inspect(listed):find('"other"', 1, true), listed)
  vim.cmd('lclose')

  choose = nil
  vim.cmd('Failscope copy')
  t.await('copy offers the finding', function()
    return choose
  end)
  choose(1)
  local copied = vim.fn.getreg(vim.fn.has('clipboard') == 1 and '+' or '"')
  t.check('what is copied holds cause and test', copied:find('subtotl', 1, true) and copied:find('test_empty', 1, true), copied)

  local opened
  vim.ui.open = function(uri)
    opened = uri
    return { wait = function() return { code = 0 } end }
  end
  vim.cmd('Failscope report')
  t.await('the report is opened', function()
    return opened and opened:find('rca_report.html', 1, true)
  end, function()
    return opened or notes
  end)

  vim.cmd('Failscope clear')
  t.await('clear empties status and diagnostics', function()
    return failscope.status() == '' and not t.on_line(test, 'assert Basket().total() == 0')
  end, failscope.status)
  vim.cmd('Failscope analyze')
  t.await('analyze says what it found', function()
    return vim.tbl_contains(notes, 'Failscope: 2 failures, 1 cause') and failscope.status() == '2 failures, 1 cause'
  end, function()
    return notes
  end)
  vim.cmd('Failscope nonsense')
  t.check('an unknown subcommand is said', table.concat(notes):find('no :Failscope nonsense', 1, true), notes)
  local completed = vim.fn.getcompletion('Failscope re', 'cmdline')
  t.check('subcommands are completed', vim.deep_equal(completed, { 'report', 'restart' }), completed)

  vim.cmd('checkhealth failscope')
  local text = t.lines(0)
  for _, part in ipairs({ 'version %d', 'client %d', '2 failures, 1 cause', 'project: ', 'pytest: 9', 'report.xml: JUnit' }) do
    t.check('checkhealth says ' .. part, text:find(part), text)
  end
  t.check('checkhealth has no error', not text:find('ERROR'), text)
  vim.cmd('bdelete!')

  vim.cmd('helptags ' .. vim.fn.fnameescape(vim.env.FS_CONFIG .. '/doc'))
  for _, name in ipairs(vim.tbl_keys(failscope.commands)) do
    local found = pcall(vim.cmd, 'help :Failscope-' .. name)
    t.check('help for ' .. name, found and vim.bo.filetype == 'help', vim.bo.filetype)
  end
  vim.cmd('helpclose')

  vim.cmd('Failscope run')
  t.await('running says the numbers', function()
    return vim.tbl_contains(notes, 'Failscope: 0 passed, 2 failed')
  end, function()
    return notes
  end)

  local before = vim.lsp.get_clients({ name = 'failscope' })[1].id
  vim.cmd('Failscope restart')
  t.await('restart starts another client', function()
    local now = vim.lsp.get_clients({ name = 'failscope' })[1]
    return now and now.id ~= before and failscope.status() == '2 failures, 1 cause'
  end)
  -- A binary that is not there is said by checkhealth, with what to do.
  for _, client in ipairs(vim.lsp.get_clients()) do
    client:stop()
  end
  t.await('the server stops', function()
    return #vim.lsp.get_clients() == 0
  end)
  vim.lsp.config('failscope', { cmd = { '/nonexistent/failscope', 'lsp' } })
  vim.cmd('checkhealth failscope')
  local broken = t.lines(0)
  t.check('checkhealth says that the binary is missing', broken:find('ERROR') and broken:find('pip install failscope', 1, true), broken)
end)
