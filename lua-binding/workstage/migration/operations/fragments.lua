--- The changes of an operation as fragments, so that they can be undone.
--
-- A fragment names one workflow or stage, with its attributes before and
-- after: { stage = id, before = attributes, after = attributes }, or {
-- workflow = id, .. }. `before` is false for what the operation created,
-- `after` for what it deleted.
local fragments = {}

local function collect(found, what, before, after)
  for ref, was in pairs(before) do
    if after[ref] ~= was then
      found[#found + 1] = { [what] = ref, before = was,
                            after = after[ref] or false }
    end
  end
  for ref, is in pairs(after) do
    if not before[ref] then
      found[#found + 1] = { [what] = ref, before = false, after = is }
    end
  end
end

--- The differences between two states. States share the tables that an
-- operation has not changed.
-- @tparam table _ the operation
-- @tparam table before the state
-- @tparam table after the state
-- @treturn table array of fragments
function fragments.between(_, before, after)
  local found = {}
  collect(found, "workflow", before.workflows, after.workflows)
  collect(found, "stage", before.stages, after.stages)
  return found
end

return fragments
