-- Neovim 0.11 and newer: put this file into `lsp/` of your configuration and call `vim.lsp.enable('aigentflow')`.
-- No `filetypes`: agents and their checklists decide by themselves which files concern them.
return {
  cmd = { 'aigentflow', 'serve' },
  root_markers = { '.aigentflow', '.git', 'package.json' },
  workspace_required = true,
}
