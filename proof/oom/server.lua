-- The sandbox of the harness, in a process of its own so that its memory is
-- not counted. Reads lines from the standard input and answers each with one:
--
--   reset COUNT     a fresh space with so many stories to move -> "ok"
--   judge           what the space holds -> "moved=2 twice=0 stages=A,B"
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

local function snapshot(count)
  return { spaces = { {
    id = SPACE,
    workflows = {
      { name = "Default", is_default = true, stages = {
          { name = "Drafting", color = "#babcb6", position = 1,
            is_default = true },
      } },
      { name = "Article", content_types = { "article" }, stages = stages() },
    },
    stories = stories(count),
  } } }
end

local server = assert(sandbox.start {
  rate_limit = false, references = true, seed = snapshot(0),
})

local function names_of(space)
  local names = {}
  for _, workflow in ipairs(space.workflows) do
    if workflow.name == "Article" then
      for _, stage in ipairs(workflow.stages) do
        names[#names + 1] = stage.name
      end
    end
  end
  table.sort(names)
  return table.concat(names, ",")
end

local function judge()
  local space = server:dump().spaces[1]
  local seen, moved, twice = {}, 0, 0
  for _, change in ipairs(space.workflow_stage_changes) do
    if seen[change.story_id] then twice = twice + 1 end
    seen[change.story_id] = true
    moved = moved + 1
  end
  return ("moved=%d twice=%d stages=%s"):format(moved, twice,
                                                names_of(space))
end

local function say(text)
  io.stdout:write(text, "\n")
  io.stdout:flush()
end

say(server.url)
for line in io.lines() do
  local count = line:match "^reset (%d+)$"
  if count then
    assert(server:load(snapshot(tonumber(count))))
    say "ok"
  else
    say(judge())
  end
end
