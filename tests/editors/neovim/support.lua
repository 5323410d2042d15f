-- What the stories share. Works from Neovim 0.7 on.
-- Environment: FS_WORKSPACE (a copy of ../project with results in it), FS_CONFIG (editors/neovim), FS_BIN (the
-- binary), FS_LOG (where the server records its messages), FS_RERUN (a command that runs pytest again).
local M = { workspace = vim.env.FS_WORKSPACE, passed = 0, failed = 0 }
M.command = { vim.env.FS_BIN, 'lsp', '--log-messages', vim.env.FS_LOG }
vim.opt.runtimepath:prepend(vim.env.FS_CONFIG)

function M.check(what, ok, seen)
  if ok then
    M.passed = M.passed + 1
  else
    M.failed = M.failed + 1
    io.stdout:write(('FAILED %s; seen: %s\n'):format(what, vim.inspect(seen)))
  end
end

--- Waits for the event loop to bring about `condition`; the limit only bounds a broken run.
function M.await(what, condition, seen)
  local ok = vim.wait(20000, condition, 20)
  M.check(what, ok, seen and seen() or 'not within 20 s')
  return ok
end

function M.clients()
  return (vim.lsp.get_clients or vim.lsp.get_active_clients)()
end

function M.open(path)
  vim.cmd('edit ' .. vim.fn.fnameescape(M.workspace .. '/' .. path))
  return vim.api.nvim_get_current_buf()
end

function M.lines(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
end

--- The diagnostic on the line that holds `text`.
function M.on_line(buffer, text)
  for _, d in ipairs(vim.diagnostic.get(buffer)) do
    local line = vim.api.nvim_buf_get_lines(buffer, d.lnum, d.lnum + 1, false)[1] or ''
    if line:find(text, 1, true) then
      return d
    end
  end
end

--- Puts the cursor on `text`.
function M.here(text)
  for n, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local at = line:find(text, 1, true)
    if at then
      vim.api.nvim_win_set_cursor(0, { n, at - 1 })
      return
    end
  end
  error('no such line: ' .. text)
end

function M.rerun()
  local output = vim.fn.system('cd ' .. vim.fn.shellescape(M.workspace) .. ' && ' .. vim.env.FS_RERUN)
  M.check('the tests pass', vim.v.shell_error == 0, output)
end

--- Runs the story; ends Neovim with its outcome, also if it breaks.
function M.tell(story)
  local done, error = xpcall(story, debug.traceback)
  M.check('the story comes to its end', done, error)
  for _, client in ipairs(M.clients()) do
    client.stop(vim.fn.has('nvim-0.11') == 1 and client or nil)
  end
  M.await('the server ends', function()
    return #M.clients() == 0
  end)
  io.stdout:write(('%d passed, %d failed\n'):format(M.passed, M.failed))
  vim.cmd(M.failed == 0 and 'qall!' or 'cquit 1')
end

return M
