--- The model as definitions for editors (LuaCATS).
local model = require "model"

local types = {}

local out

local function put(format, ...)
  local line = select("#", ...) > 0 and format:format(...) or format
  out[#out + 1] = line:match "^(.-)[ #]*$"
end

local function put_words(words)
  if words and words ~= "" then put("---%s", words) end
end

local function put_field(name, kind, words, is_optional)
  put("---@field %s%s %s%s", name, is_optional and "?" or "", kind,
      words and words ~= "" and " " .. words or "")
end

-- ------------------------------------------------------------- schemas

local function put_object(schema)
  put("")
  put_words(schema.doc)
  put("---@class %s", schema.class)
  for _, field in ipairs(schema.fields) do
    if schema.is_same then
      put_field(field.name, model.type_of(field, true), field.doc,
                not field.required)
    elseif not field.write_only and not field.in_query then
      put_field(field.name, model.type_of(field), field.doc, field.nullable)
    end
  end
end

local function put_page(schema)
  put("")
  put("---@class %s_page", schema.class)
  put_field("[integer]", schema.class)
  put_field("total", "integer", "Items on all pages.", true)
  put_field("page", "integer", "Its number, from 1.")
  put_field("per_page", "integer", "Items on a full page.")
end

local function written_type(field)
  local kind = model.type_of(field, true)
  return field.nullable and kind .. "|lightuserdata" or kind
end

-- The fields of an update, and the additional required ones of a create.
local function put_attributes(schema)
  put("")
  put("---@class %s_attributes", schema.class)
  for _, field in ipairs(schema.fields) do
    if not field.read_only then
      put_field(field.name, written_type(field), field.doc, true)
    end
  end
  put("")
  put("---@class %s: %s_attributes", model.new_class(schema), schema.class)
  for _, field in ipairs(schema.fields) do
    if field.required then
      put_field(field.name, written_type(field), field.doc)
    end
  end
end

local function put_filter(schema)
  put("")
  put_words(schema.doc)
  put("---@class %s", schema.class)
  for _, field in ipairs(schema.fields) do
    put_field(field.name, model.type_of(field), field.doc,
              not field.required)
  end
end

local function put_schema(schema)
  if schema.is_filter then return put_filter(schema) end
  put_object(schema)
  if schema.has_pages then put_page(schema) end
  if not schema.is_same and not schema.is_read_only then
    put_attributes(schema)
  end
end

-- ----------------------------------------------------- classes, functions

local function put_table(class)
  put("")
  put_words(class.doc)
  put("---@class %s", class.name)
  for _, field in ipairs(class) do
    put_field(field[1], field[2], field[3], not field.required)
  end
end

-- A parameter's default, unless its description already has it.
local function param_words(param)
  if not param.default then return param.words end
  return ("%s (%s unless given)"):format(param.words, param.default)
end

local function put_function(f, name)
  put("")
  put_words(f.text)
  if f.elsewhere then
    put("---")
    put("---%s", f.elsewhere)
  end
  for _, param in ipairs(f.params) do
    put("---@param %s%s %s %s", param.name, param.optional and "?" or "",
        (param.type or "any"):gsub("^%?(.*)$", "%1|nil"),
        param_words(param))
  end
  for i, result in ipairs(f.results) do
    local kind = result.type or "any"
    if f.can_fail and not kind:find "%?$" then kind = kind .. "|nil" end
    if f.can_fail and i == 2 then kind = kind .. "|" .. f.fails end
    put("---@return %s # %s", kind, result.words)
  end
  if f.can_fail and #f.results < 2 then
    put("---@return %s|nil # the error", f.fails)
  end
  local names = {}
  for i, param in ipairs(f.params) do names[i] = param.name end
  put("function %s(%s) end", name, table.concat(names, ", "))
end

-- A table that can be called: a class with an overload.
local function put_callable(f, name)
  local params = {}
  for i, param in ipairs(f.params) do
    params[i] = ("%s: %s"):format(param.name, param.type)
  end
  put("")
  put_words(f.text)
  put("---@class %s.constructor", f.name)
  put("---@overload fun(%s): %s|nil, %s|nil", table.concat(params, ", "),
      f.results[1].type, f.fails)
  put("%s = {}", name)
end

local function put_class(class)
  put("")
  put_words(class.doc)
  put("---@class %s", class.name)
  for _, field in ipairs(class.fields or {}) do
    put_field(field[1], field[2], field[3], field.optional)
  end
  local variable = class.name:gsub("^workstage%.", ""):gsub("%.", "_")
  put("local %s = {}", variable)
  for _, method in ipairs(class.methods) do
    put_function(method, variable .. ":" .. method.name:match ":([%w_]+)$")
  end
end

-- "---@alias workstage.error.kind"
local function put_kinds()
  put("")
  put("---@alias workstage.error.kind")
  for _, kind in ipairs(model.kinds) do
    put("---| %q # %s", kind[1], kind[2])
  end
end

-- --------------------------------------------------------------- files

local function put_module(module)
  local variable = module.name:match "[%w_]+$"
  put("")
  put_words(module.doc)
  put("---@class %s.module", module.name)
  for _, field in ipairs(module.fields or {}) do
    put_field(field[1], field[2], field[3])
  end
  if module.name == "workstage.log" then
    put "---@overload fun(out?: file*): fun(event: workstage.event)"
  end
  put("local %s = {}", variable)
  for _, f in ipairs(module.functions) do
    local name = variable .. f.name:sub(#module.name + 1)
    if f.is_callable then put_callable(f, name)
    else put_function(f, name) end
  end
  put("")
  put("return %s", variable)
end

-- The file of a class: that of the module with the longest matching prefix.
local function home(name)
  local found = "workstage"
  for _, module in ipairs(model.modules) do
    if name:find(module.name .. ".", 1, true) == 1 and
       #module.name > #found then
      found = module.name
    end
  end
  if name == "workstage.plan" or name:find "^workstage%.blueprint" then
    return "workstage.migration"
  end
  return found
end

--- The files: a path -> its text.
function types.files()
  local files = {}
  for _, module in ipairs(model.modules) do
    out = { "---@meta " .. module.name,
            "-- Generated: see script/make-types." }
    if module.name == "workstage" then
      put_kinds()
      for _, schema in ipairs(model.schemas) do put_schema(schema) end
    end
    for _, class in ipairs(model.tables) do
      if home(class.name) == module.name then put_table(class) end
    end
    for _, class in ipairs(model.classes) do
      if home(class.name) == module.name then put_class(class) end
    end
    put_module(module)
    files[module.name:gsub("%.", "/") .. ".lua"] =
      table.concat(out, "\n") .. "\n"
  end
  return files
end

return types
