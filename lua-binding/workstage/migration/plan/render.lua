--- A plan in words: a diff that a person reads before saying yes.
local attributes = require "workstage.migration.stage"
local duration = require "workstage.duration"
local operations = require "workstage.migration.operations"
local state = require "workstage.migration.state"
local words = require "workstage.migration.operations.render"

local render = {}

local COLORS = { green = "32", red = "31", yellow = "33", cyan = "36",
                 dim = "2", bold = "1" }

local function painter(color)
  return function(name, text)
    if not color then return text end
    return ("\27[%sm%s\27[0m"):format(COLORS[name], text)
  end
end

-- ----------------------------------------------------------------- names

local KINDS = { space_role_ids = "roles", user_ids = "users" }

-- Names for references of stages as they are in the end (`stage`) and at
-- first (`before`), and for the ids of members in their attributes.
local function naming(plan, after)
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
  function names.stage(ref) return name_in({ after, plan.state }, ref) end
  function names.before(ref) return name_in({ plan.state, after }, ref) end
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

-- ---------------------------------------------------------------- stages

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

-- A name that leaves a list is the one that it had; one that joins it is the
-- one that it will have.
local function change_line(attribute, before, after, names)
  local was, is = names.of(attribute, names.before),
                  names.of(attribute, names.stage)
  local text
  if type(before) == "table" and type(after) == "table" then
    text = words.list_change(before, after, is, was)
  else
    text = ("%s -> %s"):format(value_of(attribute, before, was),
                               value_of(attribute, after, is))
  end
  return ("      %s: %s"):format(label(attribute), text)
end

local LISTS = { "workflow_stage_ids", "after_publish_id", "space_role_ids",
                "user_ids" }

local function added_lines(stage, names, out)
  if stage.allow_all_stages then out(nil, "      next: all") end
  for _, attribute in ipairs(LISTS) do
    local value = stage[attribute]
    if value and not (type(value) == "table" and #value == 0) then
      out(nil, ("      %s: %s"):format(label(attribute),
        value_of(attribute, value, names.of(attribute, names.stage))))
    end
  end
  local flags = {}
  for _, flag in ipairs(attributes.flags) do
    if stage[flag] then flags[#flags + 1] = flag end
  end
  if #flags > 0 then out(nil, "      " .. table.concat(flags, ", ")) end
end

-- Permissions and transitions that are not sent are the service's to decide.
local function default_line(stage, out)
  local open = {}
  for _, name in ipairs(attributes.all) do
    if stage[name] == nil and name ~= "is_default" and
       name ~= "allow_none_for_next_stages" and name ~= "allow_all_stages"
    then
      open[#open + 1] = label(name)
    end
  end
  if #open > 0 then
    out("dim", "      service defaults: " .. table.concat(open, ", "))
  end
end

local function write_added(stage, names, out)
  out("green", ("  + stage %s%s"):format(words.quoted(stage.name),
    stage.color and "  " .. stage.color or ""))
  added_lines(stage, names, out)
  default_line(stage, out)
end

local function write_changed(before, after, names, out)
  out("yellow", ("  ~ stage %s"):format(words.quoted(before.name)))
  local changes = attributes.changes(before, after)
  for _, attribute in ipairs(attributes.all) do
    if changes[attribute] ~= nil then
      out(nil, change_line(attribute, before[attribute], changes[attribute],
                           names))
    end
  end
end

local OPENED = "  . stage %s: its transitions are opened for the moves, and " ..
               "closed again"

-- Stages that are changed on the way and are in the end what they were.
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

local function write_stages(plan, after, names, out)
  local changes = state.changed_stages(plan.state, after)
  local before = plan.state.stages
  for _, ref in ipairs(changes.removed) do
    out("red", ("  - stage %s"):format(words.quoted(before[ref].name)))
  end
  for _, ref in ipairs(changes.changed) do
    write_changed(before[ref], after.stages[ref], names, out)
  end
  for _, ref in ipairs(opened_stages(plan, changes)) do
    out("dim", OPENED:format(names.before(ref)))
  end
  for _, ref in ipairs(changes.added) do
    write_added(after.stages[ref], names, out)
  end
end

--- How many stages are added, changed and removed, and how many items moved.
-- @tparam table plan
-- @treturn table `added`, `changed`, `removed`, `moved`
function render.counts(plan)
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

-- --------------------------------------------------------------- the rest

local EFFECTS = {
  { "emails", "Sends e-mails for 1 item.", "Sends e-mails for %d items." },
  { "webhooks", "Triggers up to 1 webhook call.",
    "Triggers up to %d webhook calls." },
  { "notifications", "Notifies the participants of 1 project who asked " ..
    "for it.", "Notifies the participants of %d projects who asked for it." },
  { "unassigned", "1 item loses its assignees.",
    "%d items lose their assignees." },
  { "locked", "1 item can no longer be edited.",
    "%d items can no longer be edited." },
  { "unpublishable", "1 item cannot be published in its new stage.",
    "%d items cannot be published in their new stage." },
}

local function write_effects(plan, out)
  for _, effect in ipairs(EFFECTS) do
    local count = plan.effects and plan.effects[effect[1]] or 0
    if count > 0 then
      local text = count == 1 and effect[2] or effect[3]
      out("yellow", "  ! " .. text:format(count))
    end
  end
  for _, conflict in ipairs(plan.conflicts) do
    out("yellow", "  ! " .. conflict)
  end
  for _, note in ipairs(plan.notes or {}) do out("dim", "  . " .. note) end
end

-- Kantata has nothing but projects to move.
local function totals(plan)
  local counts = render.counts(plan)
  local moved = ("%d to move."):format(counts.moved)
  if plan.service == "kantata" then return moved end
  return ("%d to add, %d to change, %d to remove, %s"):format(
    counts.added, counts.changed, counts.removed, moved)
end

-- The first lines. `space` names the space where somebody has asked for its
-- name.
local function title(plan, space)
  if plan.service == "kantata" then return "Kantata OX" end
  space = space or ("Space %d"):format(plan.space_id)
  if not plan.workflow then return space end
  return ("%s\nWorkflow %s"):format(space, words.quoted(plan.workflow))
end

local function write_summary(plan, out)
  out(nil, totals(plan))
  local time = ""
  if plan.seconds then
    time = (", about %s at %g a second"):format(
      duration.text(plan.seconds), plan.rate)
  end
  out(nil, ("%d request%s%s."):format(plan.requests,
                                      plan.requests == 1 and "" or "s", time))
end

local function write_operations(plan, names, out)
  for _, op in ipairs(plan.operations) do
    for _, line in ipairs(operations.of(op).render(op, names)) do
      if type(line) == "table" then out(line[1], line[2])
      else out(nil, line) end
    end
  end
end

--- The plan as text.
-- @tparam table plan
-- @tparam[opt] table options `color`; `space`, words for the space in place
-- of its id
-- @treturn string lines
function render.text(plan, options)
  options = options or {}
  local paint, parts = painter(options.color), {}
  local function out(color, line)
    parts[#parts + 1] = color and paint(color, line) or line
  end
  for line in title(plan, options.space):gmatch "[^\n]+" do
    out("bold", line)
  end
  if #plan.operations == 0 then
    out(nil, plan.service == "kantata" and "  No changes. No project matches."
        or "  No changes. The workflow matches the blueprint.")
    write_effects(plan, out)
    return table.concat(parts, "\n")
  end
  local after = operations.after(plan.state, plan.operations)
  local names = naming(plan, after)
  write_stages(plan, after, names, out)
  write_operations(plan, names, out)
  write_effects(plan, out)
  write_summary(plan, out)
  return table.concat(parts, "\n")
end

return render
