--- workstage: workflow stages and stage changes in Storyblok, workspace
-- status changes in Kantata OX.
local core = require "workstage.core"
local kantata = require "workstage.kantata"
local scope = require "workstage.scope"
local storyblok = require "workstage.storyblok"
local transport = require "workstage.transport"

local workstage = {
  _VERSION = "workstage " .. core.version,

  --- JSON's null, for attributes that are to be cleared (lua-cjson's).
  null = transport.null,

  map = scope.map,
  run = scope.run,
  loop = scope.loop,
}

local function check(given, name)
  if type(given) ~= "table" then
    error(("workstage.%s: expected a table of options, got %s")
          :format(name, type(given)), 3)
  end
end

--- A client of one Storyblok space.
-- @tparam table given the options: `space_id`, `token` ...
-- @treturn[1] table the space
-- @treturn[2] nil
-- @treturn[2] table the error
function workstage.storyblok(given)
  check(given, "storyblok")
  return storyblok.new(given)
end

--- A client of one Kantata OX account.
-- @tparam table given the options: `token` ...
-- @treturn[1] table the account
-- @treturn[2] nil
-- @treturn[2] table the error
function workstage.kantata(given)
  check(given, "kantata")
  return kantata.new(given)
end

return workstage
