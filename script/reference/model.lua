--- The model from which the reference pages and the types are generated: the
-- module at run time (its classes, their methods, the core's schemas), the
-- comments above its functions, and tables.lua.
local comments = require "comments"
local tables = require "tables"

local core = require "workstage.core"
local migration = require "workstage.migration"
local options = require "workstage.options"
local plan = require "workstage.migration.plan"
local session = require "workstage.migration.session"
local workstage = require "workstage"

local model = { classes = {}, functions = {}, schemas = core.schemas() }

local SANDBOX_C = "lua-binding/sandbox.c"

-- ------------------------------------------------------------- schemas

local by_handle, by_name = {}, {}
for _, schema in ipairs(model.schemas) do
  by_handle[core.schema(schema.name)] = schema
  by_name[schema.name] = schema
end

local function all_fields(schema, has)
  for _, field in ipairs(schema.fields) do
    if not has(field) then return false end
  end
  return true
end

local function is_read(field)
  return not field.write_only and not field.in_query
end

local function is_written(field) return not field.read_only end

-- The views of a schema: `object` (what answers hold), `attributes` (what an
-- update may hold), `new` (what a create must hold), or `filter`; `same` where
-- object and attributes do not differ.
for _, schema in ipairs(model.schemas) do
  schema.class = "workstage." .. schema.name
  if all_fields(schema, function(field) return field.in_query end) then
    schema.is_filter = true
  elseif all_fields(schema, function(field)
      return is_read(field) and is_written(field)
    end) then
    schema.is_same = true
  else
    schema.is_read_only = all_fields(schema, function(field)
      return field.read_only
    end)
  end
end

local plain = {
  id = "integer", integer = "integer", number = "number",
  boolean = "boolean", string = "string", time = "string",
  ["array of ids"] = "integer[]", ["array of strings"] = "string[]",
  any = "any",
}

local function class_of(name, written)
  local schema = by_name[name]
  if written and not schema.is_same and not schema.is_read_only then
    return model.new_class(schema)
  end
  return schema.class
end

--- "workstage.storyblok.new_stage"
function model.new_class(schema)
  return (schema.class:gsub("([%w_]+)$", "new_%1"))
end

--- A field's type in responses, or in requests.
function model.type_of(field, written)
  if field.object then
    local name = class_of(field.object, written)
    if field.type:find "^array" then name = name .. "[]" end
    if written and field.shorthand then name = name .. "|string" end
    return name
  end
  local name = assert(plain[field.type], "no type for " .. field.type)
  if field.in_query and name:find "%[%]$" then
    name = name .. "|" .. name:gsub("%[%]$", "")
  end
  return name
end

-- --------------------------------------------------------------- places

-- The comment above a function, its file and its parameters' names.
local function look_up(f)
  local info = debug.getinfo(f, "Su")
  local path = info.source:match "^@(.+)$"
  local place = path and path:match "^.*/(workstage/.*)$"
  local doc = place and
              comments.above("lua-binding/" .. place, info.linedefined)
  local names = {}
  for i = 1, info.nparams do names[i] = debug.getlocal(f, i) end
  if names[1] == "self" or names[1] == "_" then table.remove(names, 1) end
  return doc, names, place, info.linedefined
end

local c_docs, c_names = comments.of_c(SANDBOX_C), {}
for line in io.lines(SANDBOX_C) do
  for name, f in line:gmatch '{ "(%w+)", ([%w_]+) }' do
    c_names[f:match "^%l+_m_" and ":" .. name or "." .. name] = f
  end
end

local function param_of(doc, name)
  for _, param in ipairs(doc.params) do
    if param.name == name then return param end
  end
end

-- Parameters in the order of the function, with descriptions from its comment.
local function params_of(doc, names, types)
  local params = {}
  if #names == 0 then names = nil end
  for i, param in ipairs(doc.params) do
    if not names then params[i] = param end
  end
  for i, name in ipairs(names or {}) do
    params[i] = param_of(doc, name) or { name = name, words = "" }
  end
  for i, param in ipairs(params) do
    local copy = {}
    for key, value in pairs(param) do copy[key] = value end
    copy.type = types[param.name] or param.type
    params[i] = copy
  end
  return params
end

-- Results on success, with their types, and if the function can fail.
local function results_of(doc, types)
  local list, group = {}, doc.returns[1] or {}
  for i = 1, math.max(#group, #types) do
    local one = group[i] or {}
    list[i] = { type = types[i] or one.type, words = one.words or "" }
  end
  return list, doc.returns[2] ~= nil
end

--- Makes the description of a function of a module ("workstage.map") or of a
-- method ("workstage.task:wait").
local function describe(name, f, types)
  local doc, names, place, line = look_up(f)
  if not place then
    doc = c_docs[c_names[name:match "[.:]%w+$"]]
    names, place, line = {}, "sandbox.c", 0
  end
  if not doc then error(name .. " has no comment in " .. place, 0) end
  types = types or tables.types[name] or {}
  local results, can_fail = results_of(doc, types)
  return {
    name = name, text = doc.text, summary = doc.summary,
    params = params_of(doc, names, types), results = results,
    can_fail = can_fail,
    fails = types.fails or place == "sandbox.c" and "string" or
            "workstage.error",
    place = place, line = line,
  }
end

-- ------------------------------------------------------------ resources

local VERBS = {
  list = "GET %s", page = "GET %s", each = "GET %s", find = "GET %s",
  get = "GET %s/:id", create = "POST %s", update = "PUT %s/:id",
  delete = "DELETE %s/:id", duplicate = "POST %s/:id/duplicate",
  publish = "GET %s/:id/publish", unpublish = "GET %s/:id/unpublish",
}

-- "Workflow stages" of "/workflow_stages": the names of sections in the
-- services' references.
local function section(path)
  return (path:match "[%w_]+$":gsub("_", " "):gsub("^%l", string.upper))
end

local REFERENCES = {
  storyblok = "Storyblok, Management API reference",
  kantata = "Kantata OX, API reference",
}

local function elsewhere(service, where, request)
  return ("%s: %s, `%s`"):format(REFERENCES[service], where, request)
end

local function service_path(service, class)
  return (service == "storyblok" and "/v1/spaces/:space_id" or "") ..
         class.path
end

-- Names in comments of methods that all resources share -> types.
local function types_of(class)
  local schema = by_handle[class.schema]
  local filter = by_handle[class.filter]
  local attributes = schema.class .. "_attributes"
  return {
    item = schema.class, ["item[]"] = schema.class .. "[]",
    page = schema.class .. "_page",
    iterator = ("fun(): %s"):format(schema.class),
    filter = filter and filter.class,
    get_filter = class.get_filter and by_handle[class.get_filter].class,
    attributes = class.marks and attributes .. "|" .. schema.class or
                 attributes,
    new = not schema.is_read_only and model.new_class(schema) or nil,
    copy = "workstage.storyblok.duplicate",
    publish_filter = "workstage.storyblok.publish_filter",
    call = "workstage.call_options",
  }
end

-- Replaces those names by the types of one resource.
local function adapt(method, types, class)
  local params = {}
  for _, param in ipairs(method.params) do
    local is_left_out = param.type == "get_filter" and not class.get_filter
    if not is_left_out then
      if param.type == "filter" and class.needs_filter then
        param.optional = nil
      end
      param.type = types[param.type] or param.type
      params[#params + 1] = param
    end
  end
  method.params = params
  for _, result in ipairs(method.results) do
    result.type = types[result.type] or result.type
  end
  return method
end

local function sorted_methods(api, order)
  local names, place = {}, {}
  for i, name in ipairs(order or {}) do place[name] = i end
  for name, f in pairs(api) do
    if type(f) == "function" and not name:find "^__" then
      names[#names + 1] = name
    end
  end
  table.sort(names, function(a, b)
    local left, right = place[a] or 99, place[b] or 99
    if left ~= right then return left < right end
    return a < b
  end)
  return names
end

local function resource_class(service, name, class)
  local found = {
    name = ("workstage.%s.%s"):format(service, name), methods = {},
    doc = ("%s: `%s`."):format(section(class.path),
                               service_path(service, class)),
    service = service, item = by_handle[class.schema],
  }
  for i, verb in ipairs(sorted_methods(class.api, class.methods)) do
    local method = describe(found.name .. ":" .. verb, class.api[verb])
    adapt(method, types_of(class), class)
    method.elsewhere = elsewhere(service, section(class.path),
      VERBS[verb]:format(service_path(service, class)))
    found.methods[i] = method
  end
  if class.paged then found.item.has_pages = true end
  return found
end

-- ------------------------------------------------------------- classes

local function add(class)
  model.classes[#model.classes + 1] = class
  model.classes[class.name] = class
  return class
end

-- A class from its table of methods.
local function add_class(name, doc, api, fields)
  local class = add { name = name, doc = doc, methods = {}, fields = fields }
  for i, method in ipairs(sorted_methods(api)) do
    class.methods[i] = describe(name .. ":" .. method, api[method])
  end
  return class
end

-- A client at run time, with its resources sorted by name.
local function add_client(service, doc, opts)
  local client = assert(workstage[service](opts))
  local fields, names = {}, {}
  for name in pairs(client) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = client[name]
    local class = type(value) == "table" and rawget(value, "class")
    local full = ("workstage.%s.%s"):format(service, name)
    if class and next(class.api) then
      add(resource_class(service, name, class))
      fields[#fields + 1] = { name, full, model.classes[full].doc }
    elseif name == "statuses" then
      add_class(full, "The statuses that Kantata knows; no request.",
                getmetatable(value))
      fields[#fields + 1] = { name, full, model.classes[full].doc }
    elseif math.type(value) then
      fields[#fields + 1] = { name, "integer", "The space's id." }
    end
  end
  local class = add_class("workstage." .. service, doc,
                          getmetatable(client), fields)
  for _, method in ipairs(class.methods) do
    local call = method.name:match ":(%w+)$"
    if call == "whoami" then
      method.elsewhere = elsewhere(service, "Users", service == "kantata" and
                                   "GET /users/me" or "GET /v1/users/me")
    elseif call == "info" then
      method.elsewhere = elsewhere(service, "Spaces",
                                   "GET /v1/spaces/:space_id")
    end
  end
  client:close()
end

local function classes_of_tasks()
  local scope_class, task_class
  workstage.run(function(scope)
    local task = scope:spawn(function() end)
    scope_class, task_class = getmetatable(scope), getmetatable(task)
  end)
  return scope_class, task_class
end

local function add_classes()
  add_client("storyblok", "A client of one Storyblok space.",
             { token = "token", space_id = 1 })
  add_client("kantata", "A client of one Kantata OX account.",
             { token = "token" })
  local scope, task = classes_of_tasks()
  add_class("workstage.loop", "The one event loop of a Lua state, for other " ..
            "loops to poll and step.", getmetatable(workstage.loop))
  add_class("workstage.scope", "Tasks that end together: see " ..
            "`workstage.run`.", scope)
  add_class("workstage.task", "A function that runs beside others.", task)
  local empty = plan.new {
    service = "storyblok", kind = "migration",
    state = { workflows = {}, stages = {} },
    operations = {}, rules = {}, effects = {}, notes = {}, rate = 6,
  }
  add_class("workstage.plan", "The operations of a migration, in order; " ..
            "`tostring` gives a readable diff.", getmetatable(empty), {
    { "id", "string", "The plan's id." },
    { "operations", "table[]", "The operations, in order." },
    { "requests", "integer", "How many it takes." },
    { "seconds", "number", "How long it takes at the rate limit; nil " ..
      "without one.", optional = true },
    { "effects", "table", "The side effects." },
    { "notes", "string[]", "What is kept unchanged." },
  })
  add_class("workstage.session", "A journal that is locked and was read, " ..
            "for `migration.resume` and `migration.rollback`.",
            session.Session, {
    { "path", "string", "Of the journal." },
  })
end

-- ------------------------------------------------------------- modules

local order = {
  workstage = { "map", "run" },
  ["workstage.migration"] = {
    "read", "write", "export", "check", "plan", "load", "apply", "resume",
    "rollback", "progress", "rehearse", "graph",
  },
}

-- Modules of the tool, which scripts do not need.
local hidden = { hold_signals = true, wait_signal = true }

-- A table that can be called, as `workstage.storyblok`, and its functions.
local function add_callable(found, name, value)
  local call = describe(name, getmetatable(value).__call)
  call.is_callable = true
  local list = found.functions
  list[#list + 1] = call
  for _, key in ipairs(sorted_methods(value)) do
    list[#list + 1] = describe(name .. "." .. key, value[key])
  end
end

local function add_callables(found, module)
  local names = {}
  for key, value in pairs(module) do
    local meta = type(value) == "table" and getmetatable(value)
    if type(meta) == "table" and type(meta.__call) == "function" then
      names[#names + 1] = key
    end
  end
  table.sort(names, function(a, b) return a > b end)
  for _, key in ipairs(names) do
    add_callable(found, found.name .. "." .. key, module[key])
  end
end

local function add_module(name, doc, module, fields)
  local found = { name = name, doc = doc, functions = {}, fields = fields }
  for _, key in ipairs(sorted_methods(module, order[name])) do
    if not hidden[key] then
      local one = describe(name .. "." .. key, module[key])
      found.functions[#found.functions + 1] = one
    end
  end
  add_callables(found, module)
  model.modules[#model.modules + 1] = found
end

-- The sandbox's options: names and types from its table in C, descriptions
-- from its page.
local function sandbox_options()
  local words, fields = {}, {}
  for line in io.lines "docs/sandbox.md" do
    local name, default, text =
      line:match "^| `([%w_]+)` | (.-) | (.*) |$"
    if name then
      words[name] = text:gsub("\\|", "|"):match "^(.-)%.?$" ..
                    ("; %s unless given."):format(default)
    end
  end
  local types = { INT = "integer", NUMBER = "number", BOOL = "boolean",
                  TEXT = "string", FALSE = "false", OBJECT = "table",
                  ARRAY = "table[]", TEXTS = "string[]" }
  local file = assert(io.open "src/sandbox/config.c")
  local text = file:read "a":gsub("NUMBER_OR_FALSE }",
                                  "F_NUMBER | F_FALSE }")
  file:close()
  local list = text:match "struct field options%[%] = (%b{})"
  for name, flags in list:gmatch '{ "([%w_]+)", ([%w_| ]+) }' do
    local kinds = {}
    for flag in flags:gmatch "F_(%u+)" do
      kinds[#kinds + 1] = types[flag]
    end
    fields[#fields + 1] = { name, table.concat(kinds, "|"),
                            words[name] or "" }
  end
  return fields
end

local function add_sandbox()
  local found, sandbox = pcall(require, "workstage.sandbox")
  if not found then
    error("the sandbox is part of the reference: make it first", 0)
  end
  add_module("workstage.sandbox", "An emulator of both services.", sandbox)
  local class = debug.getregistry()["workstage.sandbox"]
  local _, api = debug.getupvalue(class.__index, 1)
  add_class("workstage.sandbox.server", "A running sandbox.", api, {
    { "url", "string", "Storyblok's `base_url`." },
    { "kantata_url", "string", "Kantata's `base_url`." },
    { "port", "integer", "Where it listens, on 127.0.0.1." },
  })
  table.insert(tables.classes, {
    name = "workstage.sandbox.options", opts = true,
    doc = "Options of `sandbox.start`.",
    table.unpack(sandbox_options()),
  })
end

local option_types = {
  string = "string", id = "integer|string",
  rate = "number|false|workstage.rate_limit", count = "integer",
  seconds = "number", retry = "false|workstage.retry",
  proxy = "string|false", headers = "table<string, string|integer>",
  ["function"] = "fun(event: workstage.event)",
}

--- The options of a service's constructor.
local function add_options(service)
  local class = { name = ("workstage.%s.options"):format(service),
                  doc = ("Options of `workstage.%s`."):format(service),
                  opts = true }
  for _, option in ipairs(options.list) do
    if (option.service or service) == service then
      local words = option.doc
      if option.default then
        words = ("%s Default: %s."):format(words, option.default)
      end
      class[#class + 1] = { option.name,
                            assert(option_types[option.type]), words,
                            required = option.required }
    end
  end
  table.insert(tables.classes, class)
end

model.modules = {}
model.tables, model.kinds = tables.classes, tables.kinds
add_classes()
add_options "storyblok"
add_options "kantata"
add_module("workstage", "Workflow stages and stage changes in Storyblok, " ..
           "workspace status changes in Kantata OX.", workstage, {
  { "_VERSION", "string", "\"workstage\" and its version." },
  { "null", "lightuserdata", "JSON's null, for attributes that are to be " ..
    "cleared: lua-cjson's." },
  { "loop", "workstage.loop", "The event loop, for other loops." },
})
add_module("workstage.migration", "Migrations of whole workflows.",
           migration)
add_module("workstage.history", "When items changed their stage, by whom, " ..
           "and how long they were in it.", require "workstage.history")
add_module("workstage.time", "Times as the services write them.",
           workstage.time)
add_module("workstage.log", "Events as lines: `on_event = require " ..
           "\"workstage.log\"()`.", require "workstage.log")
add_sandbox()

return model
