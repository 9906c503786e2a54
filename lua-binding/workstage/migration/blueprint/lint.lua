--- Judges a blueprint without a network: what cannot work is an error, what
-- is probably not meant is a warning.
local core = require "workstage.core"
local normalize = require "workstage.migration.blueprint".normalize
local statuses = require "workstage.migration.blueprint.kantata"

local Findings = { __name = "workstage.findings" }

function Findings:__tostring()
  local texts = {}
  for i, finding in ipairs(self) do
    local place = finding.where ~= "" and finding.where .. ": " or ""
    texts[i] = ("%s: %s%s"):format(finding.level, place, finding.message)
  end
  return table.concat(texts, "\n")
end

local function new_findings()
  return setmetatable({}, Findings)
end

local function note(findings, level, where, message, ...)
  local said = message:format(...):gsub("%c", "?")
  findings[#findings + 1] = { level = level, where = where, message = said }
end

local function has_error(findings)
  for _, finding in ipairs(findings) do
    if finding.level == "error" then return true end
  end
  return false
end

-- ------------------------------------------------------------------ names

-- The stages by name, and their names in order.
local function index(stages)
  local by_name, names = {}, {}
  for i, stage in ipairs(stages) do
    by_name[stage.name] = by_name[stage.name] or stage
    names[i] = stage.name
  end
  return by_name, names
end

local function check_unique(stages, findings)
  local by_name, by_color = {}, {}
  for i, stage in ipairs(stages) do
    local color = stage.color:lower()
    local same, alike = by_name[stage.name], by_color[color]
    local where = ("stages[%d]"):format(i)
    if same then
      note(findings, "error", where .. ".name",
           "'%s' is the name of stages[%d] as well", stage.name, same)
    end
    if alike then
      note(findings, "error", where .. ".color",
           "'%s' is the colour of '%s' as well", stage.color,
           stages[alike].name)
    end
    by_name[stage.name] = same or i
    by_color[color] = alike or i
  end
end

local function check_default(stages, findings)
  local found
  for i, stage in ipairs(stages) do
    if stage.is_default and found then
      note(findings, "error", ("stages[%d].is_default"):format(i),
           "'%s' is the default stage already, and there is one",
           stages[found].name)
    end
    found = found or stage.is_default and i or nil
  end
  if not found then
    note(findings, "error", "stages",
         "no stage is the default one: say is_default = true")
  end
end

-- A stage was called by a name that another has now: then that other one
-- must have had another name itself.
local function check_was(stages, findings)
  local by_name, claimed = index(stages), {}
  for i, stage in ipairs(stages) do
    local was, where = stage.was, ("stages[%d].was"):format(i)
    local holder = was and by_name[was]
    if was == stage.name then
      note(findings, "warning", where, "'%s' is the stage's name still", was)
    elseif holder and (not holder.was or holder.was == holder.name) then
      note(findings, "error", where, "'%s' is the name of another stage "
           .. "that does not say what it was", was)
    end
    if was and claimed[was] then
      note(findings, "error", where, "stages[%d] was '%s' as well",
           claimed[was], was)
    elseif was then
      claimed[was] = i
    end
  end
end

-- ------------------------------------------------------------- references

local function meant(names, name)
  local near = core.nearest(names, name)
  return near and near ~= name and (", did you mean '%s'?"):format(near) or ""
end

local function check_reference(name, where, known, findings)
  if known.by_name[name] then return end
  note(findings, "error", where, "no stage is called '%s'%s", name,
       meant(known.names, name))
end

local function check_references(stages, known, findings)
  for i, stage in ipairs(stages) do
    local where = ("stages[%d]"):format(i)
    if type(stage.next) == "table" then
      for j, name in ipairs(stage.next) do
        check_reference(name, ("%s.next[%d]"):format(where, j), known,
                        findings)
      end
    end
    if stage.after_publish then
      check_reference(stage.after_publish, where .. ".after_publish", known,
                      findings)
    end
  end
end

-- ------------------------------------------------------------------ paths

-- The names of the stages that come right after one.
local function followers(stage, names)
  local list = stage.next == "all" and names or
               type(stage.next) == "table" and stage.next or {}
  list = table.move(list, 1, #list, 1, {})
  list[#list + 1] = stage.after_publish or nil
  return list
end

local function reached_from(start, known)
  local reached, queue = { [start.name] = true }, { start }
  while #queue > 0 do
    local stage = table.remove(queue)
    for _, name in ipairs(followers(stage, known.names)) do
      if not reached[name] and known.by_name[name] then
        reached[name] = true
        queue[#queue + 1] = known.by_name[name]
      end
    end
  end
  return reached
end

local function check_reach(stages, known, findings)
  local start
  for _, stage in ipairs(stages) do
    start = start or stage.is_default and stage
  end
  if not start then return end
  local reached = reached_from(start, known)
  for i, stage in ipairs(stages) do
    if not reached[stage.name] then
      note(findings, "warning", ("stages[%d]"):format(i),
           "no path leads from '%s' to '%s'", start.name, stage.name)
    end
  end
end

local function leads_on(stage, names)
  for _, name in ipairs(followers(stage, names)) do
    if name ~= stage.name then return true end
  end
  return false
end

-- Where items get stuck. Where they can be published is an end, and
-- next = "none" says that one is meant.
local function check_dead_ends(stages, known, findings)
  for i, stage in ipairs(stages) do
    local is_end = stage.allow_publish or stage.allow_admin_publish or
                   stage.next == "none" or #stages == 1
    if not is_end and not leads_on(stage, known.names) then
      note(findings, "warning", ("stages[%d].next"):format(i),
           "no way leads on from '%s', and nothing can be published there; "
           .. "next = \"none\" says that this is meant", stage.name)
    end
  end
end

-- ------------------------------------------------------------------ moves

local function is_own(place)
  return type(place) == "table" and not place.workflow and
         not place.default
end

-- Two texts are the same for the same end of a move.
local function key_of(place)
  if type(place) ~= "table" then return tostring(place) end
  return ("%s/%s/%s"):format(place.workflow or "", place.default or "",
                             place.stage)
end

local function check_from(move, where, known, findings)
  local name = is_own(move.from) and move.from.stage
  if not name or known.by_name[name] or known.was[name] or
     known.noted[name] then
    return
  end
  known.noted[name] = true
  note(findings, "warning", where, "no stage here is called '%s'%s: it must "
       .. "be one that the space has, and goes away", name,
       meant(known.names, name))
end

local function check_same(move, where, known, findings)
  local from, to = move.from, move.to
  if key_of(from) == key_of(to) then
    note(findings, "error", where, "the move ends where it begins")
  elseif is_own(from) and is_own(to) and known and
         known.by_name[to.stage] and
         known.by_name[to.stage].was == from.stage and
         not known.by_name[from.stage] then
    note(findings, "warning", where, "'%s' becomes '%s' by its new name; "
         .. "there is nothing to move", from.stage, to.stage)
  end
end

-- The first move that matches wins: one that takes all leaves nothing.
local function check_shadowed(moves, findings)
  local takes_all = {}
  for i, move in ipairs(moves) do
    local from = key_of(move.from)
    if takes_all[from] then
      note(findings, "warning", ("moves[%d]"):format(i),
           "moves[%d] has taken all there is already", takes_all[from])
    elseif not move.where or next(move.where) == nil then
      takes_all[from] = i
      if move.from == "none" then
        note(findings, "warning", ("moves[%d]"):format(i),
             "without `where`, every story that has no stage is moved")
      end
    end
  end
end

local function check_moves(moves, known, findings)
  for i, move in ipairs(moves) do
    local where = ("moves[%d]"):format(i)
    if known then
      check_from(move, where .. ".from", known, findings)
      if is_own(move.to) then
        check_reference(move.to.stage, where .. ".to", known, findings)
      end
    end
    check_same(move, where, known, findings)
  end
  check_shadowed(moves, findings)
end

-- -------------------------------------------------------------- the whole

local function needs_workflow(blueprint)
  if blueprint.stages then return true end
  for _, move in ipairs(blueprint.moves) do
    if is_own(move.from) or is_own(move.to) then return true end
  end
  return false
end

local function check_workflow(blueprint, findings)
  local types = blueprint.content_types
  if not blueprint.workflow and not blueprint.default then
    if needs_workflow(blueprint) then
      note(findings, "error", "workflow", "which one? Say workflow = its "
           .. "name, or default = true")
    end
  elseif blueprint.default then
    return
  elseif types and #types == 0 or blueprint.stages and not types then
    note(findings, "error", "content_types",
         "a workflow that is not the default one has at least one")
  end
end

local function check_stages(stages, known, findings)
  if #stages == 0 then
    return note(findings, "error", "stages",
                "there is none, and a workflow has at least one")
  end
  check_unique(stages, findings)
  check_default(stages, findings)
  check_references(stages, known, findings)
  check_was(stages, findings)
  check_reach(stages, known, findings)
  check_dead_ends(stages, known, findings)
end

local function know(stages)
  if not stages then return nil end
  local by_name, names = index(stages)
  local known = { by_name = by_name, names = names, was = {}, noted = {} }
  for _, stage in ipairs(stages) do
    if stage.was then known.was[stage.was] = stage end
  end
  return known
end

local function check_storyblok(blueprint, findings)
  local known = know(blueprint.stages)
  check_workflow(blueprint, findings)
  if blueprint.stages then check_stages(blueprint.stages, known, findings) end
  check_moves(blueprint.moves, known, findings)
end

local function check_kantata(blueprint, findings)
  for i, move in ipairs(blueprint.moves) do
    if move.from == move.to then
      note(findings, "error", ("moves[%d]"):format(i),
           "the move ends where it begins, with %d (%s)", move.to,
           statuses.status(move.to).message)
    end
  end
  check_shadowed(blueprint.moves, findings)
end

local function of_invalid(err)
  local findings = new_findings()
  local where, messages = next(err.fields or {})
  note(findings, "error", where or "", "%s",
       messages and messages[1] or err.message)
  return nil, findings
end

--- Judges a blueprint by itself.
-- @tparam table value a blueprint, in any form
-- @treturn[1] boolean true
-- @treturn[1] table the warnings, as below; may be empty
-- @treturn[2] nil
-- @treturn[2] table the findings: an array of `{ level = "error" or
-- "warning", where = "stages[2].next", message = }`, a text by `tostring`
return function(value)
  local blueprint, err = normalize(value)
  if not blueprint then return of_invalid(err) end
  local findings = new_findings()
  if blueprint.service == "kantata" then check_kantata(blueprint, findings)
  else check_storyblok(blueprint, findings) end
  if not blueprint.stages and #blueprint.moves == 0 then
    note(findings, "warning", "", "the blueprint says nothing")
  end
  if has_error(findings) then return nil, findings end
  return true, findings
end
