--- Defaults for the functions of a kind of operation.
local fragments = require "workstage.migration.operations.fragments"

local function none() return {} end

local DEFAULTS = {
  -- The stages that are read before the operation: { stages = references }.
  needs = none,
  -- Preconditions as data: see `workstage.migration.preconditions`.
  requires = none,
  -- The effect of an interrupted attempt: the operation's result; false if it
  -- had none, so that it is performed again; nil and the error.
  recover = function() return false end,
  inverse = fragments.between,
  requests = function() return 1 end,
  render = none,
  effects = none,
  -- True if it is performed even if an item could not be moved or a stage to
  -- delete is not empty.
  goes_on_after_failure = false, goes_on_with_rest = false,
  -- True if it has a list of items and their `count`.
  has_items = false,
  -- True if it takes long, so that stages are read again after it.
  ages = false,
}

--- Completes the table of a kind of operation.
-- @tparam table kind at least `reduce` and `execute`
-- @treturn table the same
return function(kind)
  for name, value in pairs(DEFAULTS) do
    if kind[name] == nil then kind[name] = value end
  end
  return kind
end
