--- Plans a rollback from a journal: reads the current state and passes the
-- desired one to the ordinary planner.
local changes_of = require "workstage.migration.plan.run_changes".of
local diff = require "workstage.migration.plan.diff"
local items = require "workstage.migration.items"
local merge = require "workstage.migration.plan.merge"
local render = require "workstage.migration.operations.render"
local space = require "workstage.migration.space"
local state = require "workstage.migration.state"

-- The workflows that the run has touched.
local function touched(changes)
  local ids, seen = {}, {}
  for _, each in ipairs { changes.before, changes.after } do
    for _, ref in ipairs(state.touched(each)) do
      if math.type(ref) and not seen[ref] then
        seen[ref], ids[#ids + 1] = true, ref
      end
    end
  end
  return ids
end

-- Counts the items in created stages that the rollback cannot move out.
local function count_held(client, now, changes, moved)
  local function can_return(group)
    return group.to ~= false and
           (now.stages[group.to] or changes.removed[group.to]) ~= nil
  end
  local held = {}
  for _, workflow in ipairs(state.touched(changes.before)) do
    for _, id in ipairs(state.order(now, workflow)) do
      if changes.made[id] then
        local count = 0
        local good, err = items.visit(client, nil, id, function(story)
          local group = moved:group_of_item(story.id)
          if not group or group.from ~= id or not can_return(group) then
            count = count + 1
          end
        end)
        if not good then return nil, err end
        held[id] = count > 0 and count or nil
      end
    end
  end
  return held
end

-- The reference in the plan of a stage that existed before the run.
local function finder(draft)
  return function(id)
    if draft.state.stages[id] or #draft.workflows == 0 then return id end
    for _, workflow in ipairs(draft.workflows) do
      if workflow.refs[id] then return workflow.refs[id] end
    end
  end
end

-- Identity map: members are described by their ids.
local identity = setmetatable({}, { __index = function(_, id) return id end })

local function plan_back(plan, first, targets, moved, conflicts)
  local draft, problems = diff.plan(first, targets, {
    roles = identity, users = identity, on_conflict = "skip",
  }, function(draft)
    local moves, left = moved:moves(finder(draft))
    table.move(left, 1, #left, #conflicts + 1, conflicts)
    return moves
  end)
  assert(draft, problems[1])
  local own = plan.scope and first.workflows[plan.scope[1]]
  return { state = first, scope = state.touched(first), rules = {},
           workflow = own and own.name or plan.workflow,
           operations = draft.operations,
           conflicts = conflicts }
end

local function note_unknown(moved, conflicts)
  if moved.unknown > 0 then
    conflicts[#conflicts + 1] = ("the due dates of %s are unknown and will " ..
      "not be restored"):format(render.items(moved.unknown))
  end
end

local function without_workflows(plan, moved)
  local conflicts = {}
  note_unknown(moved, conflicts)
  local parts = plan_back(plan, state.new(), {}, moved, conflicts)
  parts.scope = nil
  return parts
end

--- Plans a rollback.
-- @tparam table client
-- @tparam table replayed what `replay.read` returns
-- @tparam table moved the moves that are to be undone (`moved_items`)
-- @treturn[1] table `state`, `scope`, `workflow`, `operations`, `rules`,
--   `conflicts`, `notes`
-- @treturn[2] nil
-- @treturn[2] table the error
return function(client, replayed, moved)
  local plan = replayed.plan
  if not plan.scope then return without_workflows(plan, moved) end
  local changes, err = changes_of(client, replayed)
  if not changes then return nil, err end
  local now, held
  now, err = space.read_state(client, touched(changes))
  if not now then return nil, err end
  held, err = count_held(client, now, changes, moved)
  if not held then return nil, err end
  local targets, conflicts, notes = merge(changes, now, held)
  note_unknown(moved, conflicts)
  local parts = plan_back(plan, now, targets, moved, conflicts)
  parts.notes = notes
  return parts
end
