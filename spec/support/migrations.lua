--- Common functions for the specs of migrations: build a space in a sandbox
-- that enforces every rule, apply plans to it, and read its content by names.
local clients = require "support.clients"
local migration = require "workstage.migration"
local sandbox = require "workstage.sandbox"

local migrations = { SPACE = clients.SPACE }

--- A folder in memory, if possible, as a sync takes no time there.
function migrations.folder()
  local pipe = assert(io.popen "mktemp -d -p /dev/shm 2>/dev/null || mktemp -d")
  local path = pipe:read "l"
  pipe:close()
  return path
end

function migrations.remove(folder)
  assert(folder:find "^/dev/shm/." or folder:find "^/tmp/.")
  os.execute("rm -rf '" .. folder .. "'")
end

function migrations.client_options(server, more)
  local opts = {
    token = clients.TOKEN, base_url = server.url,
    space_id = migrations.SPACE, rate_limit = false, settle_time = 0.002,
    proxy = false, timeout = 10,
    retry = { attempts = 8, base = 0.002, cap = 0.01 },
  }
  for name, value in pairs(more or {}) do opts[name] = value end
  return opts
end

--- Another client of the same space.
function migrations.client(server, more)
  local workstage = require "workstage"
  return assert(workstage.storyblok(migrations.client_options(server, more)))
end

--- A sandbox that checks references and transitions, and a client of it.
-- @tparam table content of the only space, as in a snapshot
-- @tparam[opt] table options of the sandbox
-- @tparam[opt] table more options of the client
function migrations.start(content, options, more)
  local opts = { rate_limit = false, references = true }
  for name, value in pairs(options or {}) do opts[name] = value end
  opts.seed = migrations.snapshot(content)
  local server = assert(sandbox.start(opts))
  return server, migrations.client(server, more)
end

--- A snapshot of one space.
function migrations.snapshot(content)
  local space = { id = migrations.SPACE }
  for name, value in pairs(content) do space[name] = value end
  local users = space.users
  space.users = nil
  return { users = users, spaces = { space } }
end

-- --------------------------------------------------------- a small space

--- The stages of the workflow with which most specs start.
function migrations.stages()
  return {
    { name = "Drafting", color = "#babcb6", position = 1, is_default = true,
      workflow_stage_ids = { "Review" } },
    { name = "Review", color = "#f5a623", position = 2,
      workflow_stage_ids = { "Drafting", "Ready" } },
    { name = "Old review", color = "#b8860b", position = 3,
      workflow_stage_ids = { "Ready" } },
    { name = "Ready", color = "#7ed321", position = 4, allow_publish = true,
      workflow_stage_ids = {} },
  }
end

--- Stories in stages of "Article": { ["Old review"] = 12, none = 3 }.
function migrations.stories(counts)
  local stories, stages = {}, {}
  for name in pairs(counts) do stages[#stages + 1] = name end
  table.sort(stages)
  for _, name in ipairs(stages) do
    for i = 1, counts[name] do
      local slug = ("%s/%d"):format(name:lower():gsub(" ", "-"), i)
      stories[#stories + 1] = {
        id = 1000000 + #stories, name = slug, full_slug = slug,
        content_type = "article",
        stage = name ~= "none" and { stage = name, workflow = "Article" } or
                nil,
      }
    end
  end
  return stories
end

--- A space with the default workflow and "Article".
-- @tparam[opt] table counts stories by stage
-- @tparam[opt] table more of the space's content
function migrations.space(counts, more)
  local content = {
    workflows = {
      { name = "Default", is_default = true, stages = {
          { name = "Drafting", color = "#babcb6", position = 1,
            is_default = true, allow_all_stages = true },
          { name = "Reviewing", color = "#fbce41", position = 2,
            allow_all_stages = true },
      } },
      { name = "Article", content_types = { "article" },
        stages = migrations.stages() },
    },
    stories = migrations.stories(counts or {}),
  }
  for name, value in pairs(more or {}) do content[name] = value end
  return content
end

--- The blueprint of the unchanged "Article", to be modified.
function migrations.blueprint()
  return {
    workflow = "Article", content_types = { "article" },
    stages = {
      { name = "Drafting", color = "#babcb6", is_default = true,
        next = { "Review" } },
      { name = "Review", color = "#f5a623", next = { "Drafting", "Ready" } },
      { name = "Old review", color = "#b8860b", next = { "Ready" } },
      { name = "Ready", color = "#7ed321", allow_publish = true, next = {} },
    },
    moves = {},
  }
end

--- The same without "Old review", whose stories go to "Review".
function migrations.smaller()
  local blueprint = migrations.blueprint()
  table.remove(blueprint.stages, 3)
  blueprint.moves = { { from = "Old review", to = "Review" } }
  return blueprint
end

-- ---------------------------------------------------- what is there now

--- A workflow as stored by the server.
function migrations.workflow(server, name)
  for _, workflow in ipairs(server:dump().spaces[1].workflows) do
    if workflow.name == (name or "Article") then
      table.sort(workflow.stages, function(a, b)
        if a.position ~= b.position then return a.position < b.position end
        return a.id < b.id
      end)
      return workflow
    end
  end
end

--- The stages of a workflow by name.
function migrations.stages_of(server, name)
  local found = {}
  for _, stage in ipairs(migrations.workflow(server, name).stages) do
    found[stage.name] = stage
  end
  return found
end

--- The names of the stages in order.
function migrations.names(server, name)
  local names = {}
  for i, stage in ipairs(migrations.workflow(server, name).stages) do
    names[i] = stage.name
  end
  return names
end

--- The number of stories in each stage, by "Stage" (of "Article") or
-- "Workflow / Stage"; "none" for those without one.
function migrations.counts(server)
  local space, names, counts = server:dump().spaces[1], {}, {}
  for _, workflow in ipairs(space.workflows) do
    for _, stage in ipairs(workflow.stages) do
      names[stage.id] = workflow.name == "Article" and stage.name or
                        workflow.name .. " / " .. stage.name
    end
  end
  for _, story in ipairs(space.stories) do
    local name = story.stage and names[story.stage.workflow_stage_id] or
                 "none"
    counts[name] = (counts[name] or 0) + 1
  end
  return counts
end

--- The stage changes on the server, by story.
function migrations.changes(server)
  local found = {}
  for _, change in ipairs(server:dump().spaces[1].workflow_stage_changes) do
    found[change.story_id] = found[change.story_id] or {}
    table.insert(found[change.story_id], change)
  end
  return found
end

local function sorted(list)
  if type(list) ~= "table" then return tostring(list) end
  local copy = table.move(list, 1, #list, 1, {})
  table.sort(copy)
  return table.concat(copy, ",")
end

--- A blueprint as text: equal for blueprints with the same meaning.
function migrations.text_of(blueprint)
  local lines = { ("%s %s [%s]"):format(blueprint.workflow, blueprint.default,
                                        sorted(blueprint.content_types)) }
  for _, stage in ipairs(blueprint.stages) do
    local names = {}
    for name in pairs(stage) do
      if name ~= "was" then names[#names + 1] = name end
    end
    table.sort(names)
    for i, name in ipairs(names) do
      names[i] = ("%s=%s"):format(name, sorted(stage[name]))
    end
    lines[#lines + 1] = table.concat(names, " ")
  end
  return table.concat(lines, "\n")
end

--- The workflow as text, with names instead of ids.
function migrations.text(space, name)
  return migrations.text_of(assert(migration.export(space, name or
                                                    "Article")))
end

--- Every request that the sandbox rejected; it has no content types.
function migrations.refused(server, from)
  local found = {}
  for _, request in ipairs(server:requests(from)) do
    if request.status and request.status >= 400 and
       not request.path:find "/components$" then
      found[#found + 1] = ("%s %s %s -> %d"):format(
        request.method, request.path, request.body or "", request.status)
    end
  end
  return found
end

--- A blueprint with all kinds of changes at once: swapped names and colours, a
-- stage that is removed, a new one with its name, a new default, another order,
-- moves.
-- @tparam[opt="Start"] string last the new name of Drafting
function migrations.busy(last)
  return {
    workflow = "Article", content_types = { "article", "news" },
    stages = {
      { name = "Ready", was = "Review", color = "#7ed321", next = "all",
        is_default = true },
      { name = "Review", was = "Ready", color = "#f5a623",
        after_publish = "Ready", next = { "Legal" } },
      { name = "Legal", color = "#b8860b", next = { "Review", "Ready" } },
      { name = last or "Start", was = "Drafting", color = "#123456",
        next = "none" },
    },
    moves = {
      { from = "Old review", where = { starts_with = "old-review/1" },
        to = "Legal" },
      { from = "Old review", to = "Review" },
      { from = "Drafting", to = "Ready" },
    },
  }
end

return migrations
