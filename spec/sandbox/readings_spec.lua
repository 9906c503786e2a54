-- Where the services' page leaves something open the sandbox has an option
-- for each reading. With every one of them a migration goes there and back;
-- `make proof` runs all specs of migrations with groups of them.
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local sandbox = require "workstage.sandbox"
local workstage = require "workstage"

local function contents(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function value_of(text)
  if text == "true" or text == "false" then return text == "true" end
  return math.tointeger(text) or text
end

-- The other values of each option that config.c lists.
local function alternatives()
  local config, list = contents "src/sandbox/config.c", {}
  local function add(name, value)
    list[#list + 1] = { name = name, value = value }
  end
  local texts = config:match "text_choices%[%] = {(.-)\n};"
  local numbers = config:match "number_choices%[%] = {(.-)\n};"
  for name, values in (texts .. numbers):gmatch '{ "([%w_]+)", (%b{})' do
    local first = true
    for value in values:gmatch "[%w_]+" do
      if not first then add(name, value) end
      first = false
    end
  end
  local flags = config:match "flags%[%] = {(.-)\n};"
  for name, default in flags:gmatch '{ "([%w_]+)", (%a+)' do
    add(name, default == "true" and "false" or "true")
  end
  for name, value in pairs {
    permissions = "false", rate_headers = "true", retry_after = "1",
  } do add(name, value) end
  return list
end

describe("the readings of the proof", function()
  it("are all that the sandbox has", function()
    local text = contents "proof/readings/readings"
    local count = 0
    for _, one in ipairs(alternatives()) do
      local pair = one.name .. "=" .. one.value
      assert.truthy(text:find(" " .. pair .. "%s"), pair)
      count = count + 1
    end
    assert.is_true(count > 30)
  end)

  it("reach every sandbox of a process", function()
    local pipe = assert(io.popen(
      "LUA_INIT=@proof/readings/preload.lua " ..
      "SANDBOX_READING='not_found=error gzip=always' lua5.4 -e \"" ..
      "local http = require 'sandbox.http' " ..
      "local server = http.start() " ..
      "print(http.client(server):get('/stories/1').headers" ..
      "['content-encoding']) server:stop()\" 2>&1"))
    assert.equal("gzip\n", pipe:read "a")
    pipe:close()
  end)
end)

describe("with another reading", function()
  local server, space, ox, folder

  before_each(function() folder = migrations.folder() end)

  local function close()
    if space then space:close() end
    if ox then ox:close() end
    if server then server:stop() end
    server, space, ox = nil, nil, nil
  end

  after_each(function()
    close()
    migrations.remove(folder)
  end)

  local function there_and_back(options)
    local counts = { ["Old review"] = 7, Drafting = 3, none = 2 }
    server, space = migrations.start(migrations.space(counts), options)
    local before = migrations.text(space)
    local plan = assert(migration.plan(space, {
      workflow = "Article", content_types = { "article" },
      stages = {
        { name = "Drafting", is_default = true, next = { "Check" } },
        { name = "Check", was = "Review", color = "#010203",
          next = { "Drafting", "Ready" } },
        { name = "Ready", next = "all", allow_publish = true },
      },
      moves = { { from = "Old review", to = "Check" },
                { from = "none", to = "Drafting" } },
    }))
    local report = assert(migration.apply(space, plan, {
      journal = folder .. "/j" }))
    assert.is_true(report.complete, tostring(report))
    assert.same({ Drafting = 5, Check = 7 }, migrations.counts(server))
    report = assert(migration.rollback(space, folder .. "/j"))
    assert.is_true(report.complete, tostring(report))
    assert.equal(before, migrations.text(space))
  end

  local function statuses(options)
    options.seed = { workspaces = 9 }
    server = assert(sandbox.start(options))
    ox = assert(workstage.kantata { token = "x", proxy = false,
      base_url = server.kantata_url, rate_limit = false })
    local plan = assert(migration.plan(ox, { service = "kantata",
      moves = { { from = 310, to = 605 } } }))
    local report = assert(migration.apply(ox, plan, {
      journal = folder .. "/k" }))
    assert.is_true(report.complete, tostring(report))
    assert.equal(3, report.moved)
  end

  for _, one in ipairs(alternatives()) do
    local pair = one.name .. "=" .. one.value
    it(pair .. " a migration goes there and back", function()
      local function options()
        return { [one.name] = value_of(one.value), rate_limit = false }
      end
      there_and_back(options())
      close()
      statuses(options())
    end)
  end
end)
