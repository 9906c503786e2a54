--- The model as input for LDoc: Lua files of comments, one for each page.
local model = require "model"

local pages = {}

local out

local function put(format, ...)
  out[#out + 1] = select("#", ...) > 0 and format:format(...) or format
end

-- LDoc sees a type's end in a blank: "fun(a: b): c" must be one word there.
local function one_word(kind)
  kind = (kind or "any"):gsub("^%?(.*)$", "%1|nil")
  return (kind:gsub("%s", ""))
end

-- The tables of the page about options, in its order.
local OPTIONS = { "storyblok.options", "kantata.options", "call_options",
                  "request_parts", "map_options", "rate_limit", "retry",
                  "event" }
for _, name in ipairs(OPTIONS) do OPTIONS[name] = true end

local schemas = {}
for _, schema in ipairs(model.schemas) do schemas[schema.name] = true end

-- What is written stands on the page of the object itself.
local function page_name(name)
  if name == "error" then return "errors.error" end
  if OPTIONS[name] then return "options." .. name end
  local object = name:gsub("%.new_", "."):gsub("_attributes$", "")
  return schemas[object] and object or name
end

-- The types of the pages have the names that people say; two that stand on
-- one page are one there.
local function short(kind)
  local said = one_word(kind):gsub("workstage%.([%w_.]+)", page_name)
  return (said:gsub("^(.+)|%1$", "%1"))
end

local function words_of(words)
  return words and words ~= "" and words or " "
end

-- ------------------------------------------------------------- schemas

local function marks(field, schema)
  local list = {}
  if field.required then list[#list + 1] = "required" end
  if field.read_only then list[#list + 1] = "read-only" end
  if field.write_only then list[#list + 1] = "never in answers" end
  if field.nullable then list[#list + 1] = "may be null" end
  if field.beside then list[#list + 1] = "beside the root object" end
  if field.in_query and not schema.is_filter then
    list[#list + 1] = "in the query"
  end
  return #list > 0 and (" (%s)"):format(table.concat(list, ", ")) or ""
end

local function field_type(field)
  local kind = field.type
  if field.object then
    kind = kind:find "^array" and field.object .. "[]" or field.object
    if field.shorthand then kind = kind .. "|string" end
  end
  return (kind:gsub("^array of ids$", "id[]"):gsub("^array of strings$",
                                                   "string[]"))
end

local function put_schema(schema)
  put("--- %s", schema.doc)
  if schema.root then
    put("-- In requests and answers under `%s`%s.", schema.root,
        schema.plural and (", in lists under `%s`"):format(schema.plural)
        or "")
  end
  put("-- @table %s", schema.name)
  for _, field in ipairs(schema.fields) do
    put("-- @tfield %s %s %s%s", field_type(field), field.name, field.doc,
        marks(field, schema))
  end
  put ""
end

-- ----------------------------------------------------------- functions

-- A summary ends at the first stop; LDoc cuts it there.
local function put_function(f, name)
  put("--- %s", f.text)
  if f.elsewhere then
    put "--"
    put("-- %s.", f.elsewhere)
  end
  put("-- @function %s", name)
  for _, param in ipairs(f.params) do
    local modifier = param.default and ("[opt=%s]"):format(param.default) or
                     param.optional and "[opt]" or ""
    put("-- @tparam%s %s %s %s", modifier, short(param.type), param.name,
        words_of(param.words))
  end
  for _, result in ipairs(f.results) do
    put("-- @treturn%s %s %s", f.can_fail and "[1]" or "",
        short(result.type), words_of(result.words))
  end
  if f.can_fail then
    put("-- @treturn[2] nil  ")
    put("-- @treturn[2] %s what went wrong", short(f.fails))
  end
  put ""
end

local function put_table(class)
  put("--- %s", class.doc)
  put("-- @table %s", (class.name:gsub("^workstage%.", "")))
  for _, field in ipairs(class) do
    put("-- @tfield %s %s %s%s", short(field[2]),
        (field[1]:gsub("[%[%]]", "")), words_of(field[3]),
        class.given and field.required and " (required)" or "")
  end
  put ""
end

local function begin(name, doc)
  out = {}
  put("--- %s", doc)
  put("-- @module %s", name)
  put ""
end

local function put_section(id, title, doc)
  put("--- %s.", title)
  if doc then put("-- %s", doc) end
  put("-- @section %s", id)
  put ""
end

-- What a client is called in the guides, and its resources behind it.
local HOLDERS = { storyblok = "space", kantata = "ox", loop = "loop",
                  scope = "scope", task = "task", plan = "plan",
                  ["sandbox.server"] = "server" }

local function holder(class)
  local name = class.name:gsub("^workstage%.", "")
  local service, resource = name:match "^(%w+)%.(%w+)$"
  if HOLDERS[name] then return HOLDERS[name] end
  return HOLDERS[service] .. "." .. resource
end

local function put_class(class)
  put_section(holder(class):gsub("%.", "_"), holder(class), class.doc)
  for _, method in ipairs(class.methods) do
    put_function(method, holder(class) .. ":" ..
                 method.name:match ":([%w_]+)$")
  end
end

local function module_named(name)
  for _, module in ipairs(model.modules) do
    if module.name == name then return module end
  end
end

local function table_named(name)
  for _, class in ipairs(model.tables) do
    if class.name == name then return class end
  end
end

local function put_functions(module)
  for _, f in ipairs(module.functions) do put_function(f, f.name) end
end

-- --------------------------------------------------------------- pages

local function finish() return table.concat(out, "\n") .. "\n" end

local function service_page(service, doc)
  begin(service, doc)
  local class = model.classes["workstage." .. service]
  put_section("client", holder(class), class.doc)
  for _, method in ipairs(class.methods) do
    put_function(method, holder(class) .. ":" ..
                 method.name:match ":([%w_]+)$")
  end
  for _, each in ipairs(model.classes) do
    if each.name:find("workstage." .. service .. ".", 1, true) == 1 then
      put_class(each)
    end
  end
  if service == "kantata" then
    put_section("tables", "Tables")
    put_table(table_named "workstage.known_status")
  end
  return finish()
end

local function options_page()
  begin("options", "The options of the constructors and of each call.")
  for _, name in ipairs(OPTIONS) do
    put_table(table_named("workstage." .. name))
  end
  return finish()
end

local function errors_page()
  begin("errors", "What a call returns beside nil: a table that is a " ..
        "sentence by `tostring`.")
  put_table(table_named "workstage.error")
  put "--- The kinds of errors."
  put "-- @table error.kind"
  for _, kind in ipairs(model.kinds) do
    put("-- @field %s %s", kind[1], kind[2])
  end
  put ""
  return finish()
end

local function schemas_page()
  begin("schemas", "The services' objects and the filters of their lists, " ..
        "field by field.")
  for _, schema in ipairs(model.schemas) do put_schema(schema) end
  for _, schema in ipairs(model.schemas) do
    if schema.has_pages then
      put("--- A page of a list: an array of `%s`, with these fields.",
          schema.name)
      put("-- @table %s_page", schema.name)
      put "-- @tfield integer total Items on all pages; nil where the \z
           service does not tell."
      put "-- @tfield integer page Its number, from 1."
      put "-- @tfield integer per_page Items on a full page."
      put ""
    end
  end
  return finish()
end

local function workstage_page()
  local module = module_named "workstage"
  begin("workstage", module.doc)
  put_functions(module)
  for _, name in ipairs { "loop", "scope", "task" } do
    put_class(model.classes["workstage." .. name])
  end
  return finish()
end

local function migration_page()
  local module = module_named "workstage.migration"
  begin("workstage.migration", module.doc)
  put_functions(module)
  put_class(model.classes["workstage.plan"])
  put_section("tables", "Tables")
  put_table(model.classes["workstage.plan"].fields_as_table)
  for _, class in ipairs(model.tables) do
    if class.name:find("workstage.migration.", 1, true) == 1 or
       class.name == "workstage.blueprint" then
      put_table(class)
    end
  end
  return finish()
end

local function sandbox_page()
  local module = module_named "workstage.sandbox"
  begin("workstage.sandbox", module.doc)
  put_functions(module)
  put_class(model.classes["workstage.sandbox.server"])
  put_section("tables", "Tables")
  put_table(table_named "workstage.sandbox.options")
  put_table(table_named "workstage.sandbox.stats")
  put_table(model.classes["workstage.sandbox.server"].fields_as_table)
  return finish()
end

local function log_page()
  local module = module_named "workstage.log"
  begin("workstage.log", module.doc)
  put_functions(module)
  return finish()
end

--- The pages: a file's name -> its text.
function pages.files()
  for _, class in ipairs(model.classes) do
    class.fields_as_table = table.move(class.fields or {}, 1,
                                       #(class.fields or {}), 1,
                                       { name = class.name,
                                         doc = class.doc })
  end
  return {
    ["workstage.lua"] = workstage_page(),
    ["storyblok.lua"] = service_page("storyblok", "The methods of " ..
      "Storyblok, of `space = workstage.storyblok(options)`."),
    ["kantata.lua"] = service_page("kantata", "The methods of Kantata OX: " ..
      "`ox = workstage.kantata(options)`."),
    ["options.lua"] = options_page(), ["errors.lua"] = errors_page(),
    ["schemas.lua"] = schemas_page(), ["migration.lua"] = migration_page(),
    ["sandbox.lua"] = sandbox_page(), ["log.lua"] = log_page(),
  }
end

return pages
