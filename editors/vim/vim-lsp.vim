" Failscope for vim-lsp (https://github.com/prabirshrestha/vim-lsp): source this file in your vimrc.
augroup failscope
  autocmd!
  autocmd User lsp_setup call lsp#register_server({
  \   'name': 'failscope',
  \   'cmd': {info -> ['failscope', 'lsp']},
  \   'allowlist': ['python'],
  \   'root_uri': {info -> lsp#utils#path_to_uri(lsp#utils#find_nearest_parent_file_directory(
  \     lsp#utils#get_buffer_path(), ['pyproject.toml', 'pytest.ini', 'tox.ini', 'setup.cfg', 'setup.py', '.git/']))},
  \   'workspace_config': {'failscope': {}},
  \ })
augroup END
