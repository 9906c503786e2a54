--- The rows of a file of moves: reads them, and finds out which item and which
-- stage each one means.
local csv = require "workstage.tool.ui.csv"
local numbers = require "workstage.tool.numbers"
local stage_names = require "workstage.tool.stage_names"
local statuses = require "workstage.tool.statuses"

local rows = {}

local IDS_A_PAGE = 100

-- ----------------------------------------------------------------- the file

local ITEM_COLUMNS = { "story", "id", "slug", "project" }

-- The places of the columns by their names, in any case and order. Others are
-- for the people whose file it is.
local function read_header(header)
  local columns = {}
  for i, title in ipairs(header or {}) do
    local name = title:lower()
    if not columns[name] then columns[name] = i end
  end
  for _, name in ipairs(ITEM_COLUMNS) do
    columns.item = columns.item or columns[name]
    columns.kind = columns.kind or columns[name] and name
  end
  return columns
end

local function is_empty(fields)
  for _, field in ipairs(fields) do
    if field ~= "" then return false end
  end
  return true
end

local function row_of(fields, columns)
  local row = { line = fields.line, item_text = fields[columns.item] or "",
                to_text = fields[columns.to] or "",
                workflow = columns.workflow and fields[columns.workflow] }
  if row.workflow == "" then row.workflow = nil end
  if is_empty(fields) then
    row.outcome, row.reason = "empty", "the line is empty"
  elseif row.item_text == "" then
    row.outcome, row.reason = "unknown_item", "the line names no item"
  elseif row.to_text == "" then
    row.outcome, row.reason = "unknown_stage", "the line names no stage"
  end
  return row
end

--- Reads a file of moves.
-- @tparam string text
-- @treturn[1] table array of `line`, `item_text`, `to_text`, `workflow`; a row
--   that cannot be used has `outcome` and `reason`
-- @treturn[1] string the column that names the items: "story", "id", "slug" or
--   "project"
-- @treturn[2] nil
-- @treturn[2] string what is wrong
function rows.read(text)
  local found, why, line = csv.read(text)
  if not found then return nil, ("line %d: %s"):format(line, why) end
  local columns = read_header(found[1])
  if not columns.item or not columns.to then
    return nil, "the first line has to name the columns: story (or id, " ..
                "slug, project) and to; and workflow, where it is needed"
  end
  local list = {}
  for i = 2, #found do list[i - 1] = row_of(found[i], columns) end
  return list, columns.kind
end

-- ---------------------------------------------------------------- the items

-- Calls `read(page)` for the values in pages.
local function in_pages(values, read)
  for from = 1, #values, IDS_A_PAGE do
    local last = math.min(from + IDS_A_PAGE - 1, #values)
    local good, err = read(table.move(values, from, last, 1, {}))
    if not good then return nil, err end
  end
  return true
end

local function story(each)
  local stage = each.stage and each.stage.workflow_stage_id
  return { id = each.id, name = each.full_slug or each.name, from = stage }
end

-- Reads items in pages, and adds each to `found` by `key(each)`.
local function read_into(found, values, list, key, shape)
  return in_pages(values, function(page)
    local items, err = list(page)
    for _, each in ipairs(items or {}) do found[key(each)] = shape(each) end
    return items, err
  end)
end

local function id_key(each) return each.id end

local function slug_key(each) return each.full_slug end

local function read_stories(client, by_id, by_slug)
  local found = { id = {}, slug = {} }
  local good, err = read_into(found.id, by_id, function(ids)
    return client.stories:list { by_ids = ids }
  end, id_key, story)
  if not good then return nil, err end
  good, err = read_into(found.slug, by_slug, function(slugs)
    return client.stories:list { by_slugs = slugs }
  end, slug_key, story)
  if not good then return nil, err end
  return found
end

local function project(each)
  return { id = each.id, name = each.title,
           from = each.status and each.status.key }
end

local function read_projects(client, by_id)
  local found = { id = {}, slug = {} }
  local good, err = read_into(found.id, by_id, function(ids)
    return client.workspaces:list { only = ids, archived = "include" }
  end, id_key, project)
  if not good then return nil, err end
  return found
end

-- What may be the id and what may be the slug of an item. A comma or a star
-- would make another filter of the slug.
local function ways_to_name(list, kind)
  local by_id, by_slug, seen = {}, {}, {}
  for _, row in ipairs(list) do
    local text = row.item_text
    if not row.outcome and not seen[text] then
      seen[text] = true
      local id = kind ~= "slug" and numbers.id(text)
      if id then by_id[#by_id + 1] = id end
      if (kind == "slug" or kind == "story") and not text:find "[,*]" then
        by_slug[#by_slug + 1] = text
      end
    end
  end
  return by_id, by_slug
end

local function set_item(row, found)
  local one = found.id[numbers.id(row.item_text)]
  local other = found.slug[row.item_text]
  if one and other and one.id ~= other.id then
    row.outcome = "unknown_item"
    row.reason = "it is the id of one story and the slug of another; use a " ..
                 "column named id or slug"
  elseif one or other then
    row.item = one or other
  else
    row.outcome, row.reason = "unknown_item", "there is no such item"
  end
end

--- Finds the items of all rows: a request for each hundred ids and slugs.
-- @tparam table client
-- @tparam table list see `rows.read`; each gets `item` (`id`, `name`, `from`),
--   or `outcome` and `reason`
-- @tparam string kind see `rows.read`
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function rows.find_items(client, list, kind)
  local by_id, by_slug = ways_to_name(list, kind)
  local read = client.transport.service == "kantata" and read_projects or
               read_stories
  local found, err = read(client, by_id, by_slug)
  if not found then return nil, err end
  for _, row in ipairs(list) do
    if not row.outcome then set_item(row, found) end
  end
  return true
end

-- --------------------------------------------------------------- the stages

local find_stage = {}

function find_stage.storyblok(all, row)
  local from = all.by_id[row.item.from]
  local stage, why = stage_names.find(all, row.to_text, row.workflow or
                                      from and from.workflow)
  if not stage then return nil, why end
  return { key = stage.id, name = stage.name,
           place = { workflow = stage.workflow, stage = stage.name } }
end

function find_stage.kantata(_, row)
  local status, why = statuses.find(row.to_text)
  if not status then return nil, why end
  return { key = status.key, name = status.message, place = status.key }
end

local function check_twice(row, first)
  if first.to and row.to and first.to.key ~= row.to.key then
    row.outcome = "conflict"
    row.reason = ("line %d moves the same item to %s"):format(first.line,
                                                              first.to.name)
  else
    row.outcome = "duplicate"
    row.reason = ("the same as line %d"):format(first.line)
  end
end

--- Finds the stages of all rows that have an item, and which rows ask for
-- nothing: a row gets `to` (`key`, `name`, `place`) or `outcome` and `reason`.
-- @tparam table all the stages, see `stage_names.read`; nil for Kantata
-- @tparam table list
-- @tparam string service
function rows.find_stages(all, list, service)
  local first = {}
  for _, row in ipairs(list) do
    if not row.outcome then
      local why
      row.to, why = find_stage[service](all, row)
      local before = first[row.item.id]
      if before then check_twice(row, before)
      elseif not row.to then
        row.outcome, row.reason = "unknown_stage", why
      elseif row.to.key == row.item.from then
        row.outcome, row.reason = "already_there", "it is in that stage"
      end
      first[row.item.id] = before or row
    end
  end
end

-- ---------------------------------------------------------------- the moves

local function from_place(all, row, service)
  if service == "kantata" then return row.item.from end
  local stage = all.by_id[row.item.from]
  if not stage then return "none" end
  return { workflow = stage.workflow, stage = stage.name }
end

local function where_of(ids, service)
  if service == "kantata" then return { id = ids } end
  return { by_ids = ids }
end

--- The moves of a blueprint that do what the rows ask for: one for each pair
-- of stages and each hundred items.
-- @tparam table all see `find_stages`
-- @tparam table list
-- @tparam string service
-- @treturn table array of moves
function rows.moves(all, list, service)
  local moves, open = {}, {}
  for _, row in ipairs(list) do
    if not row.outcome then
      local key = ("%s %s"):format(row.item.from or "none", row.to.key)
      local ids = open[key]
      if not ids or #ids >= IDS_A_PAGE then
        ids = {}
        open[key] = ids
        moves[#moves + 1] = { from = from_place(all, row, service),
                              to = row.to.place,
                              where = where_of(ids, service) }
      end
      ids[#ids + 1] = row.item.id
    end
  end
  return moves
end

return rows
