-- The story of a person in Neovim 0.11, driven headless: failures are shown, explained, mended, and gone. With
-- nothing but lsp/failscope.lua.
local t = dofile(vim.env.FS_STORIES .. '/support.lua')
vim.lsp.config('failscope', { cmd = t.command })
vim.lsp.enable('failscope')

local function request(method, params)
  local answer = vim.lsp.buf_request_sync(0, method, params, 10000) or {}
  for _, a in pairs(answer) do
    return a.result, a.err
  end
end

t.tell(function()
  local test = t.open('tests/test_basket.py')
  t.await('the server attaches', function()
    return #vim.lsp.get_clients({ bufnr = test, name = 'failscope' }) == 1
  end)
  t.await('both failing asserts have a diagnostic', function()
    return t.on_line(test, 'assert Basket().total() == 0') and t.on_line(test, 'assert basket.total() == 9.0')
  end)
  t.check('the passing test has none', t.on_line(test, '[("tea", 2.5, 1)]') == nil, vim.diagnostic.get(test))
  local d = t.on_line(test, 'assert Basket().total() == 0')
  if d then
    t.check('its source is failscope', d.source == 'failscope', d)
    t.check('its message names the wrong name', d.message:find('subtotl', 1, true) ~= nil, d.message)
  end

  local source = t.open('shop/basket.py')
  t.await('the culprit line has a diagnostic', function()
    return t.on_line(source, 'round(subtotl, 2)')
  end)

  t.here('subtotl, 2')
  local client = vim.lsp.get_clients({ bufnr = source, name = 'failscope' })[1]
  local hover = request('textDocument/hover', vim.lsp.util.make_position_params(0, client.offset_encoding))
  local text = hover and hover.contents and hover.contents.value or ''
  t.check('hover gives the cause', text:find('subtotl', 1, true) and text:find('subtotal', 1, true), text)
  t.check('hover names an affected test', text:find('test_total_counts_quantities', 1, true), text)

  -- The code action is taken as a person takes it: listed, resolved and applied by the editor itself.
  vim.lsp.buf.code_action({
    filter = function(action)
      return action.kind == 'quickfix' and action.title:find('subtotal', 1, true) ~= nil
    end,
    apply = true,
  })
  local applied = t.await('the code action mends the buffer', function()
    return t.lines(source):find('round(subtotal, 2)', 1, true)
  end)
  if applied then
    vim.cmd.write()
    local disk = table.concat(vim.fn.readfile(t.workspace .. '/shop/basket.py'), '\n')
    local right = disk:find('return round(subtotal, 2)', 1, true) and not disk:find('subtotl', 1, true)
    t.check('the file on disk is right', right, disk)
    t.rerun()
    t.await('the diagnostics go away', function()
      return #vim.diagnostic.get(test) == 0 and #vim.diagnostic.get(source) == 0
    end)
  end
end)
