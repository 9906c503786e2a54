--- A process that applies the plan of a folder, resumes it or rolls it back,
-- and may be killed.
local files = require "support.files"
local migrations = require "support.migrations"
local service = require "support.service"
local shell = require "house.shell"
local system = require "system"

-- Applies the plan, or resumes; exits with 0 when all is done.
local CHILD = [[
local migration = require "workstage.migration"
local workstage = require "workstage"
local url, space_id, folder, kind = table.unpack(arg)
local space = assert(workstage.storyblok {
  token = "child-of-the-specs", base_url = url,
  space_id = math.tointeger(tonumber(space_id)), rate_limit = false,
  settle_time = 0.25, proxy = false,
  retry = { attempts = 8, base = 0.002, cap = 0.02 } })
local journal, report, err = folder .. "/j", nil, nil
if kind == "rollback" then
  report, err = migration.rollback(space, journal)
elseif io.open(journal) then
  report, err = migration.resume(space, journal)
else
  local plan = assert(migration.load(folder .. "/plan"))
  report, err = migration.apply(space, plan, { journal = journal })
end
print(report or err)
if report and report.complete then os.exit(0) end
os.exit(err and err.unplanned and 3 or 1)
]]

-- What a killed process has sent takes effect before another one looks, however
-- busy the machine is: an effect later than `settle_time` is beyond all rules.
local function wait_for(server, connections)
  local ends = service.now() + 10
  while server:stats().open_connections > connections and
        service.now() < ends do
    system.sleep(0.01)
  end
end

--- Runs the process, with "plan" and "j", its journal, in the folder.
-- @tparam table server the sandbox
-- @tparam string folder
-- @tparam ?number seconds after which it is killed; nil: never
-- @tparam[opt="apply"] string kind "apply" (also resumes) or "rollback"
-- @treturn string its output
-- @treturn integer its exit status: 0 once all is done, 1 if not, 137 if it was
--   killed, 3 if the journal ends within its plan, so that it may be removed
return function(server, folder, seconds, kind)
  local command = files.command(CHILD, server.url,
    ("%d"):format(migrations.SPACE), folder, kind or "apply")
  if seconds then
    command = ("timeout -s KILL %.3f %s"):format(seconds, command)
  end
  local connections = server:stats().open_connections
  local output, code = shell.run("%s", command)
  wait_for(server, connections)
  return output, code
end
