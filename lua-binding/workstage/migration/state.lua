--- The state of a space as a migration knows it: workflows, stages, and the
-- stage of each item concerned. Pure: no network or files.
--
-- A workflow or a stage has a reference: its id where it exists, and a name
-- that is unique in the plan where the plan creates it. States are never
-- changed: an operation's `reduce` makes a new one from a draft.
local attributes = require "workstage.migration.stage"
local sets = require "workstage.sets"
local visible = require "workstage.visible"

local formatted = visible.format
local state = {}

local MAPS = { "workflows", "stages", "ids", "workflow_ids", "deleted" }

--- Makes a state.
-- @tparam ?table workflows array of { id, name, content_types, is_default }
-- @tparam ?table stages array of attributes (`stage.of_stage`), each with
--   its `workflow`
-- @treturn table `workflows`, `stages` (reference -> attributes), `ids` and
--   `workflow_ids` (reference -> id of what the plan has created), `deleted`
--   (set of ids), `items` (item id -> reference of its stage, or false; nil:
--   not recorded)
function state.new(workflows, stages)
  local self = { ids = {}, workflow_ids = {}, deleted = {}, workflows = {},
                 stages = {} }
  for _, workflow in ipairs(workflows or {}) do
    self.workflows[workflow.id] = workflow
  end
  for _, stage in ipairs(stages or {}) do self.stages[stage.id] = stage end
  return self
end

local function copy(values)
  local same = {}
  for name, value in pairs(values) do same[name] = value end
  return same
end

state.copy = copy

--- A copy whose maps may be changed; the tables in them must not be.
function state.draft(self)
  local draft = { items = self.items }
  for _, name in ipairs(MAPS) do draft[name] = copy(self[name]) end
  return draft
end

--- The current reference of a stage: its id once the plan has created it.
function state.ref(self, ref)
  return self.ids[ref] or ref
end

--- The same for a workflow.
function state.workflow_ref(self, ref)
  return self.workflow_ids[ref] or ref
end

--- True if a workflow has a stage.
-- @param ref the stage's reference; nil and false are none
-- @param workflow the workflow's reference
function state.has_stage(self, ref, workflow)
  local stage = ref and self.stages[ref] or nil
  return stage ~= nil and stage.workflow == workflow
end

local function by_position(a, b)
  local left, right = a.position or 0, b.position or 0
  if left ~= right then return left < right end
  if math.type(a.ref) == math.type(b.ref) then return a.ref < b.ref end
  return math.type(a.ref) ~= nil
end

--- The names of stages, by which a plan calls them once they are gone.
-- @tparam table self
-- @tparam ?table refs
-- @treturn ?table array; nil without `refs`
function state.names(self, refs)
  if not refs then return nil end
  local names = {}
  for i, ref in ipairs(refs) do
    local stage = self.stages[ref]
    names[i] = stage and stage.name or tostring(ref)
  end
  return names
end

--- The stages of a workflow, in order.
-- @treturn table array of references
function state.order(self, workflow)
  local rows, refs = {}, {}
  for ref, stage in pairs(self.stages) do
    if stage.workflow == workflow then
      rows[#rows + 1] = { ref = ref, position = stage.position }
    end
  end
  table.sort(rows, by_position)
  for i, row in ipairs(rows) do refs[i] = row.ref end
  return refs
end

--- The same as an array of attributes.
function state.stages_of(self, workflow)
  local stages = {}
  for i, ref in ipairs(state.order(self, workflow)) do
    stages[i] = self.stages[ref]
  end
  return stages
end

--- The workflows in order of their ids, new ones last.
-- @treturn table array of references
function state.workflow_order(self)
  local rows, refs = {}, {}
  for ref in pairs(self.workflows) do rows[#rows + 1] = { ref = ref } end
  table.sort(rows, by_position)
  for i, row in ipairs(rows) do refs[i] = row.ref end
  return refs
end

--- The workflows to which the stages of a state belong.
-- @treturn table array of references, in order
function state.touched(self)
  local seen, refs = {}, {}
  for _, stage in pairs(self.stages) do seen[stage.workflow] = true end
  for _, ref in ipairs(state.workflow_order(self)) do
    if seen[ref] then refs[#refs + 1] = ref end
  end
  return refs
end

-- ------------------------------------------------------------------ drafts

-- Current references, without deleted stages.
local function live(draft, refs)
  local list = {}
  for _, ref in ipairs(refs) do
    local known = state.ref(draft, ref)
    if not draft.deleted[known] then list[#list + 1] = known end
  end
  return list
end

--- Attributes with current references.
function state.resolve(self, values)
  local set = copy(values)
  if set.workflow_stage_ids then
    set.workflow_stage_ids = live(self, set.workflow_stage_ids)
  end
  if set.after_publish_id then
    set.after_publish_id = live(self, { set.after_publish_id })[1] or false
  end
  return set
end

-- A workflow has one default stage: the service clears the mark of the others.
local function take_default(draft, ref)
  local workflow = draft.stages[ref].workflow
  for other, stage in pairs(draft.stages) do
    if other ~= ref and stage.workflow == workflow and stage.is_default then
      draft.stages[other] = copy(stage)
      draft.stages[other].is_default = false
    end
  end
end

--- Changes attributes of a stage in a draft; does nothing if it was deleted.
function state.set_stage(draft, ref, values)
  if not draft.stages[ref] then return end
  local stage = copy(draft.stages[ref])
  for name, value in pairs(state.resolve(draft, values)) do
    stage[name] = value
  end
  draft.stages[ref] = stage
  if values.is_default then take_default(draft, ref) end
end

--- Removes a stage from a draft; the service removes it from the transitions
-- of others.
function state.remove_stage(draft, ref)
  draft.stages[ref] = nil
  if math.type(ref) then draft.deleted[ref] = true end
  for other, stage in pairs(draft.stages) do
    local rest = sets.filter(stage.workflow_stage_ids, function(each)
      return each ~= ref
    end)
    if stage.after_publish_id == ref or
       #rest < #(stage.workflow_stage_ids or {}) then
      stage = copy(stage)
      stage.workflow_stage_ids = rest
      if stage.after_publish_id == ref then stage.after_publish_id = false end
      draft.stages[other] = stage
    end
  end
end

-- ------------------------------------------------------------- differences

local function names_of(...)
  local names = {}
  for i = 1, select("#", ...) do
    for ref, stage in pairs((select(i, ...)).stages) do
      names[ref] = stage.name
    end
  end
  return names
end

local function shown(value, names)
  if type(value) ~= "table" then
    return visible.text(tostring(names[value] or value))
  end
  local items = {}
  for i, item in ipairs(value) do
    items[i] = visible.text(tostring(names[item] or item))
  end
  table.sort(items)
  return "[" .. table.concat(items, ", ") .. "]"
end

local function compare_stage(found, before, now, names)
  for _, name in ipairs(attributes.all) do
    if not attributes.equal(name, before[name], now[name]) then
      found[#found + 1] = formatted("stage %q: %s was %s, is %s", before.name,
        name, shown(before[name], names), shown(now[name], names))
    end
  end
end

local function compare_workflow(found, was, is)
  if was.name ~= is.name then
    found[#found + 1] = formatted("the workflow was %q, is %q", was.name,
                                                              is.name)
  end
  if not attributes.equal("content_types", was.content_types,
                          is.content_types) then
    found[#found + 1] = ("content types were %s, are %s")
      :format(shown(was.content_types, {}), shown(is.content_types, {}))
  end
end

local function compare_stages(found, before, now, workflow)
  local names = names_of(before, now)
  for _, ref in ipairs(state.order(before, workflow)) do
    local was, is = before.stages[ref], now.stages[ref]
    if is and is.workflow == workflow then
      compare_stage(found, was, is, names)
    else
      found[#found + 1] = formatted("stage %q is gone", was.name)
    end
  end
  for _, ref in ipairs(state.order(now, workflow)) do
    local was = before.stages[ref]
    if not was or was.workflow ~= workflow then
      found[#found + 1] = formatted("stage %q is new", now.stages[ref].name)
    end
  end
end

--- The differences in a workflow between two states, as sentences.
function state.differences(before, now, workflow)
  local found = {}
  local was, is = before.workflows[workflow], now.workflows[workflow]
  if not is then return { formatted("the workflow %q is gone", was.name) } end
  compare_stages(found, before, now, workflow)
  compare_workflow(found, was, is)
  return found
end

--- The stages that differ between two states of one plan.
-- @treturn table `added`, `removed`, `changed`: arrays of references, in
--   order of workflow and position
function state.changed_stages(before, after)
  local found = { added = {}, removed = {}, changed = {} }
  local function add(kind, ref) table.insert(found[kind], ref) end
  for _, workflow in ipairs(state.workflow_order(before)) do
    for _, ref in ipairs(state.order(before, workflow)) do
      local now = after.stages[ref]
      local was = before.stages[ref]
      if not now then add("removed", ref)
      elseif was.workflow ~= now.workflow or attributes.changes(was, now)
      then
        add("changed", ref)
      end
    end
  end
  for _, workflow in ipairs(state.workflow_order(after)) do
    for _, ref in ipairs(state.order(after, workflow)) do
      if not before.stages[ref] then add("added", ref) end
    end
  end
  return found
end

return state
