--- A part of a blueprint of several workflows.
local errors = require "workstage.errors"
local near_name = require "workstage.near_name"
local quoted = require "workstage.visible".quoted

-- A workflow's name in the list of those to keep.
local function names_of(workflow)
  return { workflow.default and "default" or workflow.workflow,
           workflow.default and workflow.workflow or workflow.was }
end

local function is_named(workflow, kept)
  for _, name in pairs(names_of(workflow)) do
    if kept[name] then
      kept[name] = "found"
      return true
    end
  end
  return false
end

-- The error about a name that no workflow has.
local function unknown(name, blueprint)
  local known = {}
  for i, workflow in ipairs(blueprint.workflows) do
    known[i] = names_of(workflow)[1]
  end
  return errors.invalid(("only: the blueprint has no workflow %s.%s"):format(
    quoted(name), near_name(name, known)), "only")
end

local function is_kept(place, workflows)
  if type(place) ~= "table" then return false end
  for _, workflow in ipairs(workflows) do
    if place.default and workflow.default or place.workflow and
       (place.workflow == workflow.workflow or
        place.workflow == workflow.was) then
      return true
    end
  end
  return false
end

--- Keeps some workflows of a blueprint, and the moves from and to them. Stages
-- of other workflows that they use must exist in the space.
-- @tparam table blueprint in normal form
-- @tparam table names array; "default" is the default workflow
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] table the error
return function(blueprint, names)
  if not blueprint.workflows then
    return nil, errors.invalid("only: the blueprint describes one workflow; " ..
                               "leave the option out", "only")
  end
  local kept, part = {}, { service = blueprint.service, workflows = {},
                           moves = {} }
  for _, name in ipairs(names) do kept[name] = "wanted" end
  for _, workflow in ipairs(blueprint.workflows) do
    if is_named(workflow, kept) then table.insert(part.workflows, workflow) end
  end
  for _, name in ipairs(names) do
    if kept[name] == "wanted" then return nil, unknown(name, blueprint) end
  end
  for _, move in ipairs(blueprint.moves) do
    if is_kept(move.from, part.workflows) or is_kept(move.to, part.workflows)
    then
      table.insert(part.moves, move)
    end
  end
  return part
end
