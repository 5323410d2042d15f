" Failscope for lsp (https://github.com/yegappan/lsp): source this file in your vimrc.
augroup failscope
  autocmd!
  autocmd User LspSetup call LspAddServer([#{
  \   name: 'failscope',
  \   filetype: ['python'],
  \   path: 'failscope',
  \   args: ['lsp'],
  \   rootSearch: ['pyproject.toml', 'pytest.ini', 'tox.ini', 'setup.cfg', 'setup.py', '.git'],
  \   workspaceConfig: #{failscope: {}},
  \ }])
augroup END
