--- Plans: made from a blueprint, shown to a person.
local failure = require "workstage.tool.ui.failure"
local migration = require "workstage.migration"
local render = require "workstage.migration.plan.render"
local screen = require "workstage.tool.ui.screen"

local planning = {}

-- A=B, for --map-role and --map-user.
local function pair(text)
  local from, to = text:match "^([^=]+)=(.+)$"
  if from then return { from, to } end
  return nil, ("--map-role, --map-user: '%s' is not of the form A=B")
              :format(text)
end

--- Adds the options of planning.
function planning.define(parser)
  parser:option("--map-role", "The blueprint's role A is called B in this " ..
                "space. May be repeated.")
    :argname "A=B":count "*":convert(pair)
  parser:option("--map-user", "The same for users, by e-mail address.")
    :argname "A=B":count "*":convert(pair)
  parser:option("--only", "Plan this workflow of a blueprint of several " ..
                "(default: the default one). May be repeated.")
    :argname "WORKFLOW":count "*"
end

local function map_of(pairs_given)
  local map = {}
  for _, each in ipairs(pairs_given) do map[each[1]] = each[2] end
  return map
end

--- The arguments as options of `migration.plan`.
function planning.options(parsed)
  local only = parsed.only or {}
  return { map_role = map_of(parsed.map_role or {}),
           map_user = map_of(parsed.map_user or {}),
           only = #only > 0 and only or nil }
end

--- Plans what a blueprint describes.
-- @tparam table job
-- @tparam table blueprint
-- @tparam[opt] string path of the blueprint, where it has one
-- @treturn[1] table the plan
-- @treturn[2] nil
-- @treturn[2] integer the exit status
function planning.make(job, blueprint, path)
  local parsed = job.parsed
  local plan, err = job:read(function(client)
    local options = planning.options(parsed)
    options.command = parsed.command_line
    return migration.plan(client, blueprint, options)
  end)
  if plan then return plan end
  return nil, failure.tell(err, path)
end

--- Shows a plan: as the result, or on the standard error where the result is
-- for a program.
-- @tparam table plan
-- @tparam table parsed the arguments: `json`, `json_events`
-- @tparam[opt] string heading names the space, see `connect.heading`
function planning.show(plan, parsed, heading)
  local is_result = not parsed.json and not parsed.json_events
  local descriptor = is_result and screen.OUT or screen.ERR
  local columns = screen.width(descriptor)
  local text = render.text(plan, {
    color = screen.has_color(descriptor), space = heading,
    fold = function(line) return screen.folded(line, columns) end,
  })
  if is_result then screen.put(text) else screen.put_note(text) end
end

return planning
