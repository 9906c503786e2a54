-- Compares the definitions for editors with the module at run time, in both
-- directions.

local core = require "workstage.core"
local definitions = require "docs.definitions"
local migration = require "workstage.migration"
local options = require "workstage.options"
local sandbox = require "workstage.sandbox"
local service = require "support.service"
local shell = require "house.shell"
local workstage = require "workstage"

local function keys(value)
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function names_of(list, has)
  local names = {}
  for _, item in ipairs(list) do
    if not has or has(item) then names[#names + 1] = item.name end
  end
  table.sort(names)
  return names
end

-- The functions of a class or a module that are not Lua's own.
local function functions_of(value)
  local names = {}
  for _, name in ipairs(keys(value)) do
    if type(value[name]) == "function" and not name:find "^__" then
      names[#names + 1] = name
    end
  end
  return names
end

local function sorted(list)
  table.sort(list)
  return list
end

-- "... (there are a, b, c)" -> { "a", "b", "c" }
local function named_in(err)
  local names = {}
  local list = tostring(err):match "%(there are ([%w_, ]+)%)"
  for name in assert(list, tostring(err)):gmatch "[%w_]+" do
    names[#names + 1] = name
  end
  return sorted(names)
end

local UNKNOWN = { zzqqzzqqzz = 1 }

describe("definitions for editors", function()
  local directory, classes, server, space, ox

  lazy_setup(function()
    directory = definitions.make()
    classes = definitions.read(directory)
    server = service.start { seed = { stories = 30, workspaces = 5 } }
    space, ox = service.storyblok(server), service.kantata(server)
  end)

  lazy_teardown(function()
    server:stop()
    shell.remove(directory)
  end)

  local function assert_methods(class, list)
    assert.same(list, keys(assert(classes[class], class).methods), class)
  end

  local function assert_fields(class, list)
    assert.same(list, keys(assert(classes[class], class).fields), class)
  end

  -- What was seen has a type; what needs to be there was seen.
  local function assert_fits(class, value)
    for _, name in ipairs(keys(value)) do
      assert.truthy(classes[class].fields[name], class .. "." .. name)
    end
    for name, field in pairs(classes[class].fields) do
      if not field.optional then
        assert.not_nil(value[name], class .. "." .. name)
      end
    end
  end

  it("are six files that Lua can read", function()
    assert.equal("history.lua log.lua migration.lua sandbox.lua time.lua " ..
                 "workstage.lua\n",
      shell.must("cd %s && ls workstage.lua workstage/* | sed 's/.*\\///' | "
                 .. "LC_ALL=C sort | xargs echo", directory))
    for _, path in ipairs(shell.lines(shell.must("find %s -name '*.lua'",
                                                 directory))) do
      assert(loadfile(path))
    end
  end)

  it("name only types that there are", function()
    local known = { string = 1, integer = 1, number = 1, boolean = 1,
                    any = 1, table = 1, fun = 1, lightuserdata = 1 }
    local text = shell.must("cat $(find %s -name '*.lua')", directory)
    for name in text:gmatch "workstage%.[%w_.]+" do
      local kind = name:gsub("%.$", "")
      known[kind] = known[kind] or classes[kind] and 1
    end
    known["workstage.error.kind"] = text:find "@alias workstage.error.kind"
    for _, tag in ipairs { "param [%w_]+%??", "field [%w_%[%]]+%??",
                           "return" } do
      for kind in text:gmatch("@" .. tag .. " ([^\n]*)") do
        for name in kind:gmatch "^[^ ]+" do
          for each in name:gmatch "workstage[%w_.]+" do
            assert.truthy(known[each], each)
          end
        end
      end
    end
    for name, class in pairs(classes) do
      if class.parent ~= "" then assert(classes[class.parent], name) end
    end
  end)

  it("have a type for each parameter", function()
    local text = shell.must("cat $(find %s -name '*.lua')", directory)
    for line in text:gmatch "%-%-%-@param ([^\n]*)" do
      local kind = line:match "^[%w_]+%??%s*(%S*)"
      assert.falsy(kind == "any" or kind == "", line)
    end
  end)

  it("have the methods of all clients and resources", function()
    local seen = {}
    for name, client in pairs { storyblok = space, kantata = ox } do
      local class = "workstage." .. name
      assert_methods(class, functions_of(getmetatable(client)))
      seen[class] = true
      for part, value in pairs(client) do
        local meta = type(value) == "table" and getmetatable(value)
        local api = meta and (type(meta.__index) == "table" and
                              meta.__index or meta)
        if api and part ~= "transport" and #functions_of(api) > 0 then
          assert_methods(class .. "." .. part, functions_of(api))
          assert.truthy(classes[class].fields[part], part)
          seen[class .. "." .. part] = true
        end
      end
      for part, field in pairs(classes[class].fields) do
        assert.not_nil(client[part], part)
        if field.type:find "^workstage" then
          assert.truthy(seen[field.type:match "^[%w_.]+"], part)
        end
      end
    end
  end)

  it("have the functions of the modules", function()
    local modules = {
      workstage = workstage, ["workstage.migration"] = migration,
      ["workstage.log"] = require "workstage.log",
      ["workstage.time"] = workstage.time,
      ["workstage.history"] = require "workstage.history",
    }
    for name, module in pairs(modules) do
      assert_methods(name .. ".module", functions_of(module))
    end
    local own = { hold_signals = true, wait_signal = true } -- the tool's
    local names = {}
    for _, name in ipairs(functions_of(sandbox)) do
      if not own[name] then names[#names + 1] = name end
    end
    assert_methods("workstage.sandbox.module", names)
    assert_fields("workstage.module", { "_VERSION", "loop", "null" })
    for name in pairs(classes["workstage.module"].fields) do
      assert.not_nil(workstage[name])
    end
  end)

  it("have the methods of loop, scope, task, plan and server", function()
    assert_methods("workstage.loop", functions_of(
      getmetatable(workstage.loop)))
    workstage.run(function(scope)
      assert_methods("workstage.scope", functions_of(getmetatable(scope)))
      local task = scope:spawn(function() end)
      assert_methods("workstage.task", functions_of(getmetatable(task)))
    end)
    local article = assert(migration.export(space, "Article"))
    local plan = assert(migration.plan(space, article))
    assert_methods("workstage.plan", functions_of(getmetatable(plan)))
    for name, field in pairs(classes["workstage.plan"].fields) do
      assert.truthy(field.optional or plan[name] ~= nil, name)
    end
    local methods = classes["workstage.sandbox.server"].methods
    for name in pairs(methods) do
      assert.equal("function", type(server[name]), name)
    end
    local text = shell.must "cat lua-binding/sandbox.c"
    local list = text:match "luaL_Reg methods%[%] = (%b{})"
    for name in list:gmatch '"(%w+)"' do assert.truthy(methods[name], name) end
    assert_fields("workstage.sandbox.server",
                  { "kantata_url", "port", "url" })
  end)

  it("have the parameters of the functions", function()
    local function params_of(f)
      local names, info = {}, debug.getinfo(f, "u")
      for i = 1, info.nparams do names[i] = debug.getlocal(f, i) end
      if names[1] == "self" then table.remove(names, 1) end
      return names
    end
    for name, module in pairs { workstage = workstage,
                                ["workstage.migration"] = migration } do
      for key, params in pairs(classes[name .. ".module"].methods) do
        assert.same(params_of(module[key]), params, key)
      end
    end
    local changes = classes["workstage.storyblok.changes"].methods
    assert.same({ "attributes", "opts" }, changes.create)
    local stages = classes["workstage.storyblok.stages"].methods
    assert.same({ "id", "opts" }, stages.get)
    local workflows = classes["workstage.storyblok.workflows"].methods
    assert.same({ "id", "filter", "opts" }, workflows.get)
  end)

  it("have every field of every schema", function()
    local function is_read(field)
      return not field.write_only and not field.in_query
    end
    local function is_written(field) return not field.read_only end
    for _, schema in ipairs(core.schemas()) do
      local class = "workstage." .. schema.name
      local new = class:gsub("([%w_]+)$", "new_%1")
      if schema.name:find "filter$" then
        assert_fields(class, names_of(schema.fields))
      elseif classes[new] then
        assert_fields(class, names_of(schema.fields, is_read))
        assert_fields(class .. "_attributes",
                      names_of(schema.fields, is_written))
        assert_fields(new, names_of(schema.fields, function(field)
          return field.required
        end))
      else
        assert_fields(class, names_of(schema.fields))
        local written = names_of(schema.fields, is_written)
        assert.truthy(#written == 0 or #written == #schema.fields, class)
      end
    end
  end)

  it("have the options of the constructors", function()
    for _, name in ipairs { "storyblok", "kantata" } do
      assert_fields(("workstage.%s.options"):format(name),
        names_of(options.list, function(option)
          return (option.service or name) == name
        end))
    end
    local _, err = workstage.storyblok(UNKNOWN)
    assert_fields("workstage.storyblok.options", named_in(err))
    local opts = { token = "t" }
    _, err = workstage.kantata { token = "t", retry = UNKNOWN }
    assert_fields("workstage.retry", named_in(err))
    opts.rate_limit = UNKNOWN
    _, err = workstage.kantata(opts)
    assert_fields("workstage.rate_limit", named_in(err))
  end)

  it("have the options of calls, requests and map", function()
    local _, err = space.stages:list(nil, UNKNOWN)
    assert_fields("workstage.call_options", named_in(err))
    _, err = space:request("GET", "/v1/x", UNKNOWN)
    assert_fields("workstage.request_parts", named_in(err))
    _, err = workstage.map({}, print, UNKNOWN)
    assert_fields("workstage.map_options", named_in(err))
  end)

  it("have the attributes of blueprints", function()
    local unknown = { zzqqzzqqzz = 1, name = "A", from = "A", to = "B",
                      stage = "A" }
    local function message(blueprint)
      local _, found = migration.check(blueprint)
      for _, finding in ipairs(found) do
        if finding.where:find "zzqqzzqqzz$" then return finding.message end
      end
    end
    local function assert_known(class, blueprint)
      assert_fields("workstage.blueprint" .. class,
                    sorted(named_in(message(blueprint))))
    end
    assert_known(".stage", { stages = { unknown } })
    assert_known(".workflow", { workflows = { unknown } })
    assert_known(".move", { moves = { unknown } })
    assert_known(".place", { moves = { { from = unknown, to = "B" } } })
    assert_known(".assign", { moves = { { from = "A", to = "B",
                                          assign = unknown } } })
    local names = named_in(message(UNKNOWN))
    names[#names + 1] = "workflows"
    assert_fields("workstage.blueprint", sorted(names))
  end)

  it("have the options of migrations", function()
    local article = assert(migration.export(space, "Article"))
    local plan = assert(migration.plan(space, article))
    local _, err = migration.plan(space, article, UNKNOWN)
    assert_fields("workstage.migration.plan_options", named_in(err))
    _, err = migration.apply(space, plan, UNKNOWN)
    local names = named_in(err)
    for i = #names, 1, -1 do
      if names[i] == "confirm" then table.remove(names, i) end
    end
    assert_fields("workstage.migration.run_options", names)
    names[#names + 1] = "confirm"
    assert_fields("workstage.migration.rollback_options", sorted(names))
  end)

  it("have the options of the sandbox, each with words", function()
    local text = shell.must "cat src/sandbox/config.c"
    local names = {}
    for name in text:match "struct field options%[%] = (%b{})"
        :gmatch '"([%w_]+)"' do
      names[#names + 1] = name
      local field = classes["workstage.sandbox.options"].fields[name]
      assert.matches(" unless given", field.type, 1, true)
    end
    assert_fields("workstage.sandbox.options", sorted(names))
  end)

  it("have the kinds of errors", function()
    local seen = {}
    local header = shell.must "cat src/workstage.h"
    for name in header:match "typedef enum ws_kind (%b{})"
        :gmatch "WS_([%u_]+)" do
      seen[name:lower()] = name ~= "OK" and name ~= "PENDING" or nil
    end
    local text = shell.must [[cat lua-binding/files.h lua-binding/*.c \
      $(find lua-binding/workstage -name '*.lua')]]
    local typed = {}
    for name in shell.must("cat %s/workstage.lua", directory)
        :gmatch '\n%-%-%-| "([%l_]+)" #' do
      typed[name] = true
      assert.truthy(text:find('"' .. name .. '"', 1, true) or seen[name],
                    name)
    end
    for name in pairs(seen) do assert.truthy(typed[name], name) end
    for call in text:gmatch "errors%.new ?%b{}" do
      local name = call:match 'kind = "([%l_]+)"'
      assert.truthy(not name or typed[name], name)
    end
    for name in text:gmatch 'wsl_file_failure%(L, "([%l_]+)"' do
      assert.truthy(typed[name], name)
    end
  end)

  it("have the fields of events", function()
    local seen, events = {}, {}
    local watched <close> = service.storyblok(server, {
      on_event = function(event)
        events[#events + 1] = event
      end, rate_limit = 20,
    })
    local stories = assert(watched.stories:page { story_only = true })
    local story = stories[1]
    -- an answered change first, by which the service's clock is known
    assert(watched.changes:create {
      story_id = stories[2].id,
      workflow_stage_id = assert(watched.stages:list())[1].id,
    })
    server:inject {
      { method = "POST", close = "after", count = 1 },
      { path = "workflow_stages", status = 503, count = 1 },
    }
    assert(watched.stages:list())
    local stage = story.stage and story.stage.workflow_stage_id
    assert(watched.changes:create {
      story_id = story.id,
      workflow_stage_id = stage or assert(watched.stages:list())[1].id,
    })
    for _ = 1, 40 do assert(watched:whoami()) end
    server:inject(false)
    for _, event in ipairs(events) do
      assert_fits("workstage.event", event)
      seen[event.type] = true
      for name in pairs(event) do seen[name] = true end
    end
    for _, kind in ipairs { "request", "response", "retry", "reconciled",
                            "wait" } do
      assert.truthy(seen[kind], kind)
    end
    for name in pairs(classes["workstage.event"].fields) do
      assert.truthy(seen[name], name)
    end
  end)

  it("have the fields of errors", function()
    local function check(_, err) assert_fits("workstage.error", err) end
    check(space.stages:get(1))
    check(space.stages:create { name = "x" })
    check(space.stages:create { name = "x", color = "#123456",
                                workflow_id = 1 })
    check(ox.changes:create { workspace_id = 1, to_status_key = 1 })
    check(migration.plan(space, { workflow = "Article", stages = {
      { name = "Only", color = "#fff" },
    } }))
  end)

  it("have the fields of reports and progress", function()
    local name = os.tmpname()
    os.remove(name)
    local article = assert(migration.export(space, "Article"))
    local last = article.stages[#article.stages].name
    article.moves = { { from = article.stages[1].name, to = last } }
    local plan = assert(migration.plan(space, article))
    local count = 0
    local report = assert(migration.apply(space, plan, {
      journal = name,
      on_progress = function(progress)
        count = count + 1
        assert_fits("workstage.migration.progress", progress)
      end,
    }))
    assert.truthy(count > 0)
    assert_fits("workstage.migration.report", report)
    assert_fits("workstage.migration.state",
                assert(migration.progress(name)))
    os.remove(name)
    assert_fits("workstage.sandbox.stats", server:stats())
  end)
end)
