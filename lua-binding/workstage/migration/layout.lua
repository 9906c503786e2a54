--- Writes a blueprint so that a person likes to read it: Lua, a stage or a
-- move a small block, names aligned, at most 80 columns wide.
local form = require "workstage.migration.form"
local kantata_form = require "workstage.migration.kantata_form"

local layout = {}

local WIDTH = 80
local WIDEST_NAME = 28 -- longer ones are not waited for

-- ----------------------------------------------------------------- values

local ESCAPES = {
  ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n", ["\t"] = "\\t",
  ["\r"] = "\\r",
}

local function escaped(char)
  return ESCAPES[char] or ("\\%03d"):format(char:byte())
end

local function quoted(text)
  return '"' .. text:gsub('[%c\\"]', escaped) .. '"'
end

local function number(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  local short = ("%.14g"):format(value)
  return tonumber(short) == value and short or ("%.17g"):format(value)
end

local function scalar(value)
  if type(value) == "string" then return quoted(value) end
  return type(value) == "number" and number(value) or tostring(value)
end

local RESERVED = {}
for word in ([[and break do else elseif end false for function goto if in
    local nil not or repeat return then true until while]]):gmatch "%a+" do
  RESERVED[word] = true
end

local function key_text(key)
  if type(key) == "number" then return ("[%d]"):format(key) end
  local is_name = key:find "^[A-Za-z_][A-Za-z0-9_]*$" and not RESERVED[key]
  return is_name and key or "[" .. quoted(key) .. "]"
end

-- ----------------------------------------------------------------- pieces

-- A value becomes pieces of text between which a line may end. A table's
-- braces stick to what stands beside them: `next = { "A",` `"B" }`.
local Pieces = {}
Pieces.__index = Pieces

local function new_pieces()
  return setmetatable({ before = "", depth = 0 }, Pieces)
end

-- Text that sticks to the piece that comes next.
function Pieces:prefix(text)
  self.before = self.before .. text
end

function Pieces:add(text)
  self[#self + 1] = { text = self.before .. text, depth = self.depth }
  self.before = ""
end

-- Text that sticks to the piece before.
function Pieces:suffix(text)
  self[#self].text = self[#self].text .. text
end

local function sorted_keys(value, count)
  local keys = {}
  for key in next, value do
    local in_sequence = math.type(key) == "integer" and key >= 1 and
                        key <= count
    if not in_sequence then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b)
    if type(a) == type(b) then return a < b end
    return type(a) == "number"
  end)
  return keys
end

-- Names in their own order where they have one, else in the alphabet's.
local function ordered_keys(value, order)
  if not order then return sorted_keys(value, #value) end
  local keys = {}
  for _, field in ipairs(order) do
    if value[field[1]] ~= nil then keys[#keys + 1] = field[1] end
  end
  return keys
end

function Pieces:value(value, order)
  if type(value) ~= "table" then return self:add(scalar(value)) end
  if next(value) == nil then return self:add "{}" end
  self:prefix "{ "
  self.depth = self.depth + 1
  self:entries(value, order)
  self.depth = self.depth - 1
  self:suffix " }"
end

function Pieces:entries(value, order)
  local count = order and 0 or #value
  for i = 1, count do
    self:value(value[i])
    self:suffix ","
  end
  for _, key in ipairs(ordered_keys(value, order)) do
    self:prefix(key_text(key) .. " = ")
    self:value(value[key])
    self:suffix ","
  end
  self[#self].text = self[#self].text:gsub(",$", "")
end

-- ------------------------------------------------------------------ lines

local function width(text)
  return utf8.len(text) or #text
end

-- Breaks a text that fits on no line behind a blank, with the escape that
-- skips the break; one without blanks stays whole.
local function broken(text, room, indent)
  local lines = {}
  while width(text) > room do
    local most = utf8.offset(text, room - 2) - 1
    local cut = text:sub(1, most):match "^.*[^%s] ()%f[^%s]"
    if not cut or cut < 10 or text:find("^ ", cut) then break end
    lines[#lines + 1] = text:sub(1, cut - 1) .. "\\z"
    text = text:sub(cut)
  end
  lines[#lines + 1] = text
  return table.concat(lines, "\n" .. indent)
end

local function last_line(text)
  return text:match "[^\n]*$"
end

-- Fills lines with pieces behind `head`; further lines are indented.
local function filled(head, pieces, indent)
  local out, line, fresh = {}, head, true
  for _, piece in ipairs(pieces) do
    local inner = (" "):rep(indent + 2 * piece.depth)
    local glue = fresh and "" or " "
    if not fresh and width(line .. glue .. piece.text) > WIDTH then
      out[#out + 1] = line
      line, glue = inner, ""
    end
    if width(line .. glue .. piece.text) > WIDTH then
      local room = WIDTH - width(line .. glue)
      out[#out + 1] = line .. glue ..
                      broken(piece.text, room, inner .. "  ")
      line = last_line(out[#out])
      out[#out] = out[#out]:sub(1, -#line - 1):gsub("\n$", "")
      if out[#out] == "" then out[#out] = nil end
    else
      line = line .. glue .. piece.text
    end
    fresh = false
  end
  out[#out + 1] = line
  return table.concat(out, "\n")
end

-- ----------------------------------------------------------------- blocks

local function name_column(stages)
  local widest = 0
  for _, stage in ipairs(stages) do
    local wide = width(quoted(stage.name))
    if wide <= WIDEST_NAME then widest = math.max(widest, wide) end
  end
  return widest
end

local function without(value, name)
  local rest = {}
  for key, item in pairs(value) do rest[key] = item end
  rest[name] = nil
  return rest
end

local function stage_block(stage, column)
  local name = quoted(stage.name) .. ","
  local gap = (" "):rep(column + 1 - width(name))
  local pieces = new_pieces()
  pieces:entries(without(stage, "name"), form.stage)
  pieces:suffix " },"
  return filled(("    { name = %s%s "):format(name, gap), pieces, 6)
end

-- The short forms of a move's ends.
local function short_end(place)
  if type(place) ~= "table" or place.workflow or place.default or
     place.stage == "none" then
    return place
  end
  return place.stage
end

local function move_block(move)
  local short = without(move, "from")
  short.from, short.to = short_end(move.from), short_end(move.to)
  if short.to == "none" then short.to = move.to end
  local pieces = new_pieces()
  pieces:entries(short, form.move)
  pieces:suffix " },"
  return filled("    { ", pieces, 6)
end

local function kantata_block(move)
  local from, to = kantata_form.status(move.from),
                   kantata_form.status(move.to)
  local pieces = new_pieces()
  pieces:entries(move, kantata_form.move)
  pieces:suffix " },"
  return ("    -- %s (%s) to %s (%s)\n%s"):format(
    from.message, from.color, to.message, to.color,
    filled("    { ", pieces, 6))
end

local function block_list(name, list, block)
  local lines = { ("  %s = {"):format(name) }
  for i, item in ipairs(list) do lines[i + 1] = block(item) end
  lines[#lines + 1] = "  },"
  return table.concat(lines, "\n")
end

local function top_entry(name, value)
  local pieces = new_pieces()
  pieces:prefix(name .. " = ")
  pieces:value(value)
  pieces:suffix ","
  return filled("  ", pieces, 4)
end

local function storyblok_parts(blueprint, parts)
  for _, name in ipairs { "workflow", "default", "content_types" } do
    if blueprint[name] ~= nil then
      parts[#parts + 1] = top_entry(name, blueprint[name])
    end
  end
  if blueprint.stages then
    local column = name_column(blueprint.stages)
    parts[#parts + 1] = block_list("stages", blueprint.stages,
      function(stage) return stage_block(stage, column) end)
  end
  if #blueprint.moves > 0 then
    parts[#parts + 1] = block_list("moves", blueprint.moves, move_block)
  end
end

--- The text of a blueprint in its one form.
-- @tparam table blueprint
-- @tparam integer version of blueprints
-- @treturn string
function layout.text(blueprint, version)
  local parts = { "return {", ("  version = %d,"):format(version) }
  if blueprint.service == "kantata" then
    parts[#parts + 1] = top_entry("service", "kantata")
    parts[#parts + 1] = block_list("moves", blueprint.moves, kantata_block)
  else
    storyblok_parts(blueprint, parts)
  end
  parts[#parts + 1] = "}\n"
  return table.concat(parts, "\n")
end

return layout
