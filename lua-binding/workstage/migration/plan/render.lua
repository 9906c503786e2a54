--- A plan in words: a diff that a person reads before saying yes.
local attributes = require "workstage.migration.stage"
local duration = require "workstage.duration"
local visible = require "workstage.visible"

local describe = {}

local COLORS = { green = "32", red = "31", yellow = "33", cyan = "36",
                 dim = "2", bold = "1" }

local function painter(color)
  return function(name, text)
    if not color then return text end
    return ("\27[%sm%s\27[0m"):format(COLORS[name], text)
  end
end

local function plain(_, text) return text end

local KINDS = { space_role_ids = "roles", user_ids = "users" }

-- Names for references: ids of stages that are there, names of new ones; and
-- for the ids of members in their attributes.
local function naming(plan)
  local names = { stages = {}, roles = {}, users = {} }
  for _, stage in ipairs(plan.structure.stages) do
    names.stages[stage.id] = stage.name
  end
  for _, operation in ipairs(plan.operations) do
    if operation.set and operation.set.name and operation.stage then
      names.stages[operation.stage] = operation.set.name
    end
  end
  for _, member in ipairs(plan.members or {}) do
    names[member.kind][member.id] = member.name
  end
  return function(ref, attribute)
    if ref == false or ref == nil then return "none" end
    local name = names[KINDS[attribute] or "stages"][ref]
    return name and ("%q"):format(name) or tostring(ref)
  end
end

local function list_of(items, name, attribute)
  local shown = {}
  for i, item in ipairs(items) do shown[i] = name(item, attribute) end
  return #shown > 0 and table.concat(shown, ", ") or "none"
end

local function value_of(attribute, value, name)
  if type(value) == "table" then return list_of(value, name, attribute) end
  if attribute == "after_publish_id" then return name(value) end
  if type(value) == "string" then return ("%q"):format(value) end
  return tostring(value)
end

local LABELS = {
  workflow_stage_ids = "next", after_publish_id = "after publish",
}

local function label(attribute)
  return LABELS[attribute] or KINDS[attribute] or attribute
end

-- What joins and what leaves a list.
local function list_change(before, now, name, attribute)
  local was, is, parts = {}, {}, {}
  for _, item in ipairs(before) do was[item] = true end
  for _, item in ipairs(now) do is[item] = true end
  for _, item in ipairs(before) do
    if not is[item] then
      parts[#parts + 1] = "- " .. name(item, attribute)
    end
  end
  for _, item in ipairs(now) do
    if not was[item] then
      parts[#parts + 1] = "+ " .. name(item, attribute)
    end
  end
  return table.concat(parts, "  ")
end

local function change_line(attribute, before, now, name)
  if type(before) == "table" and type(now) == "table" then
    return ("      %s: %s"):format(label(attribute),
                                   list_change(before, now, name,
                                               attribute))
  end
  return ("      %s: %s -> %s"):format(label(attribute),
                                       value_of(attribute, before, name),
                                       value_of(attribute, now, name))
end

-- ----------------------------------------------------------- the stages
--
-- A stage may be touched by several operations; a person is told once what
-- it comes to.

-- The attributes in which a stage that is there and stays becomes another.
local function changes_of(change)
  local found = {}
  for _, attribute in ipairs(attributes.all) do
    local now, before = change.set[attribute], change.before[attribute]
    if now ~= nil and attribute ~= "position" and
       not attributes.equal(attribute, before, now) then
      found[#found + 1] = attribute
    end
  end
  return found
end

local function stage_changes(plan)
  local order, changed = {}, {}
  for _, operation in ipairs(plan.operations) do
    local ref = operation.stage
    if ref and not changed[ref] then
      changed[ref] = { ref = ref, set = {}, before = {} }
      order[#order + 1] = changed[ref]
    end
    if operation.op == "create_stage" then changed[ref].is_new = true
    elseif operation.op == "delete_stage" then
      changed[ref].is_gone, changed[ref].name = true, operation.name
    end
    for name, value in pairs(operation.set or {}) do
      if ref then changed[ref].set[name] = value end
    end
  end
  for _, stage in ipairs(plan.structure.stages) do
    if changed[stage.id] then changed[stage.id].before = stage end
  end
  return order
end

local function added(change, name, paint, out)
  local set = change.set
  out(paint("green", ("  + stage %q  %s"):format(set.name, set.color)))
  if set.allow_all_stages then out "      next: all"
  elseif #(set.workflow_stage_ids or {}) > 0 then
    out(("      next: %s"):format(list_of(set.workflow_stage_ids, name)))
  end
  if set.after_publish_id then
    out(("      after publish: %s"):format(name(set.after_publish_id)))
  end
  for _, attribute in ipairs { "space_role_ids", "user_ids" } do
    if #(set[attribute] or {}) > 0 then
      out(("      %s: %s"):format(label(attribute),
                                  list_of(set[attribute], name, attribute)))
    end
  end
  local flags = {}
  for _, flag in ipairs(attributes.flags) do
    if set[flag] then flags[#flags + 1] = flag end
  end
  if #flags > 0 then out("      " .. table.concat(flags, ", ")) end
end

local function changed(change, name, paint, out)
  local found = changes_of(change)
  if #found == 0 then
    out(paint("dim", ("  . stage %q: its ways are opened for the moves, " ..
                      "and closed again"):format(change.before.name)))
    return
  end
  out(paint("yellow", ("  ~ stage %q"):format(change.before.name)))
  for _, attribute in ipairs(found) do
    out(change_line(attribute, change.before[attribute],
                    change.set[attribute], name))
  end
end

local function describe_stages(plan, name, paint, out)
  for _, change in ipairs(stage_changes(plan)) do
    if change.is_new then added(change, name, paint, out)
    elseif change.is_gone then
      out(paint("red", ("  - stage %q"):format(change.name)))
    elseif next(change.set) ~= nil then
      changed(change, name, paint, out)
    end
  end
end

--- How many stages are added, changed and removed, and how many items moved.
-- @tparam table plan
-- @treturn table `added`, `changed`, `removed`, `moved`
function describe.counts(plan)
  local counts = { added = 0, changed = 0, removed = 0, moved = 0 }
  local function add(name, count) counts[name] = counts[name] + count end
  for _, change in ipairs(stage_changes(plan)) do
    if change.is_new then add("added", 1)
    elseif change.is_gone then add("removed", 1)
    elseif #changes_of(change) > 0 then add("changed", 1) end
  end
  for _, operation in ipairs(plan.operations) do
    if operation.op == "move" then add("moved", operation.count) end
  end
  return counts
end

-- -------------------------------------------------------- other operations

local function quoted(texts)
  local list = {}
  for i, text in ipairs(texts) do list[i] = ("%q"):format(text) end
  return table.concat(list, ", ")
end

local describe_operation = {}

function describe_operation.create_workflow(operation, _, paint, out)
  out(paint("green", ("  + workflow %q for %s")
    :format(operation.name, quoted(operation.content_types))))
end

function describe_operation.delete_workflow(operation, _, paint, out)
  out(paint("red", ("  - workflow %q"):format(operation.name)))
end

function describe_operation.update_workflow(operation, _, paint, out)
  out(paint("yellow", "  ~ workflow"))
  out(("      content types: %s")
    :format(list_change(operation.before.content_types,
                        operation.set.content_types, tostring)))
end

function describe_operation.order_stages(operation, name, paint, out)
  out(paint("yellow", "  ~ order: ") .. list_of(operation.order, name))
end

function describe_operation.move(operation, _, paint, out)
  local beside = {}
  if operation.set.comment then beside[#beside + 1] = "with a comment" end
  if operation.set.notify then beside[#beside + 1] = "with e-mails" end
  local text = ("  > %d item%s  %s -> %s"):format(
    operation.count, operation.count == 1 and "" or "s",
    operation.from_name, operation.to_name)
  if #beside > 0 then
    text = ("%s  (%s)"):format(text, table.concat(beside, ", "))
  end
  out(paint("cyan", text))
end

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

local function describe_effects(plan, paint, out)
  for _, effect in ipairs(EFFECTS) do
    local count = plan.effects and plan.effects[effect[1]] or 0
    if count > 0 then
      local text = count == 1 and effect[2] or effect[3]
      out(paint("yellow", "  ! " .. text:format(count)))
    end
  end
  for _, note in ipairs(plan.notes or {}) do
    out(paint("dim", "  . " .. note))
  end
end

-- Kantata has nothing but projects to move.
local function totals(plan)
  local counts = describe.counts(plan)
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
  return ("%s\nWorkflow %s"):format(space, visible.quoted(plan.workflow))
end

--- The plan as text.
-- @tparam table plan
-- @tparam[opt] table options `color`; `space`, words for the space in place
-- of its id
-- @treturn string lines
function describe.text(plan, options)
  local paint = options and options.color and painter(true) or plain
  local name, parts = naming(plan), {}
  local function out(line) parts[#parts + 1] = line end
  for line in title(plan, options and options.space):gmatch "[^\n]+" do
    out(paint("bold", line))
  end
  if #plan.operations == 0 then
    out(plan.service == "kantata" and "  No changes. No project matches." or
        "  No changes. The workflow matches the blueprint.")
    describe_effects(plan, paint, out)
    return table.concat(parts, "\n")
  end
  describe_stages(plan, name, paint, out)
  for _, operation in ipairs(plan.operations) do
    local write = describe_operation[operation.op]
    if write then write(operation, name, paint, out) end
  end
  describe_effects(plan, paint, out)
  out(totals(plan))
  local time = ""
  if plan.seconds then
    time = (", about %s at %g a second"):format(
      duration.text(plan.seconds), plan.rate)
  end
  out(("%d request%s%s."):format(plan.requests,
                                 plan.requests == 1 and "" or "s", time))
  return table.concat(parts, "\n")
end

return describe
