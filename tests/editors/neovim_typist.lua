-- Somebody who types: one character at a time, at a place that moves with the text around it, like a cursor.
-- Everything typed consists of lines `// typed NAME NUMBER`, so that it can be told from the rest of the buffer.
local Typist = {}
Typist.__index = Typist
local namespace = vim.api.nvim_create_namespace('typist')

--- A typist at the beginning of a line (0-based) of a buffer.
function Typist.new(name, buffer, row)
  local mark = vim.api.nvim_buf_set_extmark(buffer, namespace, row, 0, { right_gravity = true })
  return setmetatable({ name = name, buffer = buffer, mark = mark, count = 0, rest = '' }, Typist)
end

--- Types the next character.
function Typist:key()
  if self.rest == '' then
    self.count = self.count + 1
    self.rest = ('// typed %s %d\n'):format(self.name, self.count)
  end
  local character = self.rest:sub(1, 1)
  self.rest = self.rest:sub(2)
  local place = vim.api.nvim_buf_get_extmark_by_id(self.buffer, namespace, self.mark, {})
  local lines = character == '\n' and { '', '' } or { character }
  vim.api.nvim_buf_set_text(self.buffer, place[1], place[2], place[1], place[2], lines)
end

--- Types to the end of the line that was begun, or one whole line.
function Typist:line()
  repeat
    self:key()
  until self.rest == ''
end

--- Ends the line that was begun, if one was.
function Typist:finish()
  while self.rest ~= '' do
    self:key()
  end
end

--- The text of a buffer without what typists typed, and how often each typed line is there.
function Typist.split(buffer)
  local kept, typed = {}, {}
  for _, line in ipairs(vim.api.nvim_buf_get_lines(buffer, 0, -1, true)) do
    local mark = line:match('^// typed (.+)$')
    if mark then
      typed[mark] = (typed[mark] or 0) + 1
    else
      kept[#kept + 1] = line
    end
  end
  return table.concat(kept, '\n') .. '\n', typed
end

--- What is missing or there twice of everything this typist has typed.
function Typist:lost()
  local _, typed = Typist.split(self.buffer)
  local lost = {}
  for number = 1, self.count do
    local mark = ('%s %d'):format(self.name, number)
    if typed[mark] ~= 1 then
      lost[#lost + 1] = ('%s: %d times'):format(mark, typed[mark] or 0)
    end
  end
  return lost
end

return Typist
