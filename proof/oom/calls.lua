-- The scenarios of clients for the harness that makes memory fail. Each:
--
--   set_up    once, in a process of its own: what it leaves on the server
--             and in the folder is there before each case
--   prepare   before each case and each `again` of a new process
--   run       memory fails in it; returns a text, which must be `expect`
--   check     gets what the server holds (see server.lua) after `run`:
--             returns nil, or a result of the program that is not true
--   again     with all memory there: in the same state, whatever `run` came
--             to, or in a new process; `run` unless given
--   server    what must be in the space in the end; then the server is reset
--   stories   how many there are; cold: libcurl was never used before
local addresses, _, go_round = ...
local workstage = require "workstage"

-- Loads modules in advance that are loaded on demand, as `require` has its own
-- scenarios.
for name in pairs(package.preload) do
  if name:find "^workstage" and not name:find "migration" then require(name) end
end

local url, kantata_url = addresses:match "^(%S+) (%S+)$"
local DEFAULT = " Default(Drafting)"
local WHOLE = "Article(Drafting,Old review,Review)" .. DEFAULT

local function options(more)
  local opts = {
    token = "oom-token", base_url = url, rate_limit = false, proxy = false,
    settle_time = 0.002, timeout = 10,
    retry = { attempts = 3, base = 0.001, cap = 0.002 },
  }
  for name, value in pairs(more or {}) do opts[name] = value end
  return opts
end

local function connect(more)
  local opts = options(more)
  opts.space_id = 288868932106293
  return workstage.storyblok(opts)
end

-- Distinguishes errors that are raised from errors that a call returns.
local function need(value, err)
  if value == nil then error(tostring(err), 0) end
  return value
end

local function names(list)
  local found = {}
  for i, item in ipairs(list) do found[i] = item.name end
  return table.concat(found, ",")
end

local scenarios, order = {}, {}
local space, article, review -- of a scenario that begins with them

local function prepare() space = need(connect()) end

-- Checks that the stage has its old name, the one of `update`, or was deleted.
local function find_review(more)
  space = need(connect(more))
  article = need(space.workflows:find "Article").id
  for _, stage in ipairs(need(space.stages:list { in_workflow = article }))
  do
    if stage.name == "Review" or stage.name == "Checking" then
      review = stage.id
    end
  end
end

local function finish()
  if space then space:close() end
  space = nil
end

local function add(name, scenario)
  scenario.stories = scenario.stories or 0
  scenario.finish = finish
  scenarios[name] = scenario
  order[#order + 1] = name
end

-- Before the scenarios that are not cold.
function scenarios.warm()
  require "workstage.loop".handle()
end

-- The knowledge of a program about a change: `made` if it succeeded; `unknown`
-- if it was ambiguous or the program is a new one; otherwise it was not made,
-- as also after Lua's own error.
local outcome = "unknown"

local function begin() outcome = nil end

local function note(object, err)
  if object then outcome = "made"
  elseif err.ambiguous then outcome = "unknown" end
  return object, err
end

local function check_outcome(words)
  return function(held)
    local is_there = held:find(words .. "; ", 1, true) ~= nil
    if outcome == "made" and not is_there then
      return words .. ": reported as made, but it was not"
    elseif outcome == nil and is_there then
      return words .. ": reported as not made, but it was"
    end
  end
end

-- ----------------------------------------------------------- Storyblok

add("first use", {
  cold = true, expect = "Default,Article",
  run = function()
    local made <close> = need(connect())
    return names(need(made.workflows:list()))
  end,
})

add("client", {
  expect = "made",
  run = function()
    local made <close> = need(connect { headers = { ["X-A"] = "b" } })
    return made and "made"
  end,
})

add("long text", {
  expect = "100000",
  run = function() return tostring(#("abcdefghij"):rep(10000)) end,
})

add("call", {
  prepare = prepare, expect = "Default,Article",
  run = function() return names(need(space.workflows:list())) end,
})

add("client and calls", {
  expect = "Drafting,Old review,Review",
  run = function()
    local made <close> = need(connect())
    local found = need(made.workflows:find "Article")
    return names(need(made.stages:list { in_workflow = found.id }))
  end,
})

add("call with TLS", {
  tls = true, expect = "Default,Article",
  run = function()
    local address, authority = scenarios.tls:match "^(%S+) (%S+)$"
    local made <close> = need(connect { base_url = address,
                                        ca_file = authority })
    return names(need(made.workflows:list()))
  end,
})

add("refused call", {
  prepare = prepare, expect = "not_found",
  run = function()
    local value, err = space.stories:get(77)
    if value ~= nil or err.kind ~= "not_found" then
      error(tostring(err), 0)
    end
    return err.kind
  end,
})

add("any request", {
  prepare = prepare, expect = "Default 200 json", server = "moved=0 twice=0 "
    .. WHOLE,
  run = function()
    local value, status, headers = space:request("GET",
      ("/v1/spaces/%d/workflows"):format(288868932106293))
    need(value, status)
    return ("%s %d %s"):format(value.workflows[1].name, status,
                               headers["content-type"]:match "json")
  end,
})

local LEGAL = "moved=0 twice=0 Article(Drafting,Legal,Old review,Review)" ..
              DEFAULT

local function create_legal()
  begin()
  return note(space.stages:create {
    name = "Legal", color = "#4a90e2", workflow_id = article })
end

add("create", {
  prepare = find_review, expect = "Legal", server = LEGAL,
  check = check_outcome "stage Legal",
  run = function() return need(create_legal()).name end,
  again = function()
    local legal = space.stages:find("Legal", { in_workflow = article })
    return legal and legal.name or need(create_legal()).name
  end,
})

local function request_legal()
  begin()
  return note(space:request(
    "POST", ("/v1/spaces/%d/workflow_stages"):format(288868932106293),
    { body = { workflow_stage = { name = "Legal", color = "#4a90e2",
                                  workflow_id = article } } }))
end

add("any POST", {
  prepare = find_review, expect = "Legal", server = LEGAL,
  check = check_outcome "stage Legal",
  run = function()
    return need(request_legal()).workflow_stage.name
  end,
  again = function()
    local legal = space.stages:find("Legal", { in_workflow = article })
    return legal and legal.name or need(request_legal()).workflow_stage.name
  end,
})

add("update", {
  prepare = find_review, expect = "true",
  server = "moved=0 twice=0 Article(Checking,Drafting,Old review)" .. DEFAULT,
  check = check_outcome "stage Checking",
  run = function()
    begin()
    return tostring(need(note(space.stages:update(review, {
      name = "Checking", color = "#f5a623" }))))
  end,
})

add("delete", {
  prepare = find_review, expect = "true",
  server = "moved=0 twice=0 Article(Drafting,Old review)" .. DEFAULT,
  check = function(held)
    local is_there = held:find("stage Review", 1, true) ~= nil
    if outcome == "made" and is_there then return "reported as deleted" end
    if outcome == nil and not is_there then return "reported as existing" end
  end,
  run = function()
    begin()
    return tostring(need(note(space.stages:delete(review))))
  end,
  again = function()
    if not review then return "true" end
    local done, err = space.stages:delete(review)
    return tostring(done or err.kind == "not_found")
  end,
})

local function numbers(count)
  local list = {}
  for i = 1, count do list[i] = 1000 + i end
  return list
end

add("map of 20", {
  stories = 20, prepare = prepare, expect = "20 1001 1020",
  run = function()
    local results, errs = workstage.map(numbers(20), function(id)
      return space.stories:get(id)
    end)
    local index, err = next(errs)
    if index then error(tostring(err), 0) end
    return ("%d %d %d"):format(#results, results[1].id, results[20].id)
  end,
})

local mapped, map_errs

-- Half of the items wait for their turn.
local function find_review_for_two() find_review { concurrency = 2 } end

-- Compares each item's result with the server.
local function check_map(held)
  for i = 1, mapped and 8 or 0 do
    local words = ("change %d Review; "):format(1000 + i)
    local is_there = held:find(words, 1, true) ~= nil
    local err = map_errs[i]
    if mapped[i] and not is_there then
      return words .. "reported as made"
    elseif not mapped[i] and not err then
      return words .. "neither a result nor an error"
    elseif err and is_there and not (type(err) == "table" and err.ambiguous)
    then
      return words .. "reported as not made: " .. tostring(err)
    end
  end
end

add("map of changes", {
  stories = 8, prepare = find_review_for_two, check = check_map,
  expect = "8", server = "moved=8 twice=0 " .. WHOLE,
  run = function()
    mapped, map_errs = workstage.map(numbers(8), function(id)
      return space.changes:create { story_id = id, comment = "é\n\"",
                                    workflow_stage_id = review }
    end, { concurrency = 4 })
    local index, err = next(map_errs)
    if index then error(tostring(err), 0) end
    return tostring(#mapped)
  end,
  -- what a program would do: those that do not exist yet
  again = function()
    local count = 0
    for id = 1001, 1008 do
      local story = need(space.stories:get(id))
      if story.stage.workflow_stage_id ~= review then
        need(space.changes:create { story_id = id,
                                    workflow_stage_id = review })
      end
      count = count + 1
    end
    return tostring(count)
  end,
})

add("each", {
  stories = 12, prepare = prepare, expect = "12 12078",
  run = function()
    local count, sum = 0, 0
    for story in space.stories:each { per_page = 5 } do
      count, sum = count + 1, sum + story.id
    end
    return ("%d %d"):format(count, sum)
  end,
})

add("tasks", {
  prepare = prepare, expect = "Default,Article/Default,Article",
  run = function()
    local function work()
      return names(need(space.workflows:list()))
    end
    return workstage.run(function(scope)
      local one, two = scope:spawn(work), scope:spawn(work)
      local first = need(one:wait())
      return first .. "/" .. need(two:wait())
    end)
  end,
})

add("events", {
  prepare = function()
    space = need(connect { on_event = function(event)
      scenarios.seen = scenarios.seen .. event.type .. " "
    end })
  end,
  expect = "Default,Article",
  run = function()
    scenarios.seen = ""
    return names(need(space.workflows:list()))
  end,
})

add("close", {
  stories = 1, prepare = prepare, expect = "closed",
  run = function()
    local task = workstage.loop:spawn(function()
      return space.stories:get(1001)
    end)
    workstage.loop:step(0)
    space:close()
    task:wait()
    return "closed"
  end,
  again = function()
    prepare()
    need(space.stories:get(1001))
    return "closed"
  end,
})

add("embedding host", {
  prepare = prepare, expect = "Default,Article",
  run = function()
    local task = workstage.loop:spawn(function()
      return names(need(space.workflows:list()))
    end)
    while not task.done do go_round() end
    return need(task:wait())
  end,
})

-- ------------------------------------------------------------- Kantata

local account

local function prepare_kantata()
  account = need(workstage.kantata(options { base_url = kantata_url }))
  space = account
end

add("Kantata, reading", {
  stories = 3, prepare = prepare_kantata, expect = "w1 3 605",
  run = function()
    local one = need(account.workspaces:get(1))
    local all = need(account.workspaces:list())
    return ("%s %d %d"):format(one.title, #all,
                               need(account.statuses:find(605)).key)
  end,
})

local function change_status()
  begin()
  return note(account.changes:create { workspace_id = 1, to_status_key = 605,
                                       include = { "workspace" } })
end

add("Kantata, a change", {
  stories = 1, prepare = prepare_kantata, expect = "w1",
  server = "moved=1 twice=0 " .. WHOLE,
  check = check_outcome "status 1 605",
  run = function() return need(change_status()).workspace.title end,
  again = function()
    local one = need(account.workspaces:get(1))
    if one.status.key == 605 then return one.title end
    return need(change_status()).workspace.title
  end,
})

add("Kantata, an update", {
  stories = 1, prepare = prepare_kantata, expect = "new",
  run = function()
    need(account.workspaces:update(1, { title = "new" }))
    return "new"
  end,
  again = function()
    need(account.workspaces:update(1, { title = "new" }))
    return need(account.workspaces:get(1)).title
  end,
})

return scenarios, order
