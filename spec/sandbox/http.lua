-- Requests by curl, so that the sandbox is seen as any client sees it.
local cjson = require "cjson".new()
local sandbox = require "workstage.sandbox"

local http = { null = cjson.null, SPACE = 288868932106293 }
local OBJECT = {}

--- An empty table that is written as {} and not as [].
function http.object() return setmetatable({}, OBJECT) end

local encode

local function encode_table(value)
  local parts = {}
  if #value > 0 or (next(value) == nil and getmetatable(value) ~= OBJECT) then
    for i, member in ipairs(value) do parts[i] = encode(member) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, member in pairs(value) do
    parts[#parts + 1] = encode(name) .. ":" .. encode(member)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- JSON with every digit of an integer, which lua-cjson 2.1.0 cannot write.
function encode(value)
  if value == http.null then return "null" end
  if type(value) == "table" then return encode_table(value) end
  if math.type(value) == "integer" then return ("%d"):format(value) end
  return cjson.encode(value)
end
http.encode = encode

local function quoted(text)
  return '"' .. text:gsub("[\\\"]", "\\%0"):gsub("\n", "\\n") .. '"'
end

local function contents(path)
  local file = io.open(path, "rb")
  local text = file and file:read "a" or ""
  if file then file:close() end
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

-- One request in the form of curl's config files.
local function config(request, out)
  local lines = {
    "url = " .. quoted(request.url), "request = " .. request.method,
    "silent", "show-error", "globoff", "max-time = 20",
    "output = " .. quoted(out), "dump-header = " .. quoted(out .. ".head"),
    'header = "Expect:"',
  }
  lines[#lines + 1] = 'header = "Content-Type: application/'
    .. (request.form and "x-www-form-urlencoded" or "json") .. '"'
  for _, header in ipairs(request.headers or {}) do
    lines[#lines + 1] = "header = " .. quoted(header)
  end
  if request.authorization then
    lines[#lines + 1] = "header = "
      .. quoted("Authorization: " .. request.authorization)
  end
  if request.body then
    write(out .. ".in", request.body)
    lines[#lines + 1] = "data-binary = " .. quoted("@" .. out .. ".in")
  end
  return table.concat(lines, "\n") .. "\n"
end

local function answer(out, exit)
  local head, headers = contents(out .. ".head"), {}
  head = head:gsub("^HTTP/1.1 100.-\r\n\r\n", "")
  for name, value in head:gmatch "\n([^:\n]+): ([^\r\n]*)" do
    headers[name:lower()] = value
  end
  local body = contents(out)
  local ok, json = pcall(cjson.decode, body)
  for _, suffix in ipairs { "", ".head", ".in", ".config" } do
    os.remove(out .. suffix)
  end
  return { status = tonumber(head:match "^HTTP/1.1 (%d+)"), headers = headers,
           text = body, json = ok and json or nil, exit = exit }
end

--- Sends a request: method, url, body, authorization and headers, as they
--- are; with `form` the body is of form fields.
function http.send(request)
  local out = os.tmpname()
  write(out .. ".config", config(request, out))
  local pipe = io.popen("curl -K " .. out .. ".config 2>&1")
  pipe:read "a"
  local _, _, exit = pipe:close()
  return answer(out, exit or 0)
end

--- Sends many, up to `parallel` at once; answers come in the same order.
function http.all(requests, parallel)
  local name, parts, outs = os.tmpname(), {}, {}
  for i, request in ipairs(requests) do
    outs[i] = name .. "." .. i
    parts[i] = config(request, outs[i])
  end
  write(name .. ".config", table.concat(parts, "next\n"))
  os.execute(("curl -Z --parallel-immediate --parallel-max %d -K %s.config"
              .. " >/dev/null 2>&1"):format(parallel or 50, name))
  local answers = {}
  for i, out in ipairs(outs) do answers[i] = answer(out) end
  os.remove(name)
  os.remove(name .. ".config")
  return answers
end

local client = {}
client.__index = client

--- A request of this client that is not sent yet.
function client:request(method, path, body)
  if type(body) == "table" then body = encode(body) end
  return { method = method, url = self.base .. path, body = body,
           authorization = self.authorization }
end

for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
  client[method:lower()] = function(self, path, body)
    return http.send(self:request(method, path, body))
  end
end

--- A client of one space, or of any other base address.
function http.client(server, authorization, base)
  return setmetatable({
    base = base or server.url .. "/v1/spaces/" .. http.SPACE,
    authorization = authorization or "a-token",
  }, client)
end

function http.kantata(server, authorization)
  return http.client(server, authorization or "Bearer a-token",
                     server.kantata_url)
end

--- A server that is quick unless the options say otherwise.
function http.start(options)
  local opts = { rate_limit = false }
  for name, value in pairs(options or {}) do opts[name] = value end
  return assert(sandbox.start(opts))
end

--- The ids of a workflow's stages by name.
function http.stages(server, workflow)
  local ids = {}
  for _, space in ipairs(server:dump().spaces) do
    for _, flow in ipairs(space.workflows) do
      for _, stage in ipairs(flow.name == workflow and flow.stages or {}) do
        ids[stage.name] = stage.id
      end
    end
  end
  return ids
end

--- The id of a workflow by name.
function http.workflow(server, name)
  for _, flow in ipairs(server:dump().spaces[1].workflows) do
    if flow.name == name then return flow.id end
  end
end

--- The names of objects, in their order, as one text.
function http.names(list, field)
  local names = {}
  for i, object in ipairs(list) do
    names[i] = tostring(object[field or "name"])
  end
  return table.concat(names, ",")
end

return http
