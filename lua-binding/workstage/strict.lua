--- Method tables in which a misspelt name raises an error that suggests the
-- nearest one, instead of a call of nil.
local core = require "workstage.core"
local visible = require "workstage.visible"

local strict = {}

-- Internal fields of a client, which are never suggested.
local INTERNAL = { transport = true, service = true }

-- Returns the names that can be suggested, sorted.
local function names_of(...)
  local names, seen = {}, {}
  for i = 1, select("#", ...) do
    for name in pairs((select(i, ...))) do
      if type(name) == "string" and not name:find "^_" and
         not INTERNAL[name] and not seen[name] then
        seen[name] = true
        names[#names + 1] = name
      end
    end
  end
  table.sort(names)
  return names
end

local function common_prefix(a, b)
  local size = 0
  while size < #a and a:byte(size + 1) == b:byte(size + 1) do
    size = size + 1
  end
  return size
end

-- Returns the name that was meant: the nearest, else the one with the longest
-- common prefix ("story": "stories"); nil if there is none.
local function nearest(names, name)
  local near, most = core.nearest(names, name), math.max(2, #name // 2)
  for _, other in ipairs(near and {} or names) do
    local size = common_prefix(name, other)
    if size > most then near, most = other, size end
  end
  return near
end

-- Raises the error, at the place where the name was used.
local function refuse(what, name, names)
  local near = nearest(names, name)
  local hint = near and (", did you mean '%s'?"):format(near)
               or (" (there are %s)"):format(table.concat(names, ", "))
  error(("%s has no '%s'%s"):format(what, visible.text(name), hint), 3)
end

--- Makes a table of functions strict, and returns it.
-- @tparam string what it is, as in "space.stages"
-- @tparam table api
function strict.table(what, api)
  return setmetatable(api, { __index = function(_, name)
    if type(name) ~= "string" or name:find "^_" then return nil end
    refuse(what, name, names_of(api))
  end })
end

--- An `__index` for objects with fields of their own beside the methods of a
-- class.
-- @tparam string what it is, as in "the client"
-- @tparam table class
-- @tparam[opt] table optional names that an object may lack
function strict.index(what, class, optional)
  return function(self, name)
    local method = rawget(class, name)
    if method ~= nil or type(name) ~= "string" or name:find "^_" or
       optional and optional[name] then
      return method
    end
    refuse(what, name, names_of(self, class))
  end
end

return strict
