--- Checks the moves of a blueprint.
local near_name = require "workstage.near_name"
local quoted = require "workstage.visible".quoted
local space = require "workstage.migration.blueprint.lint.space"
local stages = require "workstage.migration.blueprint.lint.stages"

local moves = {}

-- Context of the checks of moves: the workflows, if there are several, and the
-- names already reported.
local Context = {}
Context.__index = Context

-- The described workflow of the start or end of a move; nil if the blueprint
-- does not describe it.
function Context:workflow_of(place)
  if place.workflow then
    return space.named(self.workflows, place.workflow)
  elseif not place.default then
    return not self.is_several and self.workflows[1] or nil
  end
  for _, workflow in ipairs(self.workflows) do
    if workflow.value.default then return workflow end
  end
end

-- If the blueprint describes several workflows, each start and end must name
-- its workflow.
local function check_says_workflow(context, place, at)
  if not context.is_several or type(place) ~= "table" or place.workflow or
     place.default then
    return true
  end
  context.found:error(at, "In which workflow? Say { workflow = ..., stage = "
                      .. "%s }.", quoted(place.stage))
  return false
end

local function note_unknown(context, place, at)
  context.found:offline("note", at, "Stage %s cannot be checked offline.",
                        quoted(place.stage))
end

local function check_from(context, move, at)
  local place = move.from
  if place == "none" or not check_says_workflow(context, place, at) then
    return
  end
  local workflow = context:workflow_of(place)
  if not workflow or not workflow.lists_stages then
    return note_unknown(context, place, at)
  end
  local name = place.stage
  local key = workflow:label() .. "\0" .. name
  if workflow.by_name[name] or workflow.was[name] or context.reported[key] then
    return
  end
  context.reported[key] = true
  local meant = near_name(name, workflow.names)
  context.found:offline(meant ~= "" and "warning" or "note", at,
    "No stage here is named %s: it must be one that the space has and that " ..
    "is removed.%s", quoted(name), meant)
end

local function check_to(context, move, at)
  local place = move.to
  if not check_says_workflow(context, place, at) then return end
  local workflow = context:workflow_of(place)
  if workflow and workflow.value.remove then
    return context.found:error(at, "The blueprint removes %s.",
                               workflow:label())
  elseif not workflow or not workflow.lists_stages then
    return note_unknown(context, place, at)
  end
  stages.check_reference(place.stage, at, workflow, context.found)
end

-- A key that identifies the start or end of a move.
local function key_of(place)
  if type(place) ~= "table" then return tostring(place) end
  return ("%s\0%s\0%s"):format(place.workflow or "", place.default or "",
                               place.stage)
end

-- Renaming a stage keeps its items, so it needs no move.
local function is_rename(context, move)
  if move.from == "none" then return false end
  local workflow = context:workflow_of(move.from)
  if not workflow or workflow ~= context:workflow_of(move.to) then
    return false
  end
  local to = workflow.by_name[move.to.stage]
  return to and to.was == move.from.stage and
         not workflow.by_name[move.from.stage]
end

local function check_same(context, move, at)
  if key_of(move.from) == key_of(move.to) then
    context.found:error(at, "The move ends where it begins.")
  elseif is_rename(context, move) then
    context.found:warn(at, "%s becomes %s by its new name: there is nothing "
                       .. "to move.", quoted(move.from.stage),
                       quoted(move.to.stage))
  end
end

--- Checks that no move is hidden by an earlier one: the first that matches an
-- item wins.
-- @tparam table list the moves
-- @tparam table at their location
-- @tparam table found the findings
function moves.check_reachable(list, at, found)
  local takes_all = {}
  for i, move in ipairs(list) do
    local from = key_of(move.from)
    if takes_all[from] then
      found:warn(at:at(i), "Unreachable: moves[%d] already matches every " ..
                 "item.", takes_all[from])
    elseif not move.where or next(move.where) == nil then
      takes_all[from] = i
      if move.from == "none" then
        found:warn(at:at(i), "Without `where`, every story that has no " ..
                   "stage is moved.")
      end
    end
  end
end

-- Items of a workflow that is removed need a move.
local function check_removed(context)
  local left = {}
  for _, move in ipairs(context.moves) do
    local from = move.from ~= "none" and context:workflow_of(move.from)
    if from then left[from] = true end
  end
  for _, workflow in ipairs(context.workflows) do
    if workflow.value.remove and not left[workflow] then
      context.found:offline("note", workflow.at:at "remove",
        "No move takes items out of %s: it is removed only if it has none.",
        workflow:label())
    end
  end
end

--- Checks the moves of a Storyblok blueprint.
-- @tparam table root location of the blueprint in normal form
-- @tparam table workflows see `lint/workflow`
-- @tparam table found the findings
function moves.check(root, workflows, found)
  local at = root:at "moves"
  local context = setmetatable({
    moves = at.value, workflows = workflows, found = found, reported = {},
    is_several = root.value.workflows ~= nil,
  }, Context)
  for i, move in ipairs(at.value) do
    check_from(context, move, at:at(i):at "from")
    check_to(context, move, at:at(i):at "to")
    check_same(context, move, at:at(i))
  end
  moves.check_reachable(at.value, at, found)
  check_removed(context)
end

return moves
