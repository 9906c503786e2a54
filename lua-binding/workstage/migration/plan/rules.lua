--- The moves of a blueprint as rules: their start and end stages in the space,
-- and the attributes of each change.
local attributes = require "workstage.migration.stage"
local choose_workflow = require "workstage.migration.plan.choose_workflow"
local near_name = require "workstage.near_name"
local quoted = require "workstage.visible".quoted

local rules = {}

-- ----------------------------------------------------------- ends of moves
--
-- An end is { workflow = described workflow } or, if the blueprint does not
-- describe it, { stages = those in the space, name = }.

local function described_workflow(self, place)
  if not (place.workflow or place.default) then return self.described[1] end
  for _, each in ipairs(self.described) do
    if each:is_meant_by(place) then return each end
  end
end

-- A workflow that the blueprint does not describe.
local function other_workflow(self, place)
  local workflow, why = choose_workflow(self.reader.workflows, {
    workflow = place.workflow, default = place.default, create = true,
  })
  if workflow == nil then return nil, nil, why.message end
  if not workflow then
    return nil, nil, ("The space has no workflow %s.%s"):format(
      quoted(place.workflow),
      near_name(place.workflow, self.reader.workflows))
  end
  local stages, err = self.reader:stages(workflow.id)
  if not stages then return nil, err end
  return { stages = stages, name = workflow.name }
end

local function workflow_of(self, place)
  local workflow = described_workflow(self, place)
  if workflow then return { workflow = workflow } end
  if place.workflow or place.default then return other_workflow(self, place)
  end
  return nil, nil, "Which workflow? Set workflow = its name."
end

local function stage_named(stages, name)
  for _, stage in ipairs(stages) do
    if stage.name == name then return stage end
  end
end

-- The existing stage: by its name, or by its former name if the blueprint
-- renames it.
local function existing_stage(workflow, name)
  local stage = workflow.spelling:find(name)
  if stage then return stage end
  for _, each in ipairs(workflow.value.stages or {}) do
    if each.name == name then
      return each.taken or each.was and workflow.spelling:find(each.was)
    end
  end
end

-- A stage's name in a plan, with its workflow if there are several.
local function name_of(self, found, stage_name)
  local workflow = found.workflow
  local name = found.name
  if workflow and self.is_several then
    name = workflow.value.workflow or
           workflow.existing and workflow.existing.name
  end
  return name and ("%s / %s"):format(name, stage_name) or stage_name
end

-- The start of a move: `ref` is false for no stage, nil if the stage does not
-- exist (any more).
local function begin_of(self, place)
  if place == "none" then return { ref = false, name = "no stage" } end
  local found, err, problem = workflow_of(self, place)
  if not found then return nil, err, problem end
  local stage
  if found.workflow then stage = existing_stage(found.workflow, place.stage)
  else stage = stage_named(found.stages, place.stage) end
  return { ref = stage and stage.id, stage = stage, stages = found.stages,
           name = name_of(self, found, place.stage) }
end

-- The end of a move. Only the planner knows the reference of a described
-- stage.
local function end_of(self, place)
  local found, err, problem = workflow_of(self, place)
  if not found then return nil, err, problem end
  local name, workflow = place.stage, found.workflow
  if workflow then
    name = workflow.spelling:of(name)
    return { workflow = workflow, stage_name = name,
             name = name_of(self, found, name) }
  end
  local stage = stage_named(found.stages, name)
  if not stage then
    return nil, nil, ("Workflow %s has no stage %s.%s"):format(
      quoted(found.name), quoted(name), near_name(name, found.stages))
  end
  return { ref = stage.id, stages = found.stages,
           name = name_of(self, found, name) }
end

-- ------------------------------------------------------------------ rules

-- True if a move within a workflow that is not described lacks its transition:
-- transitions are only opened in described workflows.
local function is_closed(from, to)
  return from.stage ~= nil and from.stages ~= nil and
         from.stages == to.stages and from.ref ~= to.ref and
         not attributes.leads_to(from.stage, to.ref)
end

local function ids_of(names, map)
  if not names then return nil end
  local ids = {}
  for i, name in ipairs(names) do ids[i] = map[name] end
  return ids
end

-- The attributes of a change besides story and stage.
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

-- Makes the rule of one move; returns nil and the error, or a problem as a
-- sentence.
local function rule_of(self, index, move, context)
  local from, err, problem = begin_of(self, move.from)
  if not from then return nil, err, problem end
  local to
  to, err, problem = end_of(self, move.to)
  if not to then return nil, err, problem end
  return {
    index = index, from = from.ref, from_name = from.name, to = to,
    to_name = to.name, where = move.where, is_closed = is_closed(from, to),
    set = change_set(move, context),
  }
end

--- Makes the rules of a blueprint's moves.
-- @tparam table reader see `plan/space_reader`
-- @tparam table described see `plan/described`
-- @tparam table blueprint in normal form
-- @tparam table context `roles`, `users`: name -> id
-- @tparam table problems gets sentences
-- @treturn[1] table array of rules
-- @treturn[2] nil
-- @treturn[2] table the error
function rules.of(reader, described, blueprint, context, problems)
  local self = { reader = reader, described = described,
                 is_several = blueprint.workflows ~= nil }
  local list = {}
  for i, move in ipairs(blueprint.moves) do
    local rule, err, problem = rule_of(self, i, move, context)
    if err then return nil, err end
    list[#list + 1] = rule
    if problem then
      problems[#problems + 1] = ("moves[%d]: %s"):format(i, problem)
    end
  end
  return list
end

-- ---------------------------------------------------------------- resolving

-- The reference of the stage that a rule moves to.
local function ref_of(rule, draft)
  local to = rule.to
  if not to.workflow then return to.ref end
  local workflow = draft.workflows[to.workflow.target]
  return workflow and workflow.refs[to.stage_name]
end

local function problem_with(rule, ref)
  if not ref then
    local stages = rule.to.workflow and rule.to.workflow.value.stages or {}
    return ("moves[%d]: There will be no stage %s.%s"):format(
      rule.index, quoted(rule.to_name),
      near_name(rule.to.stage_name or "", stages))
  elseif rule.is_closed and rule.count > 0 then
    return ("moves[%d]: Stage %s does not lead to %s. Add this transition " ..
            "first, or describe the workflow in a blueprint."):format(
      rule.index, quoted(rule.from_name), quoted(rule.to_name))
  end
end

--- Returns a function that makes the planner's moves once stages have
-- references.
-- @tparam table list the rules, their items listed
-- @tparam table problems gets sentences
function rules.resolver(list, problems)
  return function(draft)
    local moves = {}
    for i, rule in ipairs(list) do
      local ref = ref_of(rule, draft)
      problems[#problems + 1] = problem_with(rule, ref)
      local stays = ref == rule.from
      moves[i] = {
        from = rule.from, to = ref, from_name = rule.from_name,
        to_name = rule.to_name, set = rule.set, where = rule.where,
        dues_count = rule.dues_count, items = stays and {} or rule.items,
        count = stays and 0 or rule.count,
      }
    end
    return moves
  end
end

--- The rules that move late arrivals.
-- @tparam table moves as the resolver has made them
function rules.lasting(moves)
  local list = {}
  for i, move in ipairs(moves) do
    list[i] = { from = move.from, to = move.to, where = move.where,
                from_name = move.from_name, to_name = move.to_name,
                set = move.set }
  end
  return list
end

return rules
