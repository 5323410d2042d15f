-- The same story on Neovim 0.7, which has no vim.lsp.start, as :help failscope-older says. FS_SHAPE says how the
-- server is started: `setup` by the module, `lspconfig` by the table that nvim-lspconfig takes.
local t = dofile(vim.env.FS_STORIES .. '/support.lua')
vim.cmd('runtime plugin/failscope.lua')
local shape = vim.env.FS_SHAPE
if shape == 'setup' then
  require('failscope').setup({ cmd = t.command })
else
  -- What nvim-lspconfig does with such a table: the defaults, the user's keys over them, the root of the buffer.
  local default = require('failscope.lspconfig').default_config
  vim.api.nvim_create_autocmd('FileType', {
    pattern = default.filetypes,
    callback = function(event)
      local config = vim.tbl_extend('force', default, { name = 'failscope', cmd = t.command })
      config.root_dir = default.root_dir(vim.api.nvim_buf_get_name(event.buf))
      if not vim.g.client then
        vim.g.client = vim.lsp.start_client(config)
      end
      vim.lsp.buf_attach_client(event.buf, vim.g.client)
    end,
  })
end

t.tell(function()
  t.check('this is an old Neovim', vim.fn.has('nvim-0.8') == 0, vim.version())
  vim.cmd('filetype on')
  local test = t.open('tests/test_basket.py')
  t.await('both failing asserts have a diagnostic', function()
    return t.on_line(test, 'assert Basket().total() == 0') and t.on_line(test, 'assert basket.total() == 9.0')
  end)
  t.check('the root is the project', t.clients()[1].config.root_dir == t.workspace, t.clients()[1].config.root_dir)
  local source = t.open('shop/basket.py')
  t.await('the culprit line has a diagnostic', function()
    return t.on_line(source, 'round(subtotl, 2)')
  end)
  t.check('one client serves both files', #t.clients() == 1, #t.clients())
  t.here('subtotl, 2')
  local answers = vim.lsp.buf_request_sync(0, 'textDocument/hover', vim.lsp.util.make_position_params(), 10000) or {}
  local _, answer = next(answers)
  local text = vim.inspect(answer)
  t.check('hover gives the cause', text:find('subtotl', 1, true) and text:find('test_empty_basket', 1, true), text)

  if shape == 'setup' then
    local failscope = require('failscope')
    t.await('the status counts', function()
      return failscope.status() == '2 failures, 1 cause'
    end, failscope.status)
    vim.cmd('Failscope quickfix')
    t.await('quickfix holds the cause and its tests', function()
      return #vim.fn.getqflist() == 3
    end, vim.fn.getqflist)
    vim.cmd('cclose')
    vim.cmd('checkhealth failscope')
    local health = t.lines(0)
    t.check('checkhealth works', health:find('version %d') and health:find('2 failures, 1 cause') and not health:find('ERROR'), health)
    vim.cmd('edit ' .. vim.fn.fnameescape(t.workspace .. '/shop/basket.py'))
    t.here('subtotl, 2')
  end

  vim.ui.select = function(items, _, on_choice)
    for _, item in ipairs(items) do
      if vim.inspect(item):find("kind = \"quickfix\"", 1, true) then
        return on_choice(item)
      end
    end
    on_choice(items[1])
  end
  vim.lsp.buf.code_action()
  local applied = t.await('the code action mends the buffer', function()
    return t.lines(source):find('round(subtotal, 2)', 1, true)
  end, function()
    return t.lines(source)
  end)
  if applied then
    vim.cmd('write')
    t.rerun()
    t.await('the diagnostics go away', function()
      return #vim.diagnostic.get(test) == 0 and #vim.diagnostic.get(source) == 0
    end)
  end
end)
