" Failscope for ALE (https://github.com/dense-analysis/ale): source this file after ALE is on the runtime path.
" Beside other Python linters: let g:ale_linters = {'python': ['failscope', 'ruff']}
function! FailscopeRoot(buffer) abort
  for l:marker in ['pyproject.toml', 'pytest.ini', 'tox.ini', 'setup.cfg', 'setup.py']
    let l:found = ale#path#FindNearestFile(a:buffer, l:marker)
    if !empty(l:found)
      return fnamemodify(l:found, ':p:h')
    endif
  endfor
  return fnamemodify(bufname(a:buffer), ':p:h')
endfunction

call ale#linter#Define('python', {
\   'name': 'failscope',
\   'lsp': 'stdio',
\   'executable': 'failscope',
\   'command': '%e lsp',
\   'project_root': function('FailscopeRoot'),
\})
