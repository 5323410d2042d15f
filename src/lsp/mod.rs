//! The language server. The only folder that names `tower_lsp` or `lsp_types`.
