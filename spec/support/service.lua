--- A sandbox and clients of it for the specs of requests: without a rate limit,
-- and with short pauses.
local sandbox = require "workstage.sandbox"
local system = require "system"
local workstage = require "workstage"

local service = {}

service.SPACE = 288868932106293
service.TOKEN = "s3cret-token-of-the-specs"

local function merge(into, more)
  for name, value in pairs(more or {}) do into[name] = value end
  return into
end

--- Starts a sandbox; options as for sandbox.start.
function service.start(options)
  return assert(sandbox.start(merge({ rate_limit = false }, options)))
end

local function defaults()
  return {
    token = service.TOKEN, rate_limit = false, settle_time = 0.2,
    retry = { attempts = 4, base = 0.002, cap = 0.01 }, timeout = 5,
  }
end

function service.storyblok(server, options)
  local opts = merge(defaults(), { space_id = service.SPACE,
                                    base_url = server.url })
  return assert(workstage.storyblok(merge(opts, options)))
end

function service.kantata(server, options)
  local opts = merge(defaults(), { base_url = server.kantata_url })
  return assert(workstage.kantata(merge(opts, options)))
end

--- Seconds on a clock that only goes forward.
service.now = system.monotime

--- The received requests, optionally only those of a method and a part of a
-- path.
function service.requests(server, method, path)
  local found = {}
  for _, request in ipairs(server:requests()) do
    if (not method or request.method == method) and
       (not path or request.path:find(path, 1, true)) then
      found[#found + 1] = request
    end
  end
  return found
end

function service.count(server, method, path)
  return #service.requests(server, method, path)
end

--- The only space of a sandbox, from its dump.
function service.space_of(server)
  return server:dump().spaces[1]
end

--- The ids that specs use, from the default seed.
function service.ids(server)
  local space, ids = service.space_of(server), {}
  for _, workflow in ipairs(space.workflows) do
    if workflow.name == "Article" then
      ids.workflow = workflow.id
      ids.stages = {}
      for i, stage in ipairs(workflow.stages) do
        ids.stages[i] = stage.id
        ids[stage.name] = stage.id
      end
    else
      ids.default_workflow = workflow.id
    end
  end
  ids.stories = {}
  for i, story in ipairs(space.stories) do ids.stories[i] = story.id end
  return ids
end

--- The changes of a story to a stage on the server.
function service.changes_of(server, story, stage)
  local found = {}
  for _, change in ipairs(service.space_of(server).workflow_stage_changes) do
    if change.story_id == story and
       (not stage or change.workflow_stage_id == stage) then
      found[#found + 1] = change
    end
  end
  return found
end

return service
