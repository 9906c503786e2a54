--- Writes a blueprint so that a person likes to read it: Lua, a stage or a
-- move a small block, names aligned, at most 80 columns wide.
local form = require "workstage.migration.blueprint.storyblok"
local kantata_form = require "workstage.migration.blueprint.kantata"

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

-- ---------------------------------------------------------------- entries

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

-- Names in the order of a list of fields, else in the alphabet's.
local function ordered_keys(value, order, count)
  if not order then return sorted_keys(value, count) end
  local keys = {}
  for _, field in ipairs(order) do
    if value[field[1]] ~= nil then keys[#keys + 1] = field[1] end
  end
  return keys
end

-- A table as a list of `{ head, value }`, with the head "name = " or "", and
-- the order of the names in the value where they have one.
local function entries(value, order)
  local list, count = {}, order and 0 or #value
  for i = 1, count do list[i] = { "", value[i] } end
  for _, key in ipairs(ordered_keys(value, order, count)) do
    list[#list + 1] = { key_text(key) .. " = ", value[key],
                        order and order.inner and order.inner[key] }
  end
  return list
end

-- A value on one line.
local function flat(value, order)
  if type(value) ~= "table" then return scalar(value) end
  if next(value) == nil then return "{}" end
  local texts = {}
  for i, entry in ipairs(entries(value, order)) do
    texts[i] = entry[1] .. flat(entry[2], entry[3])
  end
  return "{ " .. table.concat(texts, ", ") .. " }"
end

-- ------------------------------------------------------------------ lines

local function width(text)
  return utf8.len(text) or #text
end

local Lines = {}
Lines.__index = Lines

local function new_lines(first)
  return setmetatable({ line = first, fresh = true }, Lines)
end

function Lines:fits(text)
  return width(self.line) + width(text) <= WIDTH
end

-- `fresh`: nothing stands on the line that is to be set apart by a blank.
function Lines:put(text, fresh)
  self.line, self.fresh = self.line .. text, fresh or false
end

function Lines:feed(indent)
  self[#self + 1] = self.line:gsub(" +$", "")
  self.line, self.fresh = (" "):rep(indent), true
end

function Lines:text()
  self[#self + 1] = self.line
  return table.concat(self, "\n")
end

-- Where to break a quoted text that is too long for its line: behind a blank
-- with no blank after it, if only behind a word that is too long by itself.
local function cut_of(text, room)
  local last = utf8.offset(text, math.max(room, 0) + 1) or #text + 1
  local cut = text:sub(1, last):match "^.* ()[^ ]"
  return cut and cut > 10 and cut or text:match(" ()[^ ]", last)
end

-- A string over several lines, with the escape that skips a break. Words
-- stay whole.
function Lines:long_text(text, indent, tail)
  while not self:fits(text .. tail) do
    local cut = cut_of(text, WIDTH - 2 - width(self.line))
    if not cut then break end
    self:put(text:sub(1, cut - 1) .. "\\z")
    self:feed(indent)
    text = text:sub(cut)
  end
  self:put(text .. tail)
end

-- An entry that is longer than a line.
function Lines:break_up(entry, indent, tail)
  local head, value, order = table.unpack(entry)
  if type(value) == "table" then
    self:put(head .. "{ ", true)
    self:fill(entries(value, order), indent + 2, " }" .. tail)
  else
    self:put(head)
    self:long_text(flat(value), indent + 2, tail)
  end
end

-- Fills lines with entries; `closer` stands behind the last one. What comes
-- after an entry of several lines begins a line.
function Lines:fill(list, indent, closer)
  local broke
  for i, entry in ipairs(list) do
    local tail = i < #list and "," or closer
    local whole = entry[1] .. flat(entry[2], entry[3]) .. tail
    local gap = self.fresh and "" or " "
    local elsewhere = not self.fresh or indent + width(whole) <= WIDTH
    if broke or elsewhere and not self:fits(gap .. whole) then
      self:feed(indent)
      gap = ""
    end
    broke = not self:fits(gap .. whole)
    if broke then self:break_up(entry, indent, tail)
    else self:put(gap .. whole) end
  end
end

-- Entries behind `first`; further lines are indented.
local function filled(first, list, indent, closer)
  local lines = new_lines(first)
  lines:fill(list, indent, closer)
  return lines:text()
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
  return filled(("    { name = %s%s "):format(name, gap),
                entries(without(stage, "name"), form.stage), 6, " },")
end

-- The short forms of a move's ends.
local function short_end(place)
  if type(place) ~= "table" or place.workflow or place.default or
     place.stage == "none" then
    return place
  end
  return place.stage
end

local move_order = table.move(form.move, 1, #form.move, 1, {
  inner = { from = form.end_of_move, to = form.end_of_move,
            assign = form.assign },
})

local function move_block(move)
  local short = without(move, "from")
  short.from, short.to = short_end(move.from), short_end(move.to)
  if short.to == "none" then short.to = move.to end
  return filled("    { ", entries(short, move_order), 6, " },")
end

local function kantata_block(move)
  local from, to = kantata_form.status(move.from),
                   kantata_form.status(move.to)
  return ("    -- %s (%s) to %s (%s)\n%s"):format(
    from.message, from.color, to.message, to.color,
    filled("    { ", entries(move, kantata_form.move), 6, " },"))
end

local function block_list(name, list, block)
  local lines = { ("  %s = {"):format(name) }
  for i, item in ipairs(list) do lines[i + 1] = block(item) end
  lines[#lines + 1] = "  },"
  return table.concat(lines, "\n")
end

local function top_entry(name, value)
  return filled("  ", { { name .. " = ", value } }, 4, ",")
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
