--- Formats a blueprint for people: Lua syntax, a small block for each stage or
-- move, aligned names, at most 80 columns.
local kantata = require "workstage.migration.blueprint.kantata"
local storyblok = require "workstage.migration.blueprint.storyblok"
local visible = require "workstage.visible"

local format = {}

local WIDTH = 80
local WIDEST_NAME = 28 -- longer ones are not waited for

-- ----------------------------------------------------------------- values

local function number(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  local short = ("%.14g"):format(value)
  return tonumber(short) == value and short or ("%.17g"):format(value)
end

local function scalar(value)
  if type(value) == "string" then return visible.quoted(value) end
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
  return is_name and key or "[" .. visible.quoted(key) .. "]"
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

-- Names in the order of a list of fields, otherwise alphabetical.
local function ordered_keys(value, order, count)
  if not order then return sorted_keys(value, count) end
  local keys = {}
  for _, field in ipairs(order) do
    if value[field[1]] ~= nil then keys[#keys + 1] = field[1] end
  end
  return keys
end

-- A table as a list of `{ head, value, order }`: the head is "name = " or "",
-- `order` the order of the value's fields if it has one.
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

-- `fresh`: true if no space is needed before the next entry on the line.
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

-- Where to break a quoted string that is too long for its line: after the last
-- space that is not followed by another one, otherwise after the word that
-- does not fit.
local function cut_of(text, capacity)
  local last = utf8.offset(text, math.max(capacity, 0) + 1) or #text + 1
  local cut = text:sub(1, last):match "^.* ()[^ ]"
  return cut and cut > 10 and cut or text:match(" ()[^ ]", last)
end

-- Writes a string over several lines with `\z`. Words are not split.
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

-- Fills lines with entries; `closer` follows the last one. A multi-line entry
-- is followed by a line break.
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

-- Formats entries after `first`; further lines are indented.
local function filled(first, list, indent, closer)
  local lines = new_lines(first)
  lines:fill(list, indent, closer)
  return lines:text()
end

-- ----------------------------------------------------------------- blocks

local function name_column(stages)
  local widest = 0
  for _, stage in ipairs(stages) do
    local wide = width(visible.quoted(stage.name))
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

-- Returns a function that formats stage blocks with aligned names.
local function stage_writer(stages)
  local column = name_column(stages)
  return function(stage, indent)
    local name = visible.quoted(stage.name) .. ","
    local gap = (" "):rep(column + 1 - width(name))
    return filled(("%s{ name = %s%s "):format((" "):rep(indent), name, gap),
                  entries(without(stage, "name"), storyblok.stage),
                  indent + 2, " },")
  end
end

-- The short form of a move's `from` or `to`.
local function short_end(place)
  if type(place) ~= "table" or place.workflow or place.default or
     place.stage == "none" then
    return place
  end
  return place.stage
end

local move_order = table.move(storyblok.move, 1, #storyblok.move, 1, {
  inner = { from = storyblok.end_of_move, to = storyblok.end_of_move,
            assign = storyblok.assign },
})

local function move_block(move, indent)
  local short = without(move, "from")
  short.from, short.to = short_end(move.from), short_end(move.to)
  if short.to == "none" then short.to = move.to end
  return filled((" "):rep(indent) .. "{ ", entries(short, move_order),
                indent + 2, " },")
end

local function kantata_block(move, indent)
  local from, to = kantata.status(move.from), kantata.status(move.to)
  local margin = (" "):rep(indent)
  return ("%s-- %s (%s) to %s (%s)\n%s"):format(
    margin, from.message, from.color, to.message, to.color,
    filled(margin .. "{ ", entries(move, kantata.move), indent + 2, " },"))
end

-- `name = { ... }` with each item of a list written by `block`.
local function block_list(name, list, indent, block)
  local margin = (" "):rep(indent)
  local lines = { ("%s%s = {"):format(margin, name) }
  for i, item in ipairs(list) do lines[i + 1] = block(item, indent + 2) end
  lines[#lines + 1] = margin .. "},"
  return table.concat(lines, "\n")
end

local function entry(name, value, indent)
  return filled((" "):rep(indent), { { name .. " = ", value } }, indent + 2,
                ",")
end

local function add_workflow(parts, workflow, indent)
  for _, attribute in ipairs(storyblok.workflow) do
    local name = attribute[1]
    local value = workflow[name]
    if name == "stages" and value then
      parts[#parts + 1] = block_list(name, value, indent, stage_writer(value))
    elseif value ~= nil then
      parts[#parts + 1] = entry(name, value, indent)
    end
  end
end

local function workflow_block(workflow, indent)
  local margin = (" "):rep(indent)
  local parts = { margin .. "{" }
  add_workflow(parts, workflow, indent + 2)
  parts[#parts + 1] = margin .. "},"
  return table.concat(parts, "\n")
end

local function add_storyblok(parts, blueprint)
  if blueprint.workflows then
    parts[#parts + 1] = block_list("workflows", blueprint.workflows, 2,
                                   workflow_block)
  else
    add_workflow(parts, blueprint, 2)
  end
  if #blueprint.moves > 0 then
    parts[#parts + 1] = block_list("moves", blueprint.moves, 2, move_block)
  end
end

--- The text of a blueprint in normal form.
-- @tparam table blueprint
-- @tparam integer version of blueprints
-- @treturn string
function format.text(blueprint, version)
  local parts = { "return {", ("  version = %d,"):format(version) }
  if blueprint.service == "kantata" then
    parts[#parts + 1] = entry("service", "kantata", 2)
    parts[#parts + 1] = block_list("moves", blueprint.moves, 2,
                                   kantata_block)
  else
    add_storyblok(parts, blueprint)
  end
  parts[#parts + 1] = "}\n"
  return table.concat(parts, "\n")
end

return format
