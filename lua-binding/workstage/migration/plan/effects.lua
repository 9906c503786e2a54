--- What moves set off beside the moves: e-mails, webhooks, and what the
-- stages that items come to do with them.

-- What a move comes to stands in: a stage that is there, as it is to be.
local function target_of(ref, stages, operations)
  local state = {}
  for _, stage in ipairs(stages) do
    if stage.id == ref then
      for name, value in pairs(stage) do state[name] = value end
    end
  end
  for _, operation in ipairs(operations) do
    if operation.stage == ref and operation.set then
      for name, value in pairs(operation.set) do state[name] = value end
    end
  end
  return state
end

--- Counts them.
-- @tparam table operations
-- @tparam table stages array of attributes: those of the workflow, and those
--   of others that items come to
-- @treturn table `webhooks`, `emails`, `locked`, `unassigned`,
--   `unpublishable`: how many items
return function(operations, stages)
  local effects = { webhooks = 0, emails = 0, locked = 0, unassigned = 0,
                    unpublishable = 0 }
  local function add(name, count) effects[name] = effects[name] + count end
  for _, operation in ipairs(operations) do
    if operation.op == "move" then
      local count = operation.count
      local target = target_of(operation.to, stages, operations)
      add("webhooks", count)
      if operation.set.notify then add("emails", count) end
      if target.story_editing_locked then add("locked", count) end
      if target.auto_remove_assignee then add("unassigned", count) end
      if target.allow_publish == false then add("unpublishable", count) end
    end
  end
  return effects
end
