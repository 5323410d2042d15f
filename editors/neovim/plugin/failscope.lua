-- The command :Failscope; nothing else is loaded before it is used.
if vim.g.loaded_failscope or vim.fn.has('nvim-0.7') == 0 then
  return
end
vim.g.loaded_failscope = true

vim.api.nvim_create_user_command('Failscope', function(call)
  local name = call.args == '' and 'findings' or call.args
  local run = require('failscope').commands[name]
  if run then
    run()
  else
    local names = table.concat(vim.fn.sort(vim.tbl_keys(require('failscope').commands)), ', ')
    vim.notify('Failscope: there is no :Failscope ' .. name .. '; known are ' .. names, vim.log.levels.ERROR)
  end
end, {
  nargs = '?',
  desc = 'Findings of Failscope',
  complete = function(lead)
    local names = vim.fn.sort(vim.tbl_keys(require('failscope').commands))
    return vim.tbl_filter(function(name)
      return vim.startswith(name, lead)
    end, names)
  end,
})
