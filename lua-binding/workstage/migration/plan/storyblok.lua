--- Plans a migration of a Storyblok space: reads what is (only GETs), and
-- leaves the way from there to the planner.
local adapt_spelling = require "workstage.migration.plan.spelling"
local attributes = require "workstage.migration.stage"
local blueprints = require "workstage.migration.blueprint"
local check_stages = require "workstage.migration.plan.guards"
local choose_workflow = require "workstage.migration.plan.choose_workflow"
local diff = require "workstage.migration.plan.diff"
local errors = require "workstage.errors"
local items = require "workstage.migration.items"
local members = require "workstage.migration.plan.members"
local quoted = require "workstage.visible".quoted
local state = require "workstage.migration.state"
local structure = require "workstage.migration.space"

-- ---------------------------------------------------------- content types

-- A workflow is for content types that the space has, as far as it says.
local function check_types(space, found, blueprint, problems, notes)
  local had, lacking = {}, {}
  for _, name in ipairs(found.workflow and found.workflow.content_types or {})
  do
    had[name] = true
  end
  for _, name in ipairs(blueprint.content_types or {}) do
    if not had[name] then lacking[#lacking + 1] = name end
  end
  if #lacking == 0 then return true end
  local types, err = structure.content_types(space)
  if types == nil then return nil, err end
  if not types then
    notes[#notes + 1] = "the service does not say which content types the " ..
                        "space has: they were not checked"
    return true
  end
  for _, name in ipairs(lacking) do
    if not types[name] then
      problems[#problems + 1] = ("the space has no content type %s")
                                :format(quoted(name))
    end
  end
  return true
end

-- --------------------------------------------------------------- rules

local function stage_named(stages, name)
  for _, stage in ipairs(stages) do
    if stage.name == name then return stage end
  end
end

-- Another workflow of the space, with its stages, read once.
local function other_workflow(space, found, which, cache)
  local key = which.default and true or which.workflow
  if cache[key] then return cache[key] end
  local workflow, err = structure.choose(found.workflows, {
    name = which.workflow, default = which.default,
  })
  if err then return nil, err end
  if not workflow then
    return nil, errors.new {
      kind = "refused",
      message = ("the space has no workflow %q"):format(which.workflow or
                                                        "default"),
    }
  end
  local stages
  stages, err = structure.stages(space, workflow.id)
  if not stages then return nil, err end
  cache[key] = { id = workflow.id, name = workflow.name, stages = stages }
  return cache[key]
end

local function is_elsewhere(place, found)
  if not (place.workflow or place.default) then return false end
  local workflow = found.workflow
  if place.default then return not (workflow and workflow.is_default) end
  return not workflow or workflow.name ~= place.workflow
end

-- The stage that a rule moves from: its id and name; false for none; nil
-- when there is no such stage (any more).
local function from_of(space, found, blueprint, move, cache)
  local from = move.from
  if from == "none" then return { ref = false, name = "no stage" } end
  local stages, name = found.stages, from.stage
  if is_elsewhere(from, found) then
    local workflow, err = other_workflow(space, found, from, cache)
    if not workflow then return nil, err end
    stages, name = workflow.stages, ("%s / %s"):format(workflow.name,
                                                       from.stage)
  end
  local stage = stage_named(stages, from.stage)
  if not stage and stages == found.stages then
    for _, described in ipairs(blueprint.stages or {}) do
      if described.name == from.stage and described.was then
        stage = stage_named(stages, described.was)
      end
    end
  end
  return { ref = stage and stage.id, name = name, stage = stage,
           stages = stages }
end

local function to_of(space, found, move, cache)
  local to = move.to
  if not is_elsewhere(to, found) then return { name = to.stage } end
  local workflow, err = other_workflow(space, found, to, cache)
  if not workflow then return nil, err end
  local stage = stage_named(workflow.stages, to.stage)
  if not stage then
    return nil, errors.new {
      kind = "refused",
      message = ("the workflow %q has no stage %q"):format(workflow.name,
                                                           to.stage),
    }
  end
  return { ref = stage.id, stage = stage, stages = workflow.stages,
           name = ("%s / %s"):format(workflow.name, stage.name) }
end

-- Ways are opened in the plan's own workflow alone: whether a move within
-- another has none.
local function is_closed(from, to)
  return from.stage ~= nil and from.stages == to.stages and
         from.ref ~= to.ref and
         not attributes.leads_to(from.stage, to.ref)
end

local function ids_of(names, map)
  if not names then return nil end
  local ids = {}
  for i, name in ipairs(names) do ids[i] = map[name] end
  return ids
end

-- What a change takes beside story and stage.
local function change_set(move, context)
  local assign = move.assign
  return {
    comment = move.comment, notify = move.notify, due_date = move.due_date,
    release_id = move.release_id,
    assign = assign and { user_ids = ids_of(assign.users, context.users),
                          space_role_ids = ids_of(assign.roles,
                                                  context.roles) } or nil,
  }
end

local function make_rules(space, found, blueprint, context, problems)
  local rules, cache = {}, {}
  rules.others = cache
  for i, move in ipairs(blueprint.moves) do
    local from, err = from_of(space, found, blueprint, move, cache)
    local to
    if from then to, err = to_of(space, found, move, cache) end
    if not to and err.kind ~= "refused" then return nil, err end
    if not to then
      problems[#problems + 1] = ("moves[%d]: %s"):format(i, err.message)
    else
      rules[#rules + 1] = {
        index = i, from = from.ref, from_name = from.name, to_ref = to.ref,
        to_name = to.name, target = to.stage, where = move.where,
        is_closed = is_closed(from, to),
        set = change_set(move, context),
      }
    end
  end
  return rules
end

-- The rules as the planner takes them, once the stages have references.
local function resolver(rules, problems)
  return function(draft)
    local own, moves = draft.workflows[1], {}
    for i, rule in ipairs(rules) do
      local to = rule.to_ref or own and own.refs[rule.to_name]
      if not to then
        problems[#problems + 1] = ("moves[%d]: there will be no stage %q")
                                  :format(rule.index, rule.to_name)
      end
      if rule.is_closed and rule.count > 0 then
        problems[#problems + 1] =
          ("moves[%d]: items of %q may not go on to %q, and that workflow " ..
           "is not the blueprint's"):format(rule.index, rule.from_name,
                                            rule.to_name)
      end
      local stays = to == rule.from
      moves[i] = {
        from = rule.from, to = to, from_name = rule.from_name,
        to_name = rule.to_name, set = rule.set, where = rule.where,
        dues_count = rule.dues_count,
        items = stays and {} or rule.items, count = stays and 0 or rule.count,
      }
    end
    return moves
  end
end

-- ------------------------------------------------------ what stays behind

local function paste_in(name)
  return ("{ from = %q, to = \"...\" },"):format(name)
end

-- A stage must not go away under its items. A move of a release's versions
-- leaves the current ones where they are.
local function check_left_behind(space, gone, rules, problems)
  local lines = {}
  for _, stage in ipairs(gone) do
    local covered, all = 0, false
    for _, rule in ipairs(rules) do
      if rule.from == stage.id and not rule.set.release_id then
        covered = covered + rule.count
        all = all or next(rule.where or {}) == nil
      end
    end
    if not all then
      local total, err = items.count(space, stage.id)
      if not total then return nil, err end
      if total > covered then
        problems[#problems + 1] =
          ("stage %q goes away, and %d of its stories have no move")
          :format(stage.name, total - covered)
        lines[#lines + 1] = paste_in(stage.name)
      end
    end
  end
  problems.paste = lines
  return true
end

-- ------------------------------------------------------------- the plan

-- The sentence says it in one line; `moves` is to be pasted as it is.
local function refuse(problems)
  local text = table.concat(problems, "; ")
  if problems.paste then
    text = text .. "; add to the blueprint: moves = { " ..
           table.concat(problems.paste, " ") .. " }"
  end
  local err = errors.new { kind = "refused", message = text }
  err.problems, err.text = problems, text
  if problems.paste then
    err.moves = "  moves = {\n    " ..
                table.concat(problems.paste, "\n    ") .. "\n  },"
  end
  return err
end

-- Moves alone need a workflow only where they name stages of it.
local function check_workflow(found, blueprint)
  if found.workflow or blueprint.stages or
     not (blueprint.workflow or blueprint.default) then
    return true
  end
  return nil, errors.new {
    kind = "refused",
    message = ("the space has no workflow %q, and the blueprint describes " ..
               "no stages for it"):format(blueprint.workflow or "default"),
  }
end

local ONLY_DEFAULT = "the space has only its default workflow; had it had " ..
  "none, the service would have made this one when it was asked for them"

-- What is worth a word although nothing is wrong.
local function add_notes(found, rules, notes)
  if #found.workflows == 1 and found.workflows[1].is_default then
    notes[#notes + 1] = ONLY_DEFAULT
  end
  local noted = {}
  for _, rule in ipairs(rules) do
    if rule.from == nil and not noted[rule.from_name] then
      noted[rule.from_name] = true
      notes[#notes + 1] = ("no stage %q is there now: nothing to move from it")
                          :format(rule.from_name)
    end
  end
end

-- What items that come later are moved by.
local function lasting(moves)
  local rules = {}
  for i, move in ipairs(moves) do
    rules[i] = { from = move.from, to = move.to, where = move.where,
                 from_name = move.from_name, to_name = move.to_name,
                 set = move.set }
  end
  return rules
end

-- The rules, their items listed; nil and the error.
local function list_rules(space, found, blueprint, options, notes)
  local problems = {}
  local context, rules, good, err
  context, err = members.resolve(space, blueprints.workflows(blueprint),
                                 blueprint.moves, options, problems, notes)
  if not context then return nil, err end
  good, err = check_types(space, found, blueprint, problems, notes)
  if not good then return nil, err end
  rules, err = make_rules(space, found, blueprint, context, problems)
  if not rules then return nil, err end
  if #problems > 0 then return nil, refuse(problems) end
  good, err = items.list(space, rules)
  if not good then return nil, err end
  return rules, context
end

-- Reads the workflow that the blueprint describes, which may be a new one.
local function read_workflow(space, blueprint, notes)
  local list, err = structure.workflows(space)
  if not list then return nil, err end
  local found = { workflows = list, stages = {} }
  if not (blueprint.workflow or blueprint.default or blueprint.id) then
    return found
  end
  local workflow, said = choose_workflow(list, blueprint)
  if workflow == nil then return nil, said end
  table.move(said, 1, #said, #notes + 1, notes)
  if not workflow then return found end
  found.workflow = workflow
  found.stages, err = structure.stages(space, workflow.id)
  if not found.stages then return nil, err end
  return found
end

-- The blueprint in the space's spelling, if nothing in the space forbids it.
local function adapt(found, blueprint, notes)
  local adapted, said = adapt_spelling(blueprint, found.workflow,
                                       found.stages)
  table.move(said, 1, #said, #notes + 1, notes)
  if not adapted.stages then return adapted, true end
  local problems
  problems, said = check_stages(adapted.stages, found.stages)
  if #problems > 0 then return nil, nil, refuse(problems) end
  table.move(said, 1, #said, #notes + 1, notes)
  return adapted, true
end

-- The state that the plan begins with: the blueprint's workflow, and those
-- that its moves name.
local function state_of(found, rules)
  local stages = table.move(found.stages, 1, #found.stages, 1, {})
  for _, other in pairs(rules.others) do
    table.move(other.stages, 1, #other.stages, #stages + 1, stages)
  end
  return state.new(found.workflows, stages)
end

-- What is to become of the blueprint's workflow; none where it has only
-- moves that name others.
local function targets_of(found, blueprint)
  local workflow = found.workflow
  if not workflow and not blueprint.stages then return {} end
  return { {
    ref = workflow and workflow.id, name = blueprint.workflow,
    content_types = blueprint.content_types, stages = blueprint.stages,
  } }
end

local function gone_of(draft)
  local workflow = draft.workflows[1]
  return workflow and workflow.gone or {}
end

--- Reads the space and plans.
-- @tparam table space
-- @tparam table blueprint normalized
-- @tparam table options `map_role`, `map_user`: name -> name
-- @treturn[1] table `state`, `scope`, `workflow` (its name), `operations`,
--   `rules`, `members`, `notes`
-- @treturn[2] nil
-- @treturn[2] table the error; `refused` with `problems`
return function(space, blueprint, options)
  local problems, notes = {}, {}
  if blueprint.workflows or blueprint.remove then
    return nil, errors.new {
      kind = "refused", message = "plans of several workflows, and plans " ..
        "that remove one, cannot be made yet",
    }
  end
  local found, err = read_workflow(space, blueprint, notes)
  if not found then return nil, err end
  local good
  good, err = check_workflow(found, blueprint)
  if not good then return nil, err end
  blueprint, good, err = adapt(found, blueprint, notes)
  if not good then return nil, err end
  local rules, context = list_rules(space, found, blueprint, options, notes)
  if not rules then return nil, context end
  local first = state_of(found, rules)
  local draft, moves = diff.plan(first, targets_of(found, blueprint), context,
                                 resolver(rules, problems))
  if not draft then return nil, refuse(moves) end
  if #problems == 0 then
    good, err = check_left_behind(space, gone_of(draft), rules, problems)
    if not good then return nil, err end
  end
  if #problems > 0 then return nil, refuse(problems) end
  add_notes(found, rules, notes)
  table.move(draft.notes, 1, #draft.notes, #notes + 1, notes)
  return { state = first, operations = draft.operations, notes = notes,
           scope = found.workflow and { found.workflow.id } or {},
           workflow = found.workflow and found.workflow.name or
                      blueprint.workflow,
           rules = lasting(moves), members = members.list(context) }
end
