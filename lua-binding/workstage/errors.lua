--- Error values: tables whose `tostring` is one sentence. A call that fails
-- returns nil and such a table; only a wrong type of argument raises.
local visible = require "workstage.visible"

local errors = {}

local BODY_KEPT = 4096

local Error = { __name = "workstage.error" }

function Error:__tostring()
  return self.text
end

local SAID = 500    -- bytes of a message that a sentence takes
local ADDRESS = 200 -- and of a URL, which can name a hundred ids

-- Shortens a message so that it can be used inside a sentence: one
-- line of bounded length without a full stop.
local function inline(text)
  local short = text
  if #text > SAID then
    short = text:sub(1, SAID):gsub("[\xC0-\xFF]?[\x80-\xBF]*$", "")
  end
  short = short:gsub("%s+", " "):gsub("[%s.]+$", "")
  return #text > SAID and short .. "..." or short
end

-- True if a text contains all messages of a field.
local function is_said(text, list)
  for _, message in ipairs(list) do
    if not text:find(message, 1, true) then return false end
  end
  return true
end

-- Formats messages by field: "name has already been taken; color is invalid".
-- Messages that `said` contains are not repeated. The field "base" means the
-- whole object.
local function describe_fields(fields, said)
  local names, parts = {}, {}
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local is_known = said and is_said(said, fields[name])
    local text = table.concat(fields[name], ", ")
    if name == "base" then text = not is_known and text or nil
    elseif is_known then text = not said:find(name, 1, true) and name or nil
    else text = name .. " " .. text end
    parts[#parts + 1] = text
  end
  return table.concat(parts, "; ")
end

-- "POST https://... failed with status 422: name has already been taken"
local function sentence(err)
  local parts = {}
  local url = err.url
  if url and #url > ADDRESS then url = url:sub(1, ADDRESS) .. "..." end
  if err.status then
    parts[1] = ("%s %s failed with status %d"):format(err.method, url,
                                                     err.status)
  elseif url then
    parts[1] = ("%s %s failed"):format(err.method, url)
  end
  local said = err.message
  local fields = err.kind ~= "invalid" and err.fields and
                 describe_fields(err.fields, said) or ""
  if said == nil or said == "" then said = fields
  elseif fields ~= "" then
    said = ("%s (%s)"):format(inline(said), fields)
  end
  if said and said ~= "" then parts[#parts + 1] = inline(said) end
  local text = table.concat(parts, ": ")
  if err.hint then text = text .. "; " .. err.hint end
  if err.attempts and err.attempts > 1 then
    text = ("%s (after %d attempts)"):format(text, err.attempts)
  end
  if err.ambiguous then
    text = text .. "; it may have taken effect anyway"
  end
  return visible.text(text)
end

--- Creates an error from its fields: `kind`, and whatever else is known.
-- @tparam table err
-- @treturn table the same table, with its sentence
function errors.new(err)
  if err.body then err.body = err.body:sub(1, BODY_KEPT) end
  err.text = sentence(err)
  return setmetatable(err, Error)
end

--- Creates the error of an input that is refused before anything is sent.
-- @tparam string message
-- @tparam[opt] string field the invalid field or option
function errors.invalid(message, field)
  local fields = field and field ~= "" and { [field] = { message } } or nil
  return errors.new { kind = "invalid", message = message, fields = fields }
end

--- True if a value is one of these errors.
function errors.is(value)
  return getmetatable(value) == Error
end

-- ------------------------------------------- the services' error shapes

local function is_array_of_texts(value)
  if type(value) ~= "table" or #value == 0 then return false end
  for _, item in ipairs(value) do
    if type(item) ~= "string" then return false end
  end
  return true
end

local function texts(value)
  if type(value) == "string" then return { value } end
  if is_array_of_texts(value) then return value end
end

-- Collects what an error's body contains.
local function new_words()
  return { messages = {}, fields = nil, type = nil }
end

local function add_messages(words, list)
  for _, text in ipairs(list) do
    words.messages[#words.messages + 1] = text
  end
end

local function add_field(words, name, list)
  words.fields = words.fields or {}
  local known = words.fields[name] or {}
  words.fields[name] = table.move(list, 1, #list, #known + 1, known)
end

-- { field = "text" or { "text", ... } }
local function add_fields(words, value, skipped)
  for name, said in pairs(value) do
    local list = type(name) == "string" and not skipped[name] and texts(said)
    if list then add_field(words, name, list) end
  end
end

-- Kantata: { { type, message, field }, ... }
local function add_objects(words, list)
  for _, item in ipairs(list) do
    if type(item) == "table" and type(item.message) == "string" then
      add_messages(words, { item.message })
      words.type = words.type or
                   type(item.type) == "string" and item.type or nil
      if type(item.field) == "string" then
        add_field(words, item.field, { item.message })
      end
    end
  end
end

local NOTHING = {}

-- The value of `error` or `errors`, in any of its shapes.
local function add_errors(words, value)
  local list = texts(value)
  if list then add_messages(words, list)
  elseif type(value) ~= "table" then return
  elseif #value > 0 then add_objects(words, value)
  else add_fields(words, value, NOTHING) end
end

-- Keys at the top of an error's body that do not name a field.
local NO_FIELDS = { error = true, errors = true, message = true,
                    status = true }

--- Reads messages and fields from an error's parsed body, whichever of the
-- services' shapes it has.
-- @return message, fields, type: each may be nil
function errors.read(value)
  if type(value) ~= "table" then return nil end
  if texts(value) then return table.concat(texts(value), "; ") end
  local words = new_words()
  add_errors(words, value.error)
  add_errors(words, value.errors)
  if type(value.message) == "string" and #words.messages == 0 then
    add_messages(words, { value.message })
  end
  add_fields(words, value, NO_FIELDS)
  local message = #words.messages > 0 and table.concat(words.messages, "; ")
                  or words.fields and describe_fields(words.fields) or nil
  return message, words.fields, words.type
end

local function is_filled(value)
  return type(value) == "string" and value ~= "" or
         type(value) == "table" and next(value) ~= nil
end

--- True if a parsed body describes an error although its status was a success.
function errors.is_error_body(value)
  return type(value) == "table" and
         (is_filled(value.error) or is_filled(value.errors))
end

--- Describes a body that is not JSON: the title of an HTML page, or its text.
function errors.read_text(body)
  body = body:sub(1, BODY_KEPT)
  local title = body:match("<[Tt][Ii][Tt][Ll][Ee][^>]*>%s*([^<]-)%s*<")
  if title and title ~= "" then
    return ("an HTML page titled '%s' came"):format(title:sub(1, 200))
  elseif body:match("^%s*<") then
    return "an HTML page came"
  end
  local text = body:match("^%s*(.-)%s*$")
  if text == "" or text:find("[^\t\r\n\32-\126\128-\255]") then return nil end
  return #text > 200 and text:sub(1, 200) .. "..." or text
end

return errors
