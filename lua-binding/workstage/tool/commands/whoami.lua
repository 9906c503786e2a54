-- workstage whoami: whose token it is, and which space it is for.

local connect = require "workstage.tool.connect"
local exit_status = require "workstage.tool.exit_status"
local job = require "workstage.tool.job"
local screen = require "workstage.tool.ui.screen"

local command = {
  summary = "Show whose token it is, and the space.",
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

local function tell(record, heading)
  if record.service == "kantata" then
    screen.say(("Kantata OX: the token is valid and sees %s.")
               :format(screen.count(record.projects, "project")))
    return
  end
  local user = record.user
  screen.say(("%s <%s>, user %d"):format(
    screen.clean(user.friendly_name or "?"),
    screen.clean(user.email or user.userid or "?"), user.id))
  screen.say(("%s, %s"):format(heading,
                               screen.count(record.workflows, "workflow")))
end

local ask = {}

-- A valid token may belong to somebody who has no access to the space.
function ask.storyblok(client)
  local user, err = client:whoami()
  if not user then return nil, err end
  local workflows
  workflows, err = client.workflows:list()
  if not workflows then return nil, err end
  local heading, name = connect.heading(client)
  return {
    service = "storyblok", space_id = client.space_id, space_name = name,
    workflows = #workflows,
    user = { id = user.id, userid = user.userid, email = user.email,
             friendly_name = user.friendly_name },
  }, heading
end

-- That projects can be read shows that the token is valid.
function ask.kantata(client)
  local page, err = client.workspaces:page { per_page = 1 }
  if not page then return nil, err end
  return { service = "kantata", projects = page.total or #page }
end

function command.run(parsed)
  local self, record, heading = job.read(parsed, ask)
  if not self then return record end
  if parsed.json then screen.json(record) else tell(record, heading) end
  return exit_status.DONE
end

return command
