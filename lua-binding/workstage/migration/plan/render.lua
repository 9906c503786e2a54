--- A plan as text: a diff to read before confirming.
local describe = require "workstage.migration.plan.describe"
local duration = require "workstage.duration"
local operations = require "workstage.migration.operations"
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

-- ---------------------------------------------------------------- stages

local function write_detail(detail, out)
  local text = detail.label and detail.label .. ": " .. detail.text or
               detail.text
  out(detail.is_default and "dim" or nil, "      " .. text)
end

local HEADINGS = {
  added = { "green", "  + stage %s%s" }, removed = { "red", "  - stage %s" },
  changed = { "yellow", "  ~ stage %s" },
  opened = { "dim", "  . stage %s: its transitions are opened for the " ..
             "moves, then closed" },
}

local function write_stage(entry, out)
  local heading, stage = HEADINGS[entry.kind], entry.stage
  out(heading[1], heading[2]:format(words.quoted(stage.name),
                                    stage.color and "  " .. stage.color
                                    or ""))
  for _, detail in ipairs(entry.details) do write_detail(detail, out) end
end

-- A heading for each workflow if the plan has several.
local function write_stages(plan, names, out)
  local has_headings, last = not plan.workflow, nil
  for _, entry in ipairs(describe.stages(plan)) do
    if has_headings and entry.workflow ~= last then
      last = entry.workflow
      out("bold", "Workflow " .. names.workflow(last))
    end
    write_stage(entry, out)
  end
end

-- --------------------------------------------------------------- the rest

local function write_effects(plan, out)
  for _, effect in ipairs(describe.effects(plan)) do
    out("yellow", "  ! " .. effect)
  end
  for _, conflict in ipairs(plan.conflicts) do
    out("yellow", "  ! " .. conflict)
  end
  for _, note in ipairs(plan.notes or {}) do out("dim", "  . " .. note) end
end

-- The first lines. `space` is a description of the space, if the caller has
-- one.
local function title(plan, space)
  if plan.service == "kantata" then return "Kantata OX" end
  space = space or ("Space %d"):format(plan.space_id)
  if not plan.workflow then return space end
  return ("%s\nWorkflow %s"):format(space, words.quoted(plan.workflow))
end

local function write_summary(plan, out)
  out(nil, describe.totals(plan))
  local time = ""
  if plan.seconds then
    time = (", %s at %g a second"):format(
      duration.estimate(plan.seconds), plan.rate)
  end
  out(nil, ("%d request%s%s."):format(plan.requests,
                                      plan.requests == 1 and "" or "s", time))
end

-- The operations that move items, or the others.
local function write_operations(plan, names, out, has_items)
  for _, op in ipairs(plan.operations) do
    local kind = operations.of(op)
    local lines = (kind.has_items or false) == has_items and
                  kind.render(op, names) or {}
    for _, line in ipairs(lines) do
      if type(line) == "table" then out(line[1], line[2])
      else out(nil, line) end
    end
  end
end

--- The plan as text.
-- @tparam table plan
-- @tparam[opt] table options `color`; `space`, a description of the space in
-- place of its id; `fold(line)`, which splits a line that is too long for a
-- terminal
-- @treturn string lines
function render.text(plan, options)
  options = options or {}
  local paint, parts = painter(options.color), {}
  local fold = options.fold or function(line) return { line } end
  local function out(color, line)
    for _, each in ipairs(fold(line)) do
      parts[#parts + 1] = color and paint(color, each) or each
    end
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
  local names = describe.names(plan, after)
  write_operations(plan, names, out, false)
  write_stages(plan, names, out)
  write_operations(plan, names, out, true)
  write_effects(plan, out)
  write_summary(plan, out)
  return table.concat(parts, "\n")
end

return render
