-- Neovim 0.11 and newer: put this file into `lsp/` of your configuration and call `vim.lsp.enable('aigentflow')`.
return {
  cmd = { 'aigentflow', 'serve' },
  -- The folder that boundaries and paths of agent files are relative to: the repository, never the nearest package of a monorepo.
  root_markers = { '.aigentflow', '.git' },
  workspace_required = true,
  -- No `filetypes`: agents and their checklists decide by themselves which files concern them.
}
