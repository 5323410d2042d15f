-- The story of a person in Neovim 0.11, driven headless: failures are shown, explained, mended, and gone.
-- Environment: FS_WORKSPACE (a copy of ../project with results in it), FS_CONFIG (editors/neovim), FS_BIN (the
-- binary), FS_LOG (where the server records its messages), FS_RERUN (a command that runs pytest again).
local workspace, log = vim.env.FS_WORKSPACE, vim.env.FS_LOG
local passed, failed = 0, 0

local function check(what, ok, seen)
  if ok then
    passed = passed + 1
  else
    failed = failed + 1
    io.stdout:write(('FAILED %s; seen: %s\n'):format(what, vim.inspect(seen)))
  end
end

--- Waits for the event loop to bring about `condition`; the limit only bounds a broken run.
local function await(what, condition)
  local ok = vim.wait(20000, condition, 20)
  check(what, ok, 'not within 20 s')
  return ok
end

vim.opt.runtimepath:prepend(vim.env.FS_CONFIG)
vim.lsp.config('failscope', { cmd = { vim.env.FS_BIN, 'lsp', '--log-messages', log } })
vim.lsp.enable('failscope')

local function open(path)
  vim.cmd.edit(workspace .. '/' .. path)
  return vim.api.nvim_get_current_buf()
end

local function on_line(buffer, text)
  for _, d in ipairs(vim.diagnostic.get(buffer)) do
    local line = vim.api.nvim_buf_get_lines(buffer, d.lnum, d.lnum + 1, false)[1] or ''
    if line:find(text, 1, true) then
      return d
    end
  end
end

local function request(method, params)
  local answer = vim.lsp.buf_request_sync(0, method, params, 10000) or {}
  for _, a in pairs(answer) do
    return a.result, a.err
  end
end

local function here(line_text)
  for n, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local at = line:find(line_text, 1, true)
    if at then
      vim.api.nvim_win_set_cursor(0, { n, at - 1 })
      return
    end
  end
  error('no such line: ' .. line_text)
end

local test = open('tests/test_basket.py')
await('the server attaches', function()
  return #vim.lsp.get_clients({ bufnr = test, name = 'failscope' }) == 1
end)
await('both failing asserts have a diagnostic', function()
  return on_line(test, 'assert Basket().total() == 0') and on_line(test, 'assert basket.total() == 9.0')
end)
check('the passing test has none', on_line(test, '[("tea", 2.5, 1)]') == nil, vim.diagnostic.get(test))
local d = on_line(test, 'assert Basket().total() == 0')
if d then
  check('its source is failscope', d.source == 'failscope', d)
  check('its message names the wrong name', d.message:find('subtotl', 1, true) ~= nil, d.message)
end

local source = open('shop/basket.py')
await('the culprit line has a diagnostic', function()
  return on_line(source, 'round(subtotl, 2)')
end)

here('subtotl, 2')
local client = vim.lsp.get_clients({ bufnr = source, name = 'failscope' })[1]
local hover = request('textDocument/hover', vim.lsp.util.make_position_params(0, client.offset_encoding))
local text = hover and hover.contents and hover.contents.value or ''
check('hover gives the cause', text:find('subtotl', 1, true) and text:find('subtotal', 1, true), text)
check('hover names an affected test', text:find('test_total_counts_quantities', 1, true), text)
io.stdout:write('--- hover as sent ---\n' .. text .. '\n---------------------\n')

-- The code action is taken as a person takes it: listed, resolved and applied by the editor itself.
vim.lsp.buf.code_action({
  filter = function(action)
    return action.kind == 'quickfix' and action.title:find('subtotal', 1, true) ~= nil
  end,
  apply = true,
})
local applied = await('the code action mends the buffer', function()
  return table.concat(vim.api.nvim_buf_get_lines(source, 0, -1, false), '\n'):find('round(subtotal, 2)', 1, true)
end)
if applied then
  vim.cmd.write()
  local disk = table.concat(vim.fn.readfile(workspace .. '/shop/basket.py'), '\n')
  check('the file on disk is right', disk:find('return round(subtotal, 2)', 1, true) and not disk:find('subtotl', 1, true), disk)
  local run = vim.system({ 'sh', '-c', vim.env.FS_RERUN }, { cwd = workspace }):wait()
  check('the tests pass', run.code == 0, run.stdout)
  await('the diagnostics go away', function()
    return #vim.diagnostic.get(test) == 0 and #vim.diagnostic.get(source) == 0
  end)
end

for _, c in ipairs(vim.lsp.get_clients()) do
  c:stop()
end
await('the server ends', function()
  return #vim.lsp.get_clients() == 0
end)
io.stdout:write(('%d passed, %d failed\n'):format(passed, failed))
vim.cmd(failed == 0 and 'qall!' or 'cquit 1')
