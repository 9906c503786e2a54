-- The sandbox of the harness, in a process of its own so that its memory is
-- not counted. Reads lines from the standard input and answers each with one:
--
--   begin COUNT   creates a space with COUNT stories to move -> "ok"
--   keep          saves its content, which `reset` restores -> "ok"
--   reset         -> "ok"
--   summary       its content, in short -> "moved=2 twice=0 A(B,C)"
--   held          its objects, one by one -> "change 1001 Review; stage B; "
--   tls           starts an nginx in front of it -> "https://... CA_FILE"
local sandbox = require "workstage.sandbox"

local SPACE = 288868932106293

local function stages()
  return {
    { name = "Drafting", color = "#babcb6", position = 1, is_default = true,
      allow_all_stages = true },
    { name = "Old review", color = "#b8860b", position = 2,
      allow_all_stages = true },
    { name = "Review", color = "#f5a623", position = 3,
      allow_all_stages = true },
  }
end

local function stories(count)
  local list = {}
  for i = 1, count do
    list[i] = {
      id = 1000 + i, name = "s" .. i, full_slug = "s/" .. i,
      content_type = "article",
      stage = { stage = "Old review", workflow = "Article" },
    }
  end
  return list
end

local function workspaces(count)
  local list = {}
  for i = 1, count do
    list[i] = { id = i, title = "w" .. i, status_key = 310 }
  end
  return list
end

local function snapshot(count)
  return {
    spaces = { {
      id = SPACE,
      workflows = {
        { name = "Default", is_default = true, stages = {
            { name = "Drafting", color = "#babcb6", position = 1,
              is_default = true },
        } },
        { name = "Article", content_types = { "article" },
          stages = stages() },
      },
      stories = stories(count),
    } },
    kantata = { workspaces = workspaces(count) },
  }
end

local server = assert(sandbox.start {
  rate_limit = false, kantata_rate_limit = false,
  kantata_workspaces_limit = false, references = true, seed = snapshot(0),
})

local kept, nginx

-- Stages' names by id, and all of them in a text.
local function stages_of(space)
  local names, all = {}, {}
  for i, workflow in ipairs(space.workflows) do
    local list = {}
    for j, stage in ipairs(workflow.stages) do
      names[stage.id] = stage.name
      list[j] = stage.name
    end
    table.sort(list)
    all[i] = ("%s(%s)"):format(workflow.name, table.concat(list, ","))
  end
  table.sort(all)
  return names, table.concat(all, " ")
end

-- Calls `take` with the words of each change of both services.
local function each_change(held, names, take)
  for _, change in ipairs(held.spaces[1].workflow_stage_changes) do
    take(("change %d %s"):format(change.story_id,
         names[change.workflow_stage_id] or "?"))
  end
  for _, change in ipairs(held.kantata.workspace_status_changes or {}) do
    take(("status %d %d"):format(change.workspace_id, change.to_status_key))
  end
end

local function summary()
  local held = server:dump()
  local names, all = stages_of(held.spaces[1])
  local seen, moved, twice = {}, 0, 0
  each_change(held, names, function(words)
    if seen[words] then twice = twice + 1 end
    seen[words] = true
    moved = moved + 1
  end)
  return ("moved=%d twice=%d %s"):format(moved, twice, all)
end

local function held()
  local now = server:dump()
  local names = stages_of(now.spaces[1])
  local words = {}
  for _, name in pairs(names) do words[#words + 1] = "stage " .. name end
  for _, workflow in ipairs(now.spaces[1].workflows) do
    words[#words + 1] = "workflow " .. workflow.name
  end
  each_change(now, names, function(said) words[#words + 1] = said end)
  table.sort(words)
  return table.concat(words, "; ") .. "; "
end

local answers = { summary = summary, held = held }

function answers.begin(count)
  kept = snapshot(tonumber(count))
  return answers.reset()
end

function answers.keep()
  kept = server:dump()
  return "ok"
end

function answers.reset()
  assert(server:load(kept))
  return "ok"
end

function answers.tls()
  nginx = nginx or require "support.nginx".start(server.url)
  return ("%s %s"):format(nginx:url "good", nginx:ca "ca")
end

local function say(text)
  io.stdout:write(text, "\n")
  io.stdout:flush()
end

say(server.url .. " " .. server.kantata_url)
for line in io.lines() do
  local word, rest = line:match "^(%S+) ?(.*)$"
  say(answers[word](rest))
end
if nginx then nginx:stop() end
