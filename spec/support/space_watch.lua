--- Watches what the people of a space meet while a plan is applied: a stage
-- that they cannot leave although they can before and after, a transition that
-- is closed too early, a workflow without its default stage or with two of
-- them, a story that has lost its stage.
local attributes = require "workstage.migration.stage"
local operations = require "workstage.migration.operations"
local spaces = require "workstage.migration.space"
local state = require "workstage.migration.state"

local space_watch = {}

-- ------------------------------------------------------------------ rules

-- The stages of its workflow to which items of a stage can go.
local function ways(now, ref)
  local stage, found = now.stages[ref], {}
  for _, other in ipairs(state.order(now, stage.workflow)) do
    if other ~= ref and attributes.leads_to(stage, other) then
      found[#found + 1] = other
    end
  end
  return found
end

local function leads_on(now, ref) return #ways(now, ref) > 0 end

-- True if items must be able to leave a stage during the run: they can before
-- and after it. A stage that is new or goes must let items leave that it holds.
local function must_lead_on(ends, ref, holds)
  local first, last = ends.first.stages[ref], ends.last.stages[ref]
  return (first ~= nil or last ~= nil) and
         (not first or leads_on(ends.first, ref)) and
         (not last or leads_on(ends.last, ref)) and
         (first ~= nil and last ~= nil or holds(ref))
end

-- The transition from a stage that is missing: one that is there before and
-- after the run, or, while items move, one that is there before it.
local function closed_way(ends, now, ref, is_moving)
  local workflow = now.stages[ref].workflow
  for _, other in ipairs(state.order(now, workflow)) do
    local stays = other ~= ref
    for _, each in pairs(ends) do
      stays = stays and state.has_stage(each, ref, workflow) and
              state.has_stage(each, other, workflow)
    end
    if stays and attributes.leads_to(ends.first.stages[ref], other) and
       (is_moving or attributes.leads_to(ends.last.stages[ref], other)) and
       not attributes.leads_to(now.stages[ref], other) then
      return other
    end
  end
end

local function count_defaults(now, workflow)
  local count = 0
  for _, stage in pairs(now.stages) do
    if stage.workflow == workflow and stage.is_default then count = count + 1
    end
  end
  return count
end

local function default_problem(ends, now, workflow)
  local count = count_defaults(now, workflow)
  if count > 1 then return "two default stages" end
  if count == 0 and count_defaults(ends.first, workflow) > 0 and
     count_defaults(ends.last, workflow) > 0 then
    return "no default stage"
  end
end

--- What is wrong with a state during a run.
-- @tparam table ends `first`, `last`: the states before and after it
-- @tparam table now the state
-- @tparam function holds `holds(ref)`: true if a stage holds items
-- @tparam boolean is_moving true before the last item is moved
-- @treturn ?string nil: nothing
function space_watch.problem(ends, now, holds, is_moving)
  for ref, workflow in pairs(now.workflows) do
    local why = default_problem(ends, now, ref)
    if why then return ("workflow %s has %s"):format(workflow.name, why) end
  end
  for ref, stage in pairs(now.stages) do
    if must_lead_on(ends, ref, holds) and not leads_on(now, ref) then
      return ("stage %s leads nowhere"):format(stage.name)
    end
    local other = closed_way(ends, now, ref, is_moving)
    if other then
      return ("stage %s no longer leads to %s"):format(
        stage.name, now.stages[other].name)
    end
  end
end

local function holds_none() return false end

--- Raises if a plan's operations are in an order that hinders people.
function space_watch.assert_order(plan)
  local now = plan.state
  local ends = { first = now, last = operations.after(now, plan.operations) }
  local last_move = 0
  for index, op in ipairs(plan.operations) do
    if operations.of(op).has_items then last_move = index end
  end
  for index, op in ipairs(plan.operations) do
    now = operations.reduce(now, op)
    local why = space_watch.problem(ends, now, holds_none,
                                    index < last_move)
    if why then error(("%s after operation %d, %s"):format(why, index, op.op))
    end
  end
end

-- ------------------------------------------------------------- the server

local Watch = {}
Watch.__index = Watch

local function read_state(people)
  local ids = {}
  for i, workflow in ipairs(assert(people.workflows:list())) do
    ids[i] = workflow.id
  end
  return assert(spaces.read_state(people, ids))
end

local function count_stories(people, filter)
  filter.per_page = 1
  return assert(people.stories:page(filter)).total
end

-- Looks at the whole space.
local function look(self)
  local view = { now = read_state(self.people), counts = {},
                 after = self.last_request, moves = self.moves }
  for ref in pairs(view.now.stages) do
    view.counts[ref] = count_stories(self.people,
                                     { in_workflow_stages = { ref } })
  end
  view.lost = count_stories(self.people, { has_workflow_stages = false })
  table.insert(self.views, view)
end

-- How often somebody has changed stages and workflows, and stories.
local function count_writes(server)
  local stats, structure, items = server:stats(), 0, 0
  for _, verb in ipairs { "effects", "updates", "deletes" } do
    for name, count in pairs(stats[verb]) do
      if name == "workflows" or name == "workflow_stages" then
        structure = structure + count
      else
        items = items + count
      end
    end
  end
  return structure, items
end

-- Somebody moves a story along a transition of its stage.
local function edit(self)
  local id = self.stories[math.random(#self.stories)]
  local stage = assert(self.people.stories:get(id)).stage
  local now, from = self.views[#self.views].now, stage.workflow_stage_id
  local targets = now.stages[from] and ways(now, from) or {}
  if #targets == 0 then return end
  assert(self.people.changes:create {
    story_id = id, workflow_stage_id = targets[math.random(#targets)],
  })
  self.edits = self.edits + 1
end

-- The story that was moved last is in a stage.
local function look_at_story(self)
  local id
  for _, request in ipairs(self.server:requests()) do
    id = (request.body or ""):match '"story_id":(%d+)' or id
  end
  local story = assert(self.people.stories:get(math.tointeger(id)))
  assert(story.stage and story.stage.workflow_stage_id,
         story.full_slug .. " has no stage")
end

-- Between two changes by the run: it has not sent the next one yet, so that
-- nothing happens unseen. The next page may be read meanwhile.
local function between(self, event)
  self.requests = self.requests + 1
  self.last_request = ("request %d, %s %s"):format(self.requests,
                                                   event.method, event.url)
  local structure, items = count_writes(self.server)
  local changes = structure - self.structure
  assert(changes + items - self.items <= 1, "several changes at once")
  self.structure = structure
  if items > self.items then self.moves = self.moves + 1 end
  if changes > 0 then look(self)
  elseif items > self.items then look_at_story(self) end
  if math.random() < self.edit_chance then edit(self) end
  self.items = select(2, count_writes(self.server))
end

--- Takes an event of the client that runs the plan, one request at a time.
function Watch:take(event)
  if event.type ~= "response" then return end
  local good, why = xpcall(between, debug.traceback, self, event)
  if not good then self.failure = self.failure or why end
end

-- Transitions that the plan removes are closed before stages are drained: items
-- that editors put there later are moved after that.
local function problem_of(self, ends, index)
  local view, following = self.views[index], self.views[index + 1]
  local is_moving = self.edit_chance == 0 and view.moves < self.moves
  if view.lost > self.views[1].lost then
    return ("%d stories have no stage"):format(view.lost)
  end
  return space_watch.problem(ends, view.now, function(ref)
    return view.counts[ref] > 0 or
           following ~= nil and (following.counts[ref] or 0) > 0
  end, is_moving)
end

--- Raises if anything hindered people since the watch began.
function Watch:assert_fine()
  if self.failure then error(self.failure, 0) end
  look(self)
  local ends = { first = self.views[1].now,
                 last = self.views[#self.views].now }
  for index, view in ipairs(self.views) do
    local why = problem_of(self, ends, index)
    if why then error(("%s after %s"):format(why, view.after), 0) end
  end
end

--- Begins to watch a space.
-- @tparam table server the sandbox
-- @tparam table people another client of the space
-- @tparam[opt=0] number edit_chance how likely an editor moves a story after a
--   request
-- @treturn table `take(event)`, `assert_fine()`, `requests`, `views`, `edits`
function space_watch.new(server, people, edit_chance)
  local self = setmetatable({
    server = server, people = people, edit_chance = edit_chance or 0,
    requests = 0, moves = 0, edits = 0, views = {}, stories = {},
    last_request = "the beginning",
  }, Watch)
  local content = server:dump().spaces[1]
  for i, story in ipairs(content.stories) do self.stories[i] = story.id end
  self.structure, self.items = count_writes(server)
  look(self)
  return self
end

return space_watch
