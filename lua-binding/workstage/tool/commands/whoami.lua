-- workstage whoami: whose token it is, and which space it is for.

local connect = require "workstage.tool.connect"
local failure = require "workstage.tool.ui.failure"
local job = require "workstage.tool.job"
local screen = require "workstage.tool.ui.screen"
local status = require "workstage.tool.exit_status"

local command = {
  summary = "Say whose token it is.",
  examples = {
    "workstage whoami",
    "workstage whoami --space 288868932106293 --json",
    "KANTATA_TOKEN=... workstage whoami --service kantata",
  },
}

function command.define(parser)
  parser:flag("--json", "Write the result as one line of JSON.")
  connect.define(parser)
end

local function tell(record, json)
  if json then screen.json(record)
  elseif record.service == "kantata" then
    screen.say(("Kantata OX: the token is good, for %d projects")
               :format(record.projects))
  else
    local user = record.user
    screen.say(("%s <%s>, user %d"):format(
      screen.clean(user.friendly_name or "?"),
      screen.clean(user.userid or "?"), user.id))
    screen.say(("Space %d, %d workflow%s"):format(
      record.space_id, record.workflows, record.workflows == 1 and "" or "s"))
  end
  return status.DONE
end

local ask = {}

-- A token may be good and the space not be its owner's.
function ask.storyblok(client)
  local user, err = client:whoami()
  if not user then return nil, err end
  local workflows
  workflows, err = client.workflows:list()
  if not workflows then return nil, err end
  return {
    service = "storyblok", space_id = client.space_id,
    workflows = #workflows,
    user = { id = user.id, userid = user.userid,
             friendly_name = user.friendly_name },
  }
end

-- Kantata has no such request: what can be seen says that the token is good.
function ask.kantata(client)
  local page, err = client.workspaces:page { per_page = 1 }
  if not page then return nil, err end
  return { service = "kantata", projects = page.total or #page }
end

function command.run(parsed)
  local self, code = job.new(parsed)
  if not self then return code end
  local record, err = self:read(ask[connect.service(parsed)])
  if not record then return failure.tell(err) end
  return tell(record, parsed.json)
end

return command
