-- Clients for specs, their servers, and assertions about errors.
local workstage = require "workstage"
local sandbox = require "workstage.sandbox"
local scripted = require "support.scripted"

local clients = {
  TOKEN = "s3cret-Token.42+x",
  SPACE = 288868932106293,
  null = workstage.null,
}

local function options(url, more)
  local opts = { token = clients.TOKEN, base_url = url, rate_limit = false,
                  proxy = false, timeout = 10,
                  retry = { attempts = 2, base = 0.01, cap = 0.05 } }
  for name, value in pairs(more or {}) do opts[name] = value end
  return opts
end

--- A Storyblok client of a server.
function clients.space(url, more)
  local opts = options(url, more)
  opts.space_id = opts.space_id or clients.SPACE
  return assert(workstage.storyblok(opts))
end

--- A Kantata client of a server (its address without /api/v1).
function clients.ox(url, more)
  return assert(workstage.kantata(options(url .. "/api/v1", more)))
end

--- A sandbox without a rate limit, and a client of each service.
function clients.sandbox(more)
  local opts = { rate_limit = false }
  for name, value in pairs(more or {}) do opts[name] = value end
  local server = assert(sandbox.start(opts))
  return server, clients.space(server.url), clients.ox(server.url)
end

--- A scripted server, and a client of each service.
function clients.scripted(more)
  local server = scripted.start()
  return server, clients.space(server.url, more),
         clients.ox(server.url, more)
end

--- True if a value contains the token, or a large part of it, anywhere.
function clients.shows_token(value, seen)
  seen = seen or {}
  if type(value) == "string" then
    return value:find("s3cret", 1, true) ~= nil
  elseif type(value) ~= "table" or seen[value] then
    return false
  end
  seen[value] = true
  for name, item in next, value do
    if clients.shows_token(name, seen) or clients.shows_token(item, seen) then
      return true
    end
  end
  return false
end

local function assert_sentence(text)
  assert(#text > 10 and #text < 1000, "no sentence: " .. text)
  assert(not text:find "[%c]", "more than one line: " .. text)
  assert(not text:find "table: 0x", "no sentence: " .. text)
  assert(not clients.shows_token(text), "shows the token: " .. text)
end

--- Asserts that a call failed in that way; returns the error.
function clients.failed(kind, value, err, ...)
  assert(value == nil, "it did not fail")
  assert(select("#", ...) == 0, "more than nil, err")
  assert(type(err) == "table", "the error is not a table")
  assert_sentence(tostring(err))
  assert(err.kind == kind, ("%s expected, %s came: %s")
                           :format(kind, tostring(err.kind), tostring(err)))
  assert(not clients.shows_token(err), "the error shows the token")
  local done, raised = pcall(assert, value, err)
  assert(not done and tostring(raised) == tostring(err))
  return err
end

--- Returns a function that checks if a text contains a plain string.
function clients.has(text, piece)
  if tostring(text):find(piece, 1, true) then return true end
  error(("'%s' is not in '%s'"):format(piece, tostring(text)), 2)
end

return clients
