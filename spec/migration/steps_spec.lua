-- Plans played step by step against the service's rules: without network and
-- files, so that there is time for many of them.
local attributes = require "workstage.migration.stage"
local planning = require "support.planning"
local tries = require "support.tries"

local NAMES = { "A", "B", "C", "D", "E", "A (1)", "A (2)", "B (1)" }
local COLORS = { "#aa0001", "#aa0002", "#aa0003", "#aa0004", "#aa0005",
                 "#010203", "#010204", "#010205" }
local ROUNDS = tries(1500)

local function contains(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

-- ------------------------------------------------------ a strict service

local Service = {}
Service.__index = Service

local function new_service(structure)
  local stages = {}
  for _, stage in ipairs(structure.stages) do
    stages[stage.id] = attributes.of_stage(stage)
  end
  return setmetatable({ stages = stages }, Service)
end

function Service:check_unique(ref, set)
  for other, stage in pairs(self.stages) do
    if other ~= ref then
      assert(stage.name ~= set.name, "a name is taken")
      assert(not set.color or stage.color:lower() ~= set.color:lower(),
             "a colour is taken")
    end
  end
end

function Service:put(ref, set)
  local stage = self.stages[ref]
  assert(not (stage.is_default and set.is_default == false),
         "the default is another stage first")
  for _, next_ref in ipairs(set.workflow_stage_ids or {}) do
    assert(self.stages[next_ref], "a way leads nowhere")
  end
  assert(not set.after_publish_id or self.stages[set.after_publish_id],
         "no stage to go to after publishing")
  for name, value in pairs(set) do stage[name] = value end
  for other, each in pairs(self.stages) do
    if set.is_default and other ~= ref then each.is_default = false end
  end
end

function Service:create_stage(operation)
  local set = operation.set
  assert(not self.stages[operation.stage] and operation.name == set.name)
  for _, ref in ipairs(set.workflow_stage_ids or {}) do
    assert(self.stages[ref], "a new stage refers to what is not there")
  end
  assert(not set.after_publish_id or self.stages[set.after_publish_id],
         "a new stage refers to what is not there")
  assert(not set.is_default, "a new stage is the default too early")
  self:check_unique(nil, set)
  self.stages[operation.stage] = attributes.of_stage {}
  self:put(operation.stage, set)
end

function Service:update_stage(operation)
  local stage, set = assert(self.stages[operation.stage]), operation.set
  local differs = false
  for name, value in pairs(set) do
    assert(operation.before[name] == nil or
           attributes.equal(name, stage[name], operation.before[name]),
           "it was something else before: " .. name)
    differs = differs or not attributes.equal(name, stage[name], value)
  end
  assert(differs, "nothing to update")
  self:check_unique(operation.stage, set)
  self:put(operation.stage, set)
  assert(operation.name == stage.name)
end

-- Items could be moved into a stage that drains, or be sent there when they
-- are published.
function Service:delete_stage(operation)
  local ref = operation.stage
  assert(not self.stages[ref].is_default, "the default cannot go")
  self.stages[ref] = nil
  for _, stage in pairs(self.stages) do
    assert(not attributes.leads_to(stage, ref),
           "something leads to a stage that drains")
    assert(stage.after_publish_id ~= ref, "items are sent to it")
  end
end

function Service:move(operation)
  local from = assert(self.stages[operation.from])
  assert(self.stages[operation.to], "a move to nowhere")
  assert(operation.count > 0)
  assert(not from.allow_none_for_next_stages and
         (from.allow_all_stages or
          contains(from.workflow_stage_ids, operation.to)),
         "no way for a move")
end

function Service:order_stages(operation)
  for position, ref in ipairs(operation.order) do
    self.stages[ref].position = position
  end
end

function Service.clear_workflow() end
Service.create_workflow = Service.clear_workflow

-- ------------------------------------------------------------ any of them

local function shuffled(list)
  local copy = table.move(list, 1, #list, 1, {})
  for i = #copy, 2, -1 do
    local j = math.random(i)
    copy[i], copy[j] = copy[j], copy[i]
  end
  return copy
end

local function is_likely(percent) return math.random(100) <= percent end

local function some_of(list)
  local some = {}
  for _, item in ipairs(list) do
    if is_likely(40) then some[#some + 1] = item end
  end
  return some
end

local function any_structure()
  local names, colors = shuffled(NAMES), shuffled(COLORS)
  local ids, stages, count = {}, {}, math.random(5)
  for i = 1, count do ids[i] = 10 + i end
  for i, id in ipairs(ids) do
    local stage = planning.stage(id, names[i], colors[i], { position = i })
    stage.workflow_stage_ids = some_of(ids)
    stage.allow_none_for_next_stages = is_likely(10)
    stage.allow_all_stages = is_likely(10)
    stage.after_publish_id = is_likely(20) and ids[math.random(count)]
    stages[i] = stage
  end
  stages[math.random(count)].is_default = true
  return { stages = stages, workflow = { id = 1, name = "W",
                                         content_types = {} } }
end

-- Some stay, some get another name, some go, some are new; each may get a
-- colour that another has.
local function any_description(structure)
  local stages, names, colors = {}, shuffled(NAMES), shuffled(COLORS)
  local used = {}
  local function add(name, was)
    if used[name] then return end
    used[name] = true
    stages[#stages + 1] = { name = name, was = was }
  end
  local there = shuffled(structure.stages)
  local round = is_likely(40) and math.random(#there) or 0
  for i, stage in ipairs(there) do
    if i <= round then add(there[i % round + 1].name, stage.name)
    elseif is_likely(30) then add(names[stage.id - 10], stage.name)
    elseif is_likely(75) then add(stage.name) end
  end
  for i = 6, math.random(5, 7) do add(names[i]) end
  if #stages == 0 then add(names[8]) end
  local default = math.random(#stages)
  for i, stage in ipairs(stages) do
    stage.color = is_likely(50) and colors[i] or colors[i]:upper()
    stage.is_default = i == default or nil
    stage.roles = is_likely(30) and { "R" } or nil
    stage.users = is_likely(30) and { "U" } or nil
    local way = math.random(4)
    stage.next = way == 1 and "all" or way == 2 and "none" or
                 way == 3 and {} or nil
    if way == 3 then
      for _, other in ipairs(stages) do
        if is_likely(40) then table.insert(stage.next, other.name) end
      end
    end
    if is_likely(20) then
      stage.after_publish = stages[math.random(#stages)].name
    end
  end
  return stages
end

-- From each stage that was there to one that will be.
local function any_moves(structure, refs)
  local moves, targets = {}, {}
  for _, ref in pairs(refs) do targets[#targets + 1] = ref end
  table.sort(targets, function(a, b) return tostring(a) < tostring(b) end)
  for _, stage in ipairs(structure.stages) do
    local to = targets[math.random(#targets)]
    if to ~= stage.id then
      moves[#moves + 1] = { from = stage.id, to = to, set = {}, items = {},
                            count = math.random(0, 1), from_name = "",
                            to_name = "" }
    end
  end
  return moves
end

local MEMBERS = { roles = { R = 3 }, users = { U = 4 } }

local function plan(structure, described)
  return planning.plan(structure, { workflow = "W", stages = described },
    MEMBERS, function(refs) return any_moves(structure, refs) end)
end

-- ---------------------------------------------------------- at each moment

local function leads_on(stages, ref)
  for other in pairs(stages) do
    if other ~= ref and attributes.leads_to(stages[ref], other) then
      return true
    end
  end
  return false
end

-- Nobody is stranded on the way who is not in the end, and new stories have
-- one stage to start in.
local function check_moment(service, first, last)
  local defaults = 0
  for ref, stage in pairs(service.stages) do
    if stage.is_default then defaults = defaults + 1 end
    if first[ref] and last[ref] and leads_on(first, ref) and
       leads_on(last, ref) then
      assert(leads_on(service.stages, ref), "a stage leads nowhere")
    end
  end
  assert(defaults == 1, "not one default stage")
end

-- ------------------------------------------------------------ what is left

local function same_ways(service, stage, described, refs)
  if described.next == "all" then return stage.allow_all_stages end
  if described.next == "none" then return stage.allow_none_for_next_stages end
  local wanted = {}
  for i, name in ipairs(described.next) do wanted[i] = refs[name] end
  assert(service.stages[refs[described.name]] == stage)
  return not stage.allow_all_stages and
         not stage.allow_none_for_next_stages and
         attributes.equal("workflow_stage_ids", stage.workflow_stage_ids,
                          wanted)
end

local function by_name(service)
  local refs = {}
  for ref, stage in pairs(service.stages) do refs[stage.name] = ref end
  return refs
end

local function check_end(service, described)
  local count, refs, last = 0, by_name(service), 0
  for _ in pairs(service.stages) do count = count + 1 end
  assert(count == #described, "as many stages as are described")
  for _, each in ipairs(described) do
    local stage = assert(service.stages[refs[each.name]], "a stage is missing")
    assert(stage.color:lower() == each.color:lower(), "a colour is wrong")
    assert(stage.is_default == (each.is_default or false), "a default is")
    assert(not each.next or same_ways(service, stage, each, refs), "a way is")
    assert(not each.roles or stage.space_role_ids[1] == 3, "a role is")
    assert(not each.users or stage.user_ids[1] == 4, "a user is")
    assert(not each.after_publish or
           stage.after_publish_id == refs[each.after_publish])
    assert(not stage.after_publish_id or
           service.stages[stage.after_publish_id], "a gone stage is next")
    for _, ref in ipairs(stage.workflow_stage_ids) do
      assert(service.stages[ref] or stage.allow_all_stages,
             "a way leads to a gone stage")
    end
    assert(stage.position > last, "the order is wrong")
    last = stage.position
  end
end

-- As the service would list them.
local function structure_of(service)
  local stages, id_of = {}, {}
  for ref in pairs(service.stages) do
    id_of[ref] = math.type(ref) == "integer" and ref or 100 + #stages
    stages[#stages + 1] = service.stages[ref]
    stages[#stages].id = id_of[ref]
  end
  for _, stage in ipairs(stages) do
    for i, ref in ipairs(stage.workflow_stage_ids) do
      stage.workflow_stage_ids[i] = id_of[ref]
    end
    stage.after_publish_id = id_of[stage.after_publish_id] or false
  end
  table.sort(stages, function(a, b) return a.position < b.position end)
  return { stages = stages, workflow = { id = 1, name = "W",
                                         content_types = {} } }
end

local function play(seed)
  math.randomseed(seed)
  local structure = any_structure()
  local described = any_description(structure)
  local operations, draft = plan(structure, described)
  if not operations then
    assert(#draft > 0 and draft[1]:find "stage", "a reason")
    return false
  end
  local service, first = new_service(structure), new_service(structure)
  for _, operation in ipairs(operations) do
    service[operation.op](service, operation)
    check_moment(service, first.stages, draft.state.stages)
  end
  check_end(service, described)
  for _, each in ipairs(described) do each.was = nil end
  local again = planning.plan(structure_of(service),
    { workflow = "W", stages = described }, MEMBERS,
    function() return {} end)
  assert(#again == 0, "planned again")
  return true
end

describe("any plan", function()
  it("obeys the service's rules at each step, and ends as described",
  function()
    local planned = 0
    for seed = 1, ROUNDS do
      local good, result = pcall(play, seed)
      if not good then error(("seed %d: %s"):format(seed, result)) end
      if result then planned = planned + 1 end
    end
    assert.is_true(planned > 0.7 * ROUNDS, planned)
  end)
end)
