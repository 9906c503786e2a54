--- Checks a blueprint without a network: invalid values are errors, probable
-- mistakes are warnings, and what only the space can confirm is a note.
local blueprints = require "workstage.migration.blueprint"
local check_moves = require "workstage.migration.blueprint.lint.moves"
local check_space = require "workstage.migration.blueprint.lint.space".check
local findings = require "workstage.migration.blueprint.findings"
local kantata = require "workstage.migration.blueprint.kantata"
local quoted = require "workstage.visible".quoted
local source_location = require "workstage.migration.blueprint.source_location"
local workflows = require "workstage.migration.blueprint.lint.workflow"

-- The workflows that the blueprint describes, each at its location.
local function described(root)
  local blueprint = root.value
  if not blueprint.workflows then return { workflows.new(root) } end
  local list, at = {}, root:at "workflows"
  for i in ipairs(blueprint.workflows) do list[i] = workflows.new(at:at(i)) end
  return list
end

local function is_own(place)
  return type(place) == "table" and not place.workflow and not place.default
end

-- A blueprint that only moves items between other workflows needs no workflow.
local function names_own(blueprint)
  for _, move in ipairs(blueprint.moves) do
    if is_own(move.from) or is_own(move.to) then return true end
  end
  return false
end

local function describes_workflow(blueprint)
  return blueprint.workflows ~= nil or blueprint.workflow ~= nil or
         blueprint.default ~= nil or blueprint.stages ~= nil or
         names_own(blueprint)
end

local function is_empty(blueprint)
  return #blueprint.moves == 0 and not blueprint.stages and
         not blueprint.remove and not blueprint.was and
         #(blueprint.workflows or {}) == 0
end

local function check_storyblok(root, found)
  local blueprint = root.value
  local list = describes_workflow(blueprint) and described(root) or {}
  check_space(list, found)
  for _, workflow in ipairs(list) do workflows.check(workflow, found) end
  check_moves.check(root, list, found)
  if is_empty(blueprint) then found:warn(root, "The blueprint is empty.") end
end

local function check_kantata(root, found)
  local list, at = root.value.moves, root:at "moves"
  for i, move in ipairs(list) do
    if move.from == move.to then
      found:error(at:at(i), "The move ends where it begins, with %d (%s).",
                  move.to, quoted(kantata.status(move.to).message))
    end
  end
  check_moves.check_reachable(list, at, found)
  if #list == 0 then found:warn(root, "The blueprint is empty.") end
end

--- Checks a blueprint without a space.
-- @tparam table value a blueprint, in any form
-- @treturn[1] boolean true
-- @treturn[1] table the warnings and notes, as below; may be empty
-- @treturn[2] nil
-- @treturn[2] table the findings: an array of `{ level = "error", "warning"
-- or "note", where = "stages[2].next", message =, file =, line = }`, file and
-- line where the blueprint was read from a file; a text by `tostring`
return function(value)
  local blueprint, err = blueprints.normalize(value)
  if not blueprint then return nil, err.findings end
  local root, found = source_location.root(blueprint), findings.new()
  if blueprint.service == "kantata" then check_kantata(root, found)
  else check_storyblok(root, found) end
  if found:has_error() then return nil, found end
  return true, found
end
