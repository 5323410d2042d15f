//! Starts `failscope lsp` for Zed, from the settings (`lsp.failscope.binary`) or from `PATH`.

use zed_extension_api::settings::LspSettings;
use zed_extension_api::{self as zed, serde_json, Command, LanguageServerId, Result, Worktree};

struct Failscope;

impl zed::Extension for Failscope {
    fn new() -> Self {
        Self
    }

    fn language_server_command(&mut self, id: &LanguageServerId, worktree: &Worktree) -> Result<Command> {
        let binary = LspSettings::for_worktree(id.as_ref(), worktree)?.binary;
        let chosen = binary.as_ref().and_then(|binary| binary.path.clone());
        let command = chosen.or_else(|| worktree.which("failscope")).ok_or_else(|| {
            "failscope was not found: `pip install failscope`, or set lsp.failscope.binary.path".to_owned()
        })?;
        let args = binary.and_then(|binary| binary.arguments).unwrap_or_else(|| vec!["lsp".to_owned()]);
        Ok(Command { command, args, env: worktree.shell_env() })
    }

    fn language_server_workspace_configuration(
        &mut self,
        id: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<Option<serde_json::Value>> {
        let settings = LspSettings::for_worktree(id.as_ref(), worktree)?.settings.unwrap_or_default();
        Ok(Some(serde_json::json!({ "failscope": settings })))
    }
}

zed::register_extension!(Failscope);
