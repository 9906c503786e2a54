-- A Storyblok service in virtual time, and a real client of it: only the
-- transport, the clocks and the pauses are simulated.
--
-- The service dates changes with one clock, sends the `Date` of another one,
-- and makes effects visible late. Other people move the same stories.
local core = require "workstage.core"
local errors = require "workstage.errors"
local loop = require "workstage.loop"
local resource = require "workstage.resource"
local workstage = require "workstage"

local lost_world = {}

local SETTLE_TIME = 5
local STORY, A, B, TARGET = 1000, 11, 12, 13
local US, OTHER = 1, 2

-- The service's time of day at virtual time 0.
local EPOCH = 1796083200

local World = {}
World.__index = World

local function happens(probability) return math.random() < probability end

-- Random seconds, short ones as likely as long ones.
local function seconds_between(least, most)
  return least * (most / least) ^ math.random()
end

-- ------------------------------------------------------------- the service

-- A time of the service as it writes it: with milliseconds or without.
function World:written(at)
  local seconds = EPOCH + at + self.created_skew
  local whole = math.floor(seconds)
  local milli = self.whole_seconds and 0 or
                math.floor((seconds - whole) * 1000)
  return os.date("!%Y-%m-%dT%H:%M:%S", whole) .. (".%03dZ"):format(milli)
end

-- Ids have no order.
function World:move(stage, user, at)
  local jitter = (math.random() - 0.5) * self.jitter
  self.changes[#self.changes + 1] = {
    id = math.random(1, 1 << 50), workflow_stage_id = stage, user_id = user,
    at = at, created_at = self:written(at + jitter),
  }
  return self.changes[#self.changes]
end

-- The changes that are visible now; the newest one is the story's stage.
function World:visible()
  local list, newest = {}, nil
  for _, change in ipairs(self.changes) do
    if change.at <= self.now then
      list[#list + 1] = { id = change.id, user_id = change.user_id,
                          workflow_stage_id = change.workflow_stage_id,
                          created_at = change.created_at }
      if not newest or change.at >= newest.at then newest = change end
    end
  end
  return list, newest
end

local answer = {}

function answer.changes(world)
  local list = world:visible()
  return { workflow_stage_changes = list }, #list
end

function answer.story(world)
  local _, newest = world:visible()
  return { story = { id = STORY, stage = newest and {
    workflow_stage_id = newest.workflow_stage_id,
    created_at = world.dated and newest.created_at or nil,
  } } }
end

function answer.user() return { user = { id = US } } end

-- A POST: decides if and when it takes effect, and if its response arrives.
function answer.post(world)
  world.posts = world.posts + 1
  if happens(world.lost_before) then return nil end
  local is_lost = happens(world.lost_after)
  local late = is_lost and happens(world.late) and
               seconds_between(0.01, world.latest) or 0
  local change = world:move(TARGET, US, world.now + late)
  change.is_effect = true
  if is_lost then return nil end
  return { workflow_stage_change = {
    id = change.id, workflow_stage_id = TARGET, user_id = US,
    created_at = change.created_at } }
end

local function route(method, path)
  if method == "POST" then return answer.post end
  if path:find "/users/me$" then return answer.user end
  return path:find "/stories/%d+$" and answer.story or answer.changes
end

-- ----------------------------------------------------------- the transport

local Transport = {}
Transport.__index = Transport

local function lost_error(method)
  return errors.new { kind = "network", message = "lost", method = method,
                      url = "http://x", attempts = 1,
                      ambiguous = method ~= "GET" }
end

-- The latency of a request or a response.
function World:travel() self.now = self.now + seconds_between(0.01, 0.5) end

-- Somebody moves the story while the client waits.
function World:disturb()
  if not happens(self.others) then return end
  self:move(happens(0.5) and A or B, OTHER, self.now)
end

function Transport:fetch(method, path, _, _, opts)
  local world = self.world
  world:travel()
  if method == "GET" and happens(world.reads_fail) then
    return nil, lost_error(method)
  end
  local value, total = route(method, path)(world)
  local answered_at = world.now
  world:disturb()
  world:travel()
  if not value then
    world.now = world.now + (happens(0.5) and 0 or 60) -- a timeout
    return nil, lost_error(method)
  end
  if opts and opts.on_answer then
    opts.on_answer { date = math.floor(EPOCH + answered_at +
                                       world.date_skew),
                     answered = world.now - answered_at }
  end
  return value, { close = function() end, header = function(_, name)
    if name == "total" then return tostring(total) end
    return name == "per_page" and "100" or nil
  end }, 200, ""
end

function Transport:first_sent() return self.first_sent_at end

function Transport.known(_, err) return err end

-- ------------------------------------------------------------------ a case

local function new_world(setting)
  local world = setmetatable({
    now = 1000000, changes = {}, posts = 0, dated = true, late = 0,
    latest = SETTLE_TIME * 0.9, lost_before = 0.4, lost_after = 0.6,
    others = 0.1, reads_fail = 0, jitter = 0.02, whole_seconds = false,
    created_skew = 0, date_skew = 0, wall_skew = 0,
  }, World)
  for name, value in pairs(setting) do world[name] = value end
  return world
end

-- Real resources over a simulated transport.
local function client_of(world, space)
  local transport = setmetatable({
    world = world, memory = core.memory(), settle_time = SETTLE_TIME,
    attempts = 8,
  }, Transport)
  for _, name in ipairs { "changes", "stories" } do
    local real = space[name]
    space[name] = resource.new(real.class, {
      transport = transport, prefix = real.prefix, service = real.service,
    })
  end
  return space
end

-- The story's history: to the target by our own user, and back again.
local function live_before(world)
  local ago = seconds_between(10, 86400)
  world:move(A, OTHER, world.now - ago * 2)
  if happens(world.was_there) then
    world:move(TARGET, US, world.now - ago)
    world:move(B, happens(0.5) and US or OTHER,
               world.now - ago * (0.1 + 0.8 * math.random()))
  end
end

-- Another change with a response, from which the client learns the clocks.
local function make_known(world, space)
  local before, after = world.lost_before, world.lost_after
  world.lost_before, world.lost_after = 0, 0
  assert(space.changes:create { story_id = STORY + 1,
                                workflow_stage_id = TARGET })
  for i = #world.changes, 1, -1 do
    if world.changes[i].is_effect then table.remove(world.changes, i) end
  end
  world.posts = 0
  world.lost_before, world.lost_after = before, after
end

local function read_story(world, space)
  local reads_fail = world.reads_fail
  world.reads_fail = 0
  assert(space.stories:get(STORY))
  world.reads_fail = reads_fail
  world.now = world.now + seconds_between(0.01, 8)
end

local function classify(world, change, err)
  local effects = 0
  local mine = false
  for _, one in ipairs(world.changes) do
    if one.is_effect then
      effects = effects + 1
      mine = mine or change ~= nil and one.id == change.id
    end
  end
  if effects > 1 then return "doubled" end
  if change then return effects == 1 and mine and "right" or "lost" end
  if not err.ambiguous then return effects == 0 and "right" or "untrue" end
  return "ambiguous"
end

-- One case: "right", "doubled", "lost" (done without an effect of ours),
-- "untrue" (an effect, and an error that denies it) or "ambiguous".
local function run(setting, space)
  local world = new_world(setting)
  core.now = function() return world.now end
  rawset(os, "time", function()
    return math.floor(EPOCH + world.now + world.wall_skew)
  end)
  loop.sleep = function(seconds)
    world:disturb()
    world.now = world.now + seconds
  end
  client_of(world, space)
  live_before(world)
  if world.has_answered then make_known(world, space) end
  if world.is_read then read_story(world, space) end
  return classify(world, space.changes:create { story_id = STORY,
                                             workflow_stage_id = TARGET })
end

--- Runs a number of cases of a setting; returns the count of each result.
function lost_world.run(setting, count)
  local space = assert(workstage.storyblok { space_id = 1, token = "token" })
  local now, sleep, time = core.now, loop.sleep, os.time
  local outcomes = { right = 0, doubled = 0, lost = 0, untrue = 0,
                     ambiguous = 0 }
  local good, why = pcall(function()
    for _ = 1, count do
      local outcome = run(setting, space)
      outcomes[outcome] = outcomes[outcome] + 1
    end
  end)
  core.now, loop.sleep = now, sleep
  rawset(os, "time", time)
  space:close()
  if not good then error(why, 0) end
  return outcomes
end

return lost_world
