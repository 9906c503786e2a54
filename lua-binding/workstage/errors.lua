--- Error values: tables whose `tostring` is one good sentence.
-- What a call returns beside nil, in every case but a wrong kind of
-- argument, which raises.
local visible = require "workstage.visible"

local errors = {}

local BODY_KEPT = 4096

local Error = { __name = "workstage.error" }

function Error:__tostring()
  return self.text
end

local SAID = 500    -- bytes of a message that a sentence takes
local ADDRESS = 200 -- and of a URL, which can name a hundred ids

-- Shortens a message so that it can stand in the middle of a sentence: one
-- line of bounded length without a full stop.
local function inline(text)
  local short = text
  if #text > SAID then
    short = text:sub(1, SAID):gsub("[\xC0-\xFF]?[\x80-\xBF]*$", "")
  end
  short = short:gsub("%s+", " "):gsub("[%s.]+$", "")
  return #text > SAID and short .. "..." or short
end

local function describe_fields(fields)
  local names = {}
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    names[i] = name .. " " .. table.concat(fields[name], ", ")
  end
  return table.concat(names, "; ")
end

-- "POST https://... was answered with 422: name has already been taken"
local function sentence(err)
  local parts = {}
  local url = err.url
  if url and #url > ADDRESS then url = url:sub(1, ADDRESS) .. "..." end
  if err.status then
    parts[1] = ("%s %s was answered with %d"):format(err.method, url,
                                                     err.status)
  elseif url then
    parts[1] = ("%s %s failed"):format(err.method, url)
  end
  local said = err.message
  local fields = err.kind ~= "invalid" and err.fields and
                 describe_fields(err.fields)
  if fields and (not said or said == "") then said = fields
  elseif fields and fields ~= said then
    said = ("%s (%s)"):format(inline(said), fields)
  end
  if said and said ~= "" then parts[#parts + 1] = inline(said) end
  local text = table.concat(parts, ": ")
  if err.hint then text = text .. "; " .. err.hint end
  if err.attempts and err.attempts > 1 then
    text = ("%s (after %d attempts)"):format(text, err.attempts)
  end
  if err.ambiguous then
    text = text .. "; it may have taken effect all the same"
  end
  return visible.text(text)
end

--- Makes an error of its fields: `kind`, and what else is known.
-- @tparam table err
-- @treturn table the same, with its sentence
function errors.new(err)
  if err.body then err.body = err.body:sub(1, BODY_KEPT) end
  err.text = sentence(err)
  return setmetatable(err, Error)
end

--- An input that was refused before anything was sent.
-- @tparam string message
-- @tparam[opt] string field the field or option at fault
function errors.invalid(message, field)
  local fields = field and field ~= "" and { [field] = { message } } or nil
  return errors.new { kind = "invalid", message = message, fields = fields }
end

--- Whether a value is one of these errors.
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

-- { field = "text" or { "text", ... } } -> field -> list of texts
local function field_messages(value, skipped)
  local fields
  for name, said in pairs(value) do
    local list = type(name) == "string" and name ~= skipped and texts(said)
    if list then
      fields = fields or {}
      fields[name] = list
    end
  end
  return fields
end

-- Kantata: { errors = { { type, message, field }, ... } }
local function read_list(list)
  local messages, fields, kind = {}, nil, nil
  for _, item in ipairs(list) do
    if type(item) == "table" and type(item.message) == "string" then
      messages[#messages + 1] = item.message
      kind = kind or (type(item.type) == "string" and item.type or nil)
      if type(item.field) == "string" then
        fields = fields or {}
        fields[item.field] = fields[item.field] or {}
        table.insert(fields[item.field], item.message)
      end
    end
  end
  return table.concat(messages, "; "), fields, kind
end

local function read_object(value)
  local list = value.errors
  if type(list) == "table" and type(list[1]) == "table" then
    return read_list(list)
  end
  local nested = texts(list) and list or type(list) == "table" and list or
                 value.error
  if texts(value.error) then
    return table.concat(texts(value.error), "; "),
           field_messages(value, "error")
  elseif texts(nested) then
    return table.concat(texts(nested), "; ")
  elseif type(nested) == "table" then
    return nil, field_messages(nested)
  end
  return type(value.message) == "string" and value.message or nil,
         field_messages(value, "message")
end

--- Finds the service's words in an error's parsed body, in whichever of its
-- shapes they came.
-- @return message, fields, type: each may be nil
function errors.read(value)
  if type(value) ~= "table" then return nil end
  if texts(value) then return table.concat(texts(value), "; ") end
  local message, fields, kind = read_object(value)
  if not message and fields then message = describe_fields(fields) end
  return message, fields, kind
end

--- What to say of a body that is no JSON: an HTML page's title, or its kind.
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
