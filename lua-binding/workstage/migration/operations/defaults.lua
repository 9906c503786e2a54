--- What a kind of operation does unless its file says otherwise.
local fragments = require "workstage.migration.operations.fragments"

local function none() return {} end

local DEFAULTS = {
  -- What is read before the operation: { stages = references }.
  needs = none,
  -- Preconditions as data: see `workstage.migration.preconditions`.
  requires = none,
  -- What a cut-off attempt did: the operation's result; false: nothing that
  -- shows, so that it is performed again; nil and the error.
  recover = function() return false end,
  inverse = fragments.between,
  requests = function() return 1 end,
  render = none,
  effects = none,
  -- True if it goes on although an item could not be moved, or a stage that
  -- was to be deleted is not empty.
  goes_on_after_failure = false, goes_on_with_rest = false,
  -- True if it lists items, and says how many (`count`).
  has_items = false,
  -- True if it takes so long that stages are read again after it.
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
