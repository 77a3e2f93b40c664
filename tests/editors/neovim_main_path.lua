-- The main path in a real Neovim: gap, code action, run, edits that arrive while somebody types, undo run.
-- Reads its job from the JSON file that AIGENTFLOW_EDITOR_JOB names and writes what it saw to `job.result`; any error ends Neovim with a
-- failing status (`+cq` behind this file on the command line).
local job = vim.json.decode(table.concat(vim.fn.readfile(vim.env.AIGENTFLOW_EDITOR_JOB), '\n'))
package.path = job.scripts .. '/?.lua;' .. package.path
local Typist = require('neovim_typist')
local SECONDS = 30
local seen = { steps = {}, progress = {}, messages = {}, questions = {}, actions = {} }

local function write_result()
  vim.fn.writefile({ vim.json.encode(seen) }, job.result)
end

local began = vim.uv.hrtime()

local function step(name)
  seen.steps[#seen.steps + 1] = ('%.1f s  %s'):format((vim.uv.hrtime() - began) / 1e9, name)
  write_result()
end

--- Waits until `condition` holds; what was waited for is the error otherwise.
local function wait_for(what, condition, detail)
  if not vim.wait(SECONDS * 1000, condition, 20) then
    seen.failed = what .. (detail and ('\n' .. detail()) or '')
    write_result()
    error(seen.failed)
  end
end

local function buffer_of(path)
  vim.cmd.edit(vim.fn.fnameescape(path))
  return vim.api.nvim_get_current_buf()
end

--- Neovim 0.11 and newer: what a person writes into init.lua.
local function enable_client()
  vim.opt.runtimepath:prepend(job.configuration)
  vim.lsp.config('aigentflow', { cmd = job.server })
  vim.lsp.enable('aigentflow')
end

--- Older: there is no configuration by name, every buffer is attached by hand.
local function start_client(buffers)
  for _, buffer in ipairs(buffers) do
    local configuration = dofile(job.configuration .. '/lsp/aigentflow.lua')
    local options = { name = 'aigentflow', cmd = job.server, root_dir = vim.fs.root(buffer, configuration.root_markers) }
    vim.lsp.start(options, { bufnr = buffer })
  end
end

local function gap_in(buffer)
  for _, diagnostic in ipairs(vim.diagnostic.get(buffer)) do
    if diagnostic.source == 'aigentflow' and tostring(diagnostic.code) == job.gap then
      return diagnostic
    end
  end
end

--- Opens the menu of code actions at a place, keeps its titles and takes the entry that `wanted` accepts.
--- The place is asked for before every try, because it moves while somebody types above it.
local function pick(window, place, what, wanted)
  local picked
  vim.ui.select = function(items, _, choose)
    seen.actions[what] = vim.tbl_map(function(item) return item.action.title end, items)
    for _, item in ipairs(items) do
      if not picked and wanted(item.action) then
        picked = item.action.title
        return choose(item)
      end
    end
    choose(nil)
  end
  wait_for('the action "' .. what .. '" is offered', function()
    local at = place()
    if not picked and at then
      vim.api.nvim_win_set_cursor(window, { at.lnum + 1, at.col })
      vim.lsp.buf.code_action()
      vim.wait(500, function() return picked ~= nil end, 10)
    end
    return picked ~= nil
  end, function() return vim.inspect(seen.actions[what]) end)
  step(what .. ': ' .. picked)
end

local function command_of(action)
  return type(action.command) == 'table' and action.command.command or action.command
end

--- Waits until a buffer, without what was typed, holds exactly this text.
local function wait_for_text(buffer, what, text)
  wait_for(what, function() return Typist.split(buffer) == text end, function()
    return vim.diff(text, (Typist.split(buffer)))
  end)
end

vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    local value = event.data.params and event.data.params.value or event.data.result.value
    seen.progress[#seen.progress + 1] = { kind = value.kind, title = value.title, message = value.message }
  end,
})
local show_message = vim.lsp.handlers['window/showMessage']
vim.lsp.handlers['window/showMessage'] = function(failure, params, ...)
  seen.messages[#seen.messages + 1] = params.message
  return show_message(failure, params, ...)
end

if vim.lsp.enable then
  enable_client()
end
local first = buffer_of(job.first.path)
local second = buffer_of(job.second.path)
vim.api.nvim_set_current_buf(first)
local window = vim.api.nvim_get_current_win()
if not vim.lsp.enable then
  start_client({ first, second })
end
wait_for('the client is attached to both buffers', function()
  local clients = vim.lsp.get_clients({ bufnr = second })
  return #clients == 1 and clients[1].initialized and #vim.lsp.get_clients({ bufnr = first }) == 1
end)
local client = vim.lsp.get_clients({ bufnr = first })[1]
wait_for('the gap is shown', function() return gap_in(first) ~= nil end, function() return vim.inspect(vim.diagnostic.get(first)) end)
seen.encoding = client.offset_encoding
step('gap: ' .. gap_in(first).message)

-- Two typists in the first buffer; the second buffer stays as it was opened until its edit arrives.
local typists = {
  Typist.new('above', first, 0),
  Typist.new('between', first, job.first.quiet_row),
  late = Typist.new('late', second, 0),
}
typists[1]:line()
local KEY_MILLISECONDS, PAUSE_KEYS = 60, 5
local timer = vim.uv.new_timer()
local typing, turn, pause = true, 1, 0
timer:start(0, KEY_MILLISECONDS, vim.schedule_wrap(function()
  if not typing then
    return
  elseif pause > 0 then
    pause = pause - 1
    return
  end
  typists[turn]:key()
  if typists[turn].rest == '' then
    turn, pause = 3 - turn, PAUSE_KEYS
  end
end))

-- The moment that matters most: a key pressed after the server computed its edit and before the editor applies it.
local apply_edit = vim.lsp.handlers['workspace/applyEdit']
local surprised = {}
vim.lsp.handlers['workspace/applyEdit'] = function(failure, params, ...)
  for _, change in ipairs(params.edit.documentChanges or {}) do
    local buffer = change.textDocument and vim.uri_to_bufnr(change.textDocument.uri)
    if buffer == first and not surprised.first then
      surprised.first = true
      typists[1]:line()
    elseif buffer == second and not surprised.second then
      surprised.second = true
      typists.late:line()
    end
  end
  return apply_edit(failure, params, ...)
end

pick(window, function() return gap_in(first) end, 'run', function(action)
  return command_of(action) == 'aigentflow.run' and action.kind == 'quickfix' and action.title:find('backend_dev', 1, true)
end)
wait_for_text(first, 'the edits are in the first buffer', job.first.after)
wait_for_text(second, 'the edits are in the second buffer', job.second.after)
wait_for('progress has begun and ended', function()
  local last = seen.progress[#seen.progress]
  return last ~= nil and last.kind == 'end'
end)
wait_for('the gap is gone', function() return gap_in(first) == nil end)
assert(surprised.first and surprised.second, 'both buffers were to be surprised')
assert(vim.bo[first].modified and vim.bo[second].modified, 'the edits were to stay unsaved')
step('delivered')

pick(window, function() return { lnum = 0, col = 0 } end, 'undo', function(action) return command_of(action) == 'aigentflow.undo' end)
wait_for_text(first, 'the first buffer is as before the run', job.first.before)
wait_for_text(second, 'the second buffer is as before the run', job.second.before)
wait_for('the gap is back', function() return gap_in(first) ~= nil end)
typing = false
timer:stop()
for _, typist in pairs(typists) do
  typist:finish()
  local lost = typist:lost()
  assert(#lost == 0, 'typed text was lost or doubled: ' .. table.concat(lost, ', '))
  step(('%s typed %d lines'):format(typist.name, typist.count))
end
wait_for_text(first, 'the first buffer stays as before the run', job.first.before)
step('undone')

client.stop()
wait_for('the client has stopped', function() return client.is_stopped() and #vim.lsp.get_clients() == 0 end)
seen.done = true
write_result()
vim.cmd('qa!')
