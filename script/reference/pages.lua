--- The reference as pages of Markdown: from the model, for the site.
local blueprint_tables = require "workstage.migration.blueprint.storyblok"
                         .tables
local examples = require "examples"
local failures = require "failures"
local model = require "model"

local pages = {}

local out

local function put(format, ...)
  out[#out + 1] = select("#", ...) > 0 and format:format(...) or format
end

local function begin(title, text)
  out = {}
  put("# %s\n\n%s\n", title, text)
end

local KANTATA = [[
return {
  version = 1,
  service = "kantata",
  moves = {
    { from = 310, where = { prefix = { title = "2025" } }, to = 605 },
    { from = { message = "On Hold", color = "red" }, to = 135 },
  },
}
]]

local function finish() return table.concat(out, "\n") .. "\n" end

-- The tables of the page about options, in its order.
local OPTIONS = { "storyblok.options", "kantata.options", "call_options",
                  "request_parts", "map_options", "rate_limit", "retry",
                  "event" }
for _, name in ipairs(OPTIONS) do OPTIONS[name] = true end

local schemas = {}
for _, schema in ipairs(model.schemas) do schemas[schema.name] = true end

-- --------------------------------------------------------------- text

--- "space.stages:create" -> "space-stages-create"
local function anchor(name)
  return (name:lower():gsub("[^%w]+", "-"):gsub("^%-*(.-)%-*$", "%1"))
end

-- Comments are Markdown; escapes what HTML would parse as a tag.
local function prose(text)
  local codes = {}
  text = (text or ""):gsub("`[^`]+`", function(code)
    codes[#codes + 1] = code
    return ("\1%d\1"):format(#codes)
  end)
  text = text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub("{{", "&#123;&#123;")
  return (text:gsub("\1(%d+)\1", function(i) return codes[tonumber(i)] end))
end

local function cell(text)
  return (prose(text):gsub("|", "\\|"):gsub("\n", " "))
end

-- The words of a parameter or a result, as a sentence: "of the object" of `id`
-- becomes "The id of the object."
local function sentence(text, name)
  text = text or ""
  if name and (text:find "^of " or text:find "^to ") then
    text = ("the %s %s"):format(name, text)
  end
  text = text:gsub("^%l", string.upper)
  return text:find "[%w`)\"]$" and text .. "." or text
end

-- The page and the anchor where a type is described, or nil.
local function place_of(name)
  if name == "error" then return "errors#error" end
  if OPTIONS[name] then return "options#" .. anchor(name) end
  if name:find "^blueprint" then return "blueprint#" .. anchor(name) end
  local object = name:gsub("%.new_", "."):gsub("_attributes$", "")
    :gsub("_page$", "")
  if schemas[object] then return "schemas#" .. anchor(object) end
end

-- A type in code, a link where it is described on a page.
local function type_text(kind)
  kind = kind or "any"
  local name = kind:match "^%??workstage%.([%w_.]+)"
  local place = name and place_of(name)
  local code = "`" .. kind:gsub("workstage%.", "") .. "`"
  code = code:gsub("|", "\\|")
  return place and ("[%s](./%s)"):format(code, place) or code
end

-- ------------------------------------------------------------- tables

local function put_rows(head, rows)
  if #rows == 0 then return end
  put("| %s |", table.concat(head, " | "))
  put("|%s", ("---|"):rep(#head))
  for _, row in ipairs(rows) do put("| %s |", table.concat(row, " | ")) end
  put ""
end

local function marks(field, schema)
  local list = {}
  if field.required then list[#list + 1] = "required" end
  if field.read_only then list[#list + 1] = "read-only" end
  if field.write_only then list[#list + 1] = "never in responses" end
  if field.nullable then list[#list + 1] = "may be null" end
  if field.outside_root then list[#list + 1] = "outside the root object" end
  if field.in_query and not schema.is_filter then
    list[#list + 1] = "in the query"
  end
  return #list > 0 and (" (%s)"):format(table.concat(list, ", ")) or ""
end

local function field_type(field)
  local kind = field.type
  if field.object then
    kind = "workstage." .. field.object ..
           (kind:find "^array" and "[]" or "") ..
           (field.shorthand and "|string" or "")
  end
  return type_text((kind:gsub("^array of ids$", "id[]")
    :gsub("^array of strings$", "string[]")))
end

local function put_schema(schema)
  put("## %s {#%s}\n\n%s", schema.name, anchor(schema.name),
      prose(schema.doc))
  if schema.root then
    put("In requests and responses under `%s`%s.", schema.root,
        schema.plural and (", in lists under `%s`"):format(schema.plural)
        or "")
  end
  put ""
  local rows = {}
  for i, field in ipairs(schema.fields) do
    rows[i] = { "`" .. field.name .. "`", field_type(field),
                cell(field.doc .. marks(field, schema)) }
  end
  put_rows({ "Field", "Type", "Meaning" }, rows)
end

local function put_table(class)
  local name = class.name:gsub("^workstage%.", "")
  put("## %s {#%s}\n\n%s\n", name, anchor(name), prose(class.doc))
  local rows = {}
  for i, field in ipairs(class) do
    local is_required = class.opts and field.required
    rows[i] = { "`" .. field[1]:gsub("[%[%]]", "") .. "`",
                type_text(field[2]),
                cell((field[3] or "") .. (is_required and " (required)"
                                          or "")) }
  end
  put_rows({ "Field", "Type", "Meaning" }, rows)
end

-- ----------------------------------------------------------- functions

local function put_params(f)
  local rows = {}
  for i, param in ipairs(f.params) do
    local more = param.default and (" Default: %s."):format(param.default)
                 or param.optional and " Optional." or ""
    rows[i] = { "`" .. param.name .. "`", type_text(param.type),
                cell(sentence(param.words, param.name) .. more) }
  end
  put_rows({ "Argument", "Type", "Meaning" }, rows)
end

local function put_results(f, name)
  local rows = {}
  for i, result in ipairs(f.results) do
    rows[i] = { type_text(result.type), cell(sentence(result.words)) }
  end
  if f.can_fail then
    rows[#rows + 1] = { "`nil`, " .. type_text(f.fails),
                        failures[name:match "[%w_]+$"] or "A message." }
  end
  put_rows({ "Returns", "Meaning" }, rows)
end

local function signature(f, name)
  local names = {}
  for i, param in ipairs(f.params) do names[i] = param.name end
  return ("%s(%s)"):format(name, table.concat(names, ", "))
end

local function put_example(text)
  if text then put("```lua\n%s```\n", text) end
end

local function put_function(f, name)
  put("### %s {#%s}\n", name, anchor(name))
  put("```lua\n%s\n```\n", signature(f, name))
  put("%s\n", prose(f.text))
  put_params(f)
  put_results(f, name)
  if examples[name] then put "Example:\n" end
  put_example(examples[name])
  if f.elsewhere then put("Reference: %s.\n", f.elsewhere) end
end

-- The name of a client in the guides, followed by its resources.
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
  local name = holder(class)
  put("## %s {#%s}\n\n%s\n", name, anchor(name), prose(class.doc))
  for _, method in ipairs(class.methods) do
    put_function(method, name .. ":" .. method.name:match ":([%w_]+)$")
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

local ASSUMED = "In the examples, `space` and `ox` are clients of " ..
                "Storyblok and Kantata OX, and modules have the last part " ..
                "of their names: `migration` is `require " ..
                "\"workstage.migration\"`.\n"

local function put_functions(module)
  put(ASSUMED)
  put "## Functions\n"
  for _, f in ipairs(module.functions) do put_function(f, f.name) end
end

-- The fields of a class's objects, as a table of the page.
local function put_fields(class)
  local fields = table.move(class.fields, 1, #class.fields, 1, {})
  fields.name, fields.doc = class.name .. " (fields)", class.doc
  put_table(fields)
end

-- --------------------------------------------------------------- pages

local function module_page(name, classes, tables)
  local module = module_named(name)
  begin(name, prose(module.doc))
  put_functions(module)
  for _, class in ipairs(classes or {}) do
    put_class(model.classes[class])
    if model.classes[class].fields then put_fields(model.classes[class]) end
  end
  for _, class in ipairs(tables or {}) do put_table(class) end
  return finish()
end

local function service_page(service, doc)
  begin(service, doc)
  put(ASSUMED)
  put_class(model.classes["workstage." .. service])
  for _, each in ipairs(model.classes) do
    if each.name:find("workstage." .. service .. ".", 1, true) == 1 then
      put_class(each)
    end
  end
  if service == "kantata" then
    put_table(table_named "workstage.known_status")
  end
  return finish()
end

local function options_page()
  begin("Options", "The options of the constructors and of each call.")
  for _, name in ipairs(OPTIONS) do
    put_table(table_named("workstage." .. name))
  end
  return finish()
end

local function errors_page()
  begin("Errors", "A call that fails returns `nil` and an error: a table " ..
        "that is one sentence by `tostring`.")
  put_table(table_named "workstage.error")
  put "## error.kind {#error-kind}\n"
  local rows = {}
  for i, kind in ipairs(model.kinds) do
    rows[i] = { "`" .. kind[1] .. "`", cell(kind[2]) }
  end
  put_rows({ "Kind", "Meaning" }, rows)
  return finish()
end

local function blueprint_page()
  begin("A blueprint", "The desired workflows, and which items move where: " ..
        "a file of data, in Lua syntax or JSON. Nothing in it is executed. " ..
        "`workstage check` finds mistakes in it without a network.")
  put_table(table_named "workstage.blueprint")
  for _, each in ipairs(blueprint_tables) do
    put_table(table_named("workstage.blueprint." .. each[1]))
    put_example(each[4])
  end
  put "## Kantata OX {#kantata}\n"
  put "Statuses are fixed, so a blueprint has only moves of projects.\n"
  put_example(KANTATA)
  return finish()
end

local function schemas_page()
  begin("Objects and filters", "The services' objects and the filters of " ..
        "their lists, field by field.")
  for _, schema in ipairs(model.schemas) do put_schema(schema) end
  put "## Pages of a list {#pages}\n"
  put "A page is an array of its objects, with these fields.\n"
  put_rows({ "Field", "Type", "Meaning" }, {
    { "`total`", "`integer`", "Items on all pages; nil if the service " ..
      "does not report it." },
    { "`page`", "`integer`", "The page's number, from 1." },
    { "`per_page`", "`integer`", "Items on a full page." },
  })
  return finish()
end

local function migration_tables()
  local found = {}
  for _, class in ipairs(model.tables) do
    if class.name:find("workstage.migration.", 1, true) == 1 then
      found[#found + 1] = class
    end
  end
  return found
end

-- Modules with a page of special layout; the others use the default.
local arranged = {
  workstage = { { "workstage.loop", "workstage.scope", "workstage.task" } },
  ["workstage.migration"] = { { "workstage.plan" }, migration_tables() },
  ["workstage.sandbox"] = { { "workstage.sandbox.server" },
    { table_named "workstage.sandbox.options",
      table_named "workstage.sandbox.stats" } },
}

--- The pages: a file's name -> its text.
function pages.files()
  local files = {
    ["storyblok.md"] = service_page("storyblok", "The methods of " ..
      "Storyblok, of `space = workstage.storyblok(options)`."),
    ["kantata.md"] = service_page("kantata", "The methods of Kantata OX, " ..
      "of `ox = workstage.kantata(options)`."),
    ["options.md"] = options_page(), ["errors.md"] = errors_page(),
    ["schemas.md"] = schemas_page(), ["blueprint.md"] = blueprint_page(),
  }
  for _, module in ipairs(model.modules) do
    local file = module.name:gsub("^workstage%.", "") .. ".md"
    files[file] = module_page(module.name,
                              table.unpack(arranged[module.name] or {}))
  end
  return files
end

return pages
