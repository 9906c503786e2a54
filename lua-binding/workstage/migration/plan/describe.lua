--- Summarizes a plan as data: the stages added, changed and removed, with
-- details as text. The plan's text and its report are made from it.
local attributes = require "workstage.migration.stage"
local filter_words = require "workstage.migration.filter_words"
local operations = require "workstage.migration.operations"
local permissions = require "workstage.migration.plan.permissions"
local state = require "workstage.migration.state"
local visible = require "workstage.visible"
local words = require "workstage.migration.operations.render"

local describe = {}

-- ----------------------------------------------------------------- names

local KINDS = { space_role_ids = "roles", user_ids = "users" }

--- Names of stages after the plan (`stage`) and before it (`before`), of
-- workflows, and of the members in their attributes (`of`), by reference or
-- id; and the filter of a rule as text (`filter`).
-- @tparam table plan
-- @tparam table after the state at its end
function describe.names(plan, after)
  local members = { roles = {}, users = {} }
  for _, member in ipairs(plan.members or {}) do
    members[member.kind][member.id] = member.name
  end
  local function name_in(states, ref)
    if ref == false or ref == nil then return "none" end
    for _, each in ipairs(states) do
      local stage = each.stages[ref]
      if stage then return words.quoted(stage.name) end
    end
    return tostring(ref)
  end
  local names = {}
  function names.workflow(ref)
    local workflow = after.workflows[ref] or plan.state.workflows[ref]
    return workflow and words.quoted(workflow.name) or tostring(ref)
  end
  function names.stage(ref) return name_in({ after, plan.state }, ref) end
  function names.before(ref) return name_in({ plan.state, after }, ref) end
  function names.filter(index)
    local rule = (plan.rules or {})[index]
    local text = filter_words.text(rule and rule.where)
    return text and visible.text(text)
  end
  function names.of(attribute, name)
    local kind = KINDS[attribute]
    if not kind then return name end
    return function(id)
      local member = members[kind][id]
      return member and words.quoted(member) or tostring(id)
    end
  end
  return names
end

local LABELS = { workflow_stage_ids = "next", after_publish_id =
                 "after publish" }

local function label(attribute)
  return LABELS[attribute] or KINDS[attribute] or attribute
end

-- --------------------------------------------------------------- details

-- The flags as text, for readers who do not know blueprints.
local FLAGS = {
  is_default = "new stories start here",
  allow_publish = "everyone may publish",
  allow_admin_publish = "admins may publish",
  allow_all_users = "everyone may move items out",
  allow_admin_change = "admins may move items out",
  allow_editor_change = "editors may move items out",
  story_editing_locked = "stories cannot be edited",
  auto_remove_assignee = "assignees are cleared when an item arrives",
}

local function flag_words(flags)
  local parts = {}
  for i, flag in ipairs(flags) do parts[i] = FLAGS[flag] end
  return table.concat(parts, ", ")
end

local function list_of(items, name)
  local parts = {}
  for i, item in ipairs(items) do parts[i] = name(item) end
  return #parts > 0 and table.concat(parts, ", ") or "none"
end

local function value_of(attribute, value, name)
  if type(value) == "table" then return list_of(value, name) end
  if attribute == "after_publish_id" then return name(value) end
  if type(value) == "string" then return words.quoted(value) end
  return tostring(value)
end

-- Removed elements are shown by their former names, added ones by their new
-- names.
local function change_detail(attribute, before, after, names)
  local was, is = names.of(attribute, names.before),
                  names.of(attribute, names.stage)
  if type(before) == "table" and type(after) == "table" then
    return { label = label(attribute),
             text = words.list_change(before, after, is, was) }
  end
  local flag = FLAGS[attribute]
  return {
    label = label(attribute),
    text = ("%s -> %s"):format(value_of(attribute, before, was),
                               value_of(attribute, after, is)),
    words = flag and ("%s: %s"):format(after and "From now on" or
                                       "No longer", flag),
  }
end

local LISTS = { "workflow_stage_ids", "after_publish_id", "space_role_ids",
                "user_ids" }

local function flags_of(stage)
  local flags = {}
  for _, flag in ipairs(attributes.flags) do
    if stage[flag] then flags[#flags + 1] = flag end
  end
  return flags
end

-- Attributes that are not sent get the service's defaults.
local function defaults_of(stage)
  local open = {}
  for _, name in ipairs(attributes.all) do
    if stage[name] == nil and name ~= "is_default" and
       name ~= "allow_none_for_next_stages" and name ~= "allow_all_stages"
    then
      open[#open + 1] = label(name)
    end
  end
  return open
end

local function added_details(stage, names)
  local details = {}
  local function add(name, text)
    details[#details + 1] = { label = name, text = text }
  end
  if stage.allow_all_stages then add("next", "all") end
  for _, attribute in ipairs(LISTS) do
    local value = stage[attribute]
    local is_moot = attribute == "workflow_stage_ids" and
                    stage.allow_all_stages
    if value and not is_moot and
       not (type(value) == "table" and #value == 0) then
      add(label(attribute), value_of(attribute, value,
                                     names.of(attribute, names.stage)))
    end
  end
  local flags, open = flags_of(stage), defaults_of(stage)
  if #flags > 0 then
    add(nil, table.concat(flags, ", "))
    details[#details].words = flag_words(flags)
  end
  if #open > 0 then
    add("service defaults", table.concat(open, ", "))
    details[#details].is_default = true
  end
  return details
end

local function changed_details(before, after, names)
  local details = {}
  if before.workflow ~= after.workflow then
    details[1] = { label = "workflow", text = ("%s -> %s"):format(
      names.workflow(before.workflow), names.workflow(after.workflow)) }
  end
  local changes = attributes.changes(before, after) or {}
  for _, attribute in ipairs(attributes.all) do
    if changes[attribute] ~= nil then
      details[#details + 1] = change_detail(
        attribute, before[attribute], changes[attribute], names)
    end
  end
  return details
end

-- ---------------------------------------------------------------- stages

-- Stages that are changed temporarily and then restored.
local function opened_stages(plan, changes)
  local seen, refs = {}, {}
  for _, list in pairs(changes) do
    for _, ref in ipairs(list) do seen[ref] = true end
  end
  for _, op in ipairs(plan.operations) do
    if op.stage and not seen[op.stage] then
      seen[op.stage] = true
      refs[#refs + 1] = op.stage
    end
  end
  return refs
end

-- Sorts entries by workflow, in display order.
local function by_workflow(entries, before, after)
  local place = {}
  for _, each in ipairs { after, before } do
    for i, ref in ipairs(state.workflow_order(each)) do
      place[ref] = place[ref] or i
    end
  end
  local index = {}
  for i, entry in ipairs(entries) do index[entry] = i end
  table.sort(entries, function(a, b)
    local left, right = place[a.workflow] or 0, place[b.workflow] or 0
    if left ~= right then return left < right end
    return index[a] < index[b]
  end)
  return entries
end

--- The stages that a plan removes, changes, opens during the moves, and adds:
-- by workflow, and in this order.
-- @tparam table plan
-- @treturn table array of `kind` ("removed", "changed", "opened", "added"),
--   `workflow` (its reference), `stage` (its attributes, the former ones
--   unless it is new), `details`: an array of `label` (nil for flags), `text`,
--   `is_default`, and for flags `words`, a phrase for both
function describe.stages(plan)
  local after = operations.after(plan.state, plan.operations)
  local names, found = describe.names(plan, after), {}
  local changes = state.changed_stages(plan.state, after)
  local before, now = plan.state.stages, after.stages
  local function add(kind, stage, details)
    found[#found + 1] = { kind = kind, stage = stage,
                          workflow = stage.workflow, details = details or {} }
  end
  for _, ref in ipairs(changes.removed) do add("removed", before[ref]) end
  for _, ref in ipairs(changes.changed) do
    add("changed", before[ref], changed_details(before[ref], now[ref], names))
  end
  for _, ref in ipairs(opened_stages(plan, changes)) do
    add("opened", before[ref] or now[ref])
  end
  for _, ref in ipairs(changes.added) do
    add("added", now[ref], added_details(now[ref], names))
  end
  return by_workflow(found, plan.state, after)
end

--- The names after the plan of the workflows that it changes: one, several, or
-- none if it only moves items.
-- @tparam table plan
-- @treturn table array of names
function describe.workflows(plan)
  if plan.workflow then return { plan.workflow } end
  local after = operations.after(plan.state, plan.operations)
  local names = {}
  for _, ref in ipairs(plan.scope or {}) do
    local workflow = after.workflows[ref] or plan.state.workflows[ref]
    names[#names + 1] = workflow and workflow.name
  end
  return names
end

--- Counts the stages added, changed and removed, and the items moved.
-- @tparam table plan
-- @treturn table `added`, `changed`, `removed`, `moved`
function describe.counts(plan)
  local after = operations.after(plan.state, plan.operations)
  local counts = { moved = 0 }
  for name, refs in pairs(state.changed_stages(plan.state, after)) do
    counts[name] = #refs
  end
  for _, op in ipairs(plan.operations) do
    counts.moved = counts.moved + (op.count or 0)
  end
  return counts
end

-- --------------------------------------------------------------- effects

local EFFECTS = {
  { "emails", "Sends e-mails for 1 item.", "Sends e-mails for %d items." },
  { "webhooks", "Triggers up to 1 webhook call.",
    "Triggers up to %d webhook calls." },
  { "notifications", "Notifies the participants of 1 project who asked " ..
    "for it.", "Notifies the participants of %d projects who asked for it." },
  { "dues_cleared", "Clears the due date of 1 item.",
    "Clears the due dates of %d items." },
  { "dues_unknown", "The due date of 1 item is unknown and will be lost.",
    "The due dates of %d items are unknown and will be lost." },
  { "unassigned", "1 item loses its assignees.",
    "%d items lose their assignees." },
  { "locked", "1 item can no longer be edited.",
    "%d items can no longer be edited." },
  { "unpublishable", "1 item can no longer be published by everyone.",
    "%d items can no longer be published by everyone." },
}

--- What a plan triggers beside its changes, and who may do less after it, as
-- sentences.
-- @tparam table plan
-- @treturn table array of strings
function describe.effects(plan)
  local found = {}
  for _, effect in ipairs(EFFECTS) do
    local count = plan.effects and plan.effects[effect[1]] or 0
    if count > 0 then
      local text = count == 1 and effect[2] or effect[3]
      found[#found + 1] = text:format(count)
    end
  end
  local after = operations.after(plan.state, plan.operations)
  local narrowed = permissions.narrowed(plan.state, after,
                                        describe.names(plan, after))
  return table.move(narrowed, 1, #narrowed, #found + 1, found)
end

local TOTALS = { { "added", "add" }, { "changed", "change" },
                 { "removed", "remove" }, { "moved", "move" } }

--- The totals of a plan, in one sentence: "2 to change, 300 to move." A plan
-- that only changes the workflow itself has none of them.
-- @tparam table plan
-- @treturn string
function describe.totals(plan)
  local counts, parts = describe.counts(plan), {}
  for _, each in ipairs(TOTALS) do
    local count = counts[each[1]]
    if count > 0 then parts[#parts + 1] = ("%d to %s"):format(count, each[2])
    end
  end
  if #parts > 0 then return table.concat(parts, ", ") .. "." end
  return #plan.operations == 1 and "1 operation." or
         ("%d operations."):format(#plan.operations)
end

return describe
