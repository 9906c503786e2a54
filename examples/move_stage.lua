--[[
A first migration: the new stage "Legal" between "Review" and "Ready".

  lua5.4 examples/move_stage.lua

In the workflow "Article" it creates the stage "Legal" after "Review", moves
the stories of "Old review" that start with legal/ there and the others to
"Review", and deletes "Old review" once it is empty.

It runs on a sandbox in this very process, with 1,000 stories, whatever the
environment holds. On a real space, after asking:

  lua5.4 examples/move_stage.lua --real

which reads STORYBLOK_TOKEN and STORYBLOK_SPACE_ID, and WORKSTAGE_BASE_URL and
WORKSTAGE_RATE_LIMIT (requests a second) where they are set.
]]
local workstage = require "workstage"

local WORKFLOW, OLD, BEFORE, AFTER = "Article", "Old review", "Review", "Ready"
local NEW = { name = "Legal", color = "#4a90e2" }
local LEGAL_PREFIX = "legal/"

-- ------------------------------------------------------------ where to

local SANDBOX_RATE = 100

local function open_sandbox()
  local sandbox = require "workstage.sandbox"
  local server = assert(sandbox.start { seed = { stories = 1000 },
                                        rate_limit = SANDBOX_RATE })
  print(("Using a sandbox at %s with 1,000 stories."):format(server.url))
  print(("Its limit is raised to %d requests a second; the service's is 3 "
         .. "or 6."):format(SANDBOX_RATE))
  local space = assert(workstage.storyblok {
    token = "sandbox", space_id = 288868932106293, base_url = server.url,
    rate_limit = SANDBOX_RATE, proxy = false,
  })
  return space, server
end

local function variable(name)
  local value = os.getenv(name)
  if not value or value == "" then
    error("--real needs the environment variable " .. name, 0)
  end
  return value
end

local function open_real_space()
  local id = variable "STORYBLOK_SPACE_ID"
  local space = assert(workstage.storyblok {
    token = variable "STORYBLOK_TOKEN", space_id = id,
    base_url = os.getenv "WORKSTAGE_BASE_URL",
    rate_limit = tonumber(os.getenv "WORKSTAGE_RATE_LIMIT"),
  })
  io.write(("This changes the workflow %q of the real space %s: type its id "
            .. "to go on: "):format(WORKFLOW, id))
  if io.read "l" ~= id then error("nothing was changed", 0) end
  return space
end

local function open_space()
  if arg[1] == nil then return open_sandbox() end
  if arg[1] == "--real" then return open_real_space() end
  error("unknown option " .. arg[1] .. "; the only one is --real", 0)
end

-- ------------------------------------------------------------- counting

local function print_counts(space, workflow, title)
  print("\n" .. title)
  local stages = assert(space.stages:list { in_workflow = workflow.id })
  table.sort(stages, function(a, b) return a.position < b.position end)
  for _, stage in ipairs(stages) do
    local page = assert(space.stories:page {
      in_workflow_stages = { stage.id }, per_page = 1,
    })
    print(("  %-12s %5d stories"):format(stage.name, page.total))
  end
end

-- Says about once a second how far the moves are and how long they take.
local function progress(total)
  local done, began, said = 0, os.time(), os.time()
  return function()
    done = done + 1
    local now = os.time()
    if now == said and done < total then return end
    said = now
    local left = (total - done) * (now - began) / done
    print(("  %4d of %d moved, %d s left"):format(done, total,
                                                  math.ceil(left)))
  end
end

-- ------------------------------------------------------------ the stages

local function contains(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

local function with(list, id)
  local longer = table.move(list, 1, #list, 1, {})
  if not contains(longer, id) then longer[#longer + 1] = id end
  return longer
end

local function without(list, id)
  local shorter = {}
  for _, item in ipairs(list) do
    if item ~= id then shorter[#shorter + 1] = item end
  end
  return shorter
end

-- The stage "Legal" with the way on to "Ready" and back to "Review": as an
-- earlier run left it, or a new one.
local function create_stage(space, workflow, review, ready)
  local legal, err = space.stages:find(NEW.name, { in_workflow = workflow.id })
  if legal then return legal end
  if err.kind ~= "not_found" then error(err, 0) end
  legal = assert(space.stages:create {
    name = NEW.name, color = NEW.color, workflow_id = workflow.id,
    position = ready.position,
    workflow_stage_ids = { ready.id, review.id },
  })
  print(("\nCreated the stage %q (%d)."):format(legal.name, legal.id))
  ready.position = ready.position + 1
  assert(space.stages:update(ready.id, ready))
  return legal
end

-- Lets stories move to "Legal" from "Review", from "Ready", and from the
-- stage that is removed. Updates send whole stages, because the service does
-- not promise to keep omitted attributes.
local function insert_stage(space, workflow, review, ready, old)
  local legal = create_stage(space, workflow, review, ready)
  ready.workflow_stage_ids = with(ready.workflow_stage_ids, legal.id)
  review.workflow_stage_ids = with(without(review.workflow_stage_ids,
                                           ready.id), legal.id)
  old.workflow_stage_ids = with(with(old.workflow_stage_ids, legal.id),
                                review.id)
  for _, stage in ipairs { ready, review, old } do
    assert(space.stages:update(stage.id, stage))
  end
  return legal
end

-- ------------------------------------------------------------- the moves

local function move_stories(space, old, legal, review)
  local filter = { in_workflow_stages = { old.id }, story_only = true }
  local total = assert(space.stories:page(filter)).total
  print(("Moving %d stories out of %q:"):format(total, old.name))
  local tick = progress(total)
  for story in space.stories:each(filter) do
    local is_legal = story.full_slug:sub(1, #LEGAL_PREFIX) == LEGAL_PREFIX
    assert(space.changes:create {
      story_id = story.id,
      workflow_stage_id = is_legal and legal.id or review.id,
    })
    tick()
  end
end

-- A stage that is deleted leaves its stories with none: so it must be empty.
local function delete_when_empty(space, stage)
  local left = assert(space.stories:page {
    in_workflow_stages = { stage.id }, per_page = 1,
  }).total
  if left > 0 then
    error(("%d stories have come to %q meanwhile: run this again")
          :format(left, stage.name), 0)
  end
  assert(space.stages:delete(stage.id))
  print(("Deleted the empty stage %q."):format(stage.name))
end

local function main()
  local space, server = open_space()
  local workflow = assert(space.workflows:find(WORKFLOW))
  local inside = { in_workflow = workflow.id }
  local old = assert(space.stages:find(OLD, inside))
  local review = assert(space.stages:find(BEFORE, inside))
  local ready = assert(space.stages:find(AFTER, inside))
  print_counts(space, workflow, "Before:")
  local legal = insert_stage(space, workflow, review, ready, old)
  move_stories(space, old, legal, review)
  delete_when_empty(space, old)
  print_counts(space, workflow, "After:")
  space:close()
  if server then server:stop() end
end

local done, err = pcall(main)
if not done then
  io.stderr:write("\nmove_stage: ", tostring(err), "\n")
  os.exit(1)
end
