-- Each kind of garbage, to a GET and to a POST: the right error within the
-- time limit, little memory, and `ambiguous` if the POST may have worked.
local clients = require "support.clients"
local core = require "workstage.core"
local scripted = require "support.scripted"

local GOOD = '{"workflow_stages":[{"id":5,"name":"x"}]}'
local MADE = '{"workflow_stages":[{"id":9,"name":"new","color":"#ffffff",'
             .. '"workflow_id":7}]}'
local BLOCK = ("x"):rep(1 << 16)
local GIGABYTE = 1 << 14 -- blocks
local TIMEOUT = 10

-- A sanitizer keeps freed memory for longer.
local sanitized = (os.getenv "WORKSTAGE_BUILD" or ""):find "san$"
local MEMORY = (sanitized and 64 or 12) << 20

-- Resets the measurement of the peak memory.
local function measure()
  collectgarbage()
  local file = assert(io.open("/proc/self/clear_refs", "w"))
  file:write "5"
  file:close()
end

-- The peak memory since then, in bytes.
local function most_memory()
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match "^VmHWM:%s*(%d+)"
    if kilobytes then return tonumber(kilobytes) * 1024 end
  end
end

-- Name, the right kinds of errors, the headers, the body, and how it is sent.
-- After a rejection a POST has failed; after all others its outcome is unknown.
local GARBAGE = {
  { "a gigabyte without a length", "too_large", "200 OK", "",
    { fill = BLOCK, fills = GIGABYTE } },
  { "a gigabyte, as announced", "too_large",
    "200 OK\r\nContent-Length: 1073741824", "",
    { fill = BLOCK, fills = GIGABYTE } },
  { "a gigabyte in chunks", "too_large",
    "200 OK\r\nTransfer-Encoding: chunked", "",
    { fill = "10000\r\n" .. BLOCK .. "\r\n", fills = GIGABYTE } },
  { "a gigabyte of blanks", "too_large", "200 OK", GOOD,
    { fill = (" "):rep(1 << 16), fills = GIGABYTE } },
  { "a gigabyte with a 500", "server", "500 Oh", "",
    { fill = BLOCK, fills = GIGABYTE } },
  { "a gigabyte with a 422", "rejected", "422 No", "",
    { fill = BLOCK, fills = GIGABYTE } },
  { "a gigabyte with a 302", "redirect", "302 There\r\nLocation: /x", "",
    { fill = BLOCK, fills = GIGABYTE } },
  { "ten megabytes in one header", "too_large", "200 OK\r\nX: ", false,
    { fill = BLOCK, fills = 160 } },
  { "ten megabytes of headers", "too_large", "200 OK\r\n", false,
    { fill = ("X-Header: yyyyyyyyyyyyyyyyyyyy\r\n"):rep(2000), fills = 160 } },
  { "a gigabyte of interim answers", "too_large", "100 Continue", "",
    { fill = ("HTTP/1.1 100 Continue\r\n\r\n"):rep(2600), fills = GIGABYTE } },
  { "a gigabyte of trailers", "too_large",
    "200 OK\r\nTransfer-Encoding: chunked", "2\r\n{}\r\n0\r\n",
    { fill = ("T: t\r\n"):rep(10000), fills = GIGABYTE } },
  { "a status line of ten megabytes", "too_large", "200 ", false,
    { fill = BLOCK, fills = 160 } },
  { "a chunk's size of ten megabytes", "network decode",
    "200 OK\r\nTransfer-Encoding: chunked", "",
    { fill = ("0"):rep(1 << 16), fills = 160 } },
  { "nothing at all", "timeout", false, "", { delay = 5, timeout = 0.4 } },
  { "a byte a second, of the head", "timeout", "200 OK", GOOD,
    { piece = 1, pause = 1, timeout = 1.2 } },
  { "a byte a second, of the body", "timeout", "200 OK\r\nContent-Length: 99",
    "", { fill = "x", fills = 99, pause = 1, timeout = 1.2 } },
  { "100,000 levels of arrays", "decode", "200 OK",
    '{"workflow_stages":' .. ("["):rep(100000) .. ("]"):rep(100000) .. "}" },
  { "100,000 levels of objects", "decode", "200 OK",
    ('{"a":'):rep(100000) .. "1" .. ("}"):rep(100000) },
  { "100,000 levels that do not end", "decode", "200 OK",
    ("["):rep(100000) },
  { "a name twice, with two ids of no one", "decode", "200 OK",
    '{"workflow_stages":[{"id":0,"id":-1}],"workflow_stage":{"id":0,"id":0}}' },
  { "what is no UTF-8", "decode", "200 OK", "\255\254{}" },
  { "a NUL for a body", "decode", "200 OK", "\0" },
  { "NaN", "decode", "200 OK",
    '{"workflow_stages":[{"id":NaN}],"workflow_stage":{"id":NaN}}' },
  { "an id beyond int64", "decode", "200 OK",
    '{"workflow_stages":[{"id":18446744073709551621}],'
    .. '"workflow_stage":{"id":18446744073709551621}}' },
  { "an id beyond all numbers", "decode", "200 OK",
    '{"workflow_stages":[{"id":1e999}],"workflow_stage":{"id":1e999}}' },
  { "less than it announces", "network",
    "200 OK\r\nContent-Length: 1000", GOOD },
  { "more than it announces", "decode", "200 OK\r\nContent-Length: 7", GOOD },
  { "two lengths", "decode network too_large",
    "200 OK\r\nContent-Length: 7\r\nContent-Length: 9999999999", GOOD },
  { "a length beyond all numbers", "decode network too_large",
    "200 OK\r\nContent-Length: 99999999999999999999999", "{" },
  { "a length and chunks", "decode network",
    "200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked", "zz\r\n" },
  { "a chunk of a negative size", "network decode",
    "200 OK\r\nTransfer-Encoding: chunked", "-1\r\n{}\r\n" },
  { "a chunk beyond int64", "network decode",
    "200 OK\r\nTransfer-Encoding: chunked", "fffffffffffffffff\r\n{}\r\n" },
  { "chunks without an end", "network",
    "200 OK\r\nTransfer-Encoding: chunked", "2\r\n{}\r\n" },
  { "a coding of nobody's", "decode", "200 OK\r\nContent-Encoding: zip", "{}" },
  { "gzip that is none", "decode network",
    "200 OK\r\nContent-Encoding: gzip", "hello" },
  { "HTTP/0.9", "decode", false, (GOOD:gsub("stages", "sages")) },
  { "a body for a 204", "decode", "204 No", GOOD },
  { "another protocol", "decode network timeout",
    "101 Switching\r\nUpgrade: websocket", "\129\5hello",
    { timeout = 0.5 } },
  { "an interim answer alone", "decode network", "100 Continue", "" },
  { "half a head", "network decode", "200 OK\r\nContent-Le", false },
  { "a login page", "decode", "200 OK",
    "<html><title>Log in</title></html>" },
  { "an empty answer with a 500", "server", "500 Oh", "" },
  { "a redirect to a file", "redirect",
    "307 There\r\nLocation: file:///etc/passwd", "" },
  { "a redirect to itself", "redirect",
    "308 There\r\nLocation: /v1/spaces", "" },
  { "an empty refusal", "rejected", "400 No\r\nSet-Cookie: a=b", "" },
}

local REFUSED = { redirect = true, rejected = true }

local function bytes_of(garbage)
  local head, body = garbage[3], garbage[4]
  if not head then return body end
  if body == false then return "HTTP/1.1 " .. head end
  return "HTTP/1.1 " .. head .. "\r\nConnection: close\r\n\r\n" .. body
end

describe("a server that sends", function()
  local server, space, memory, timeout

  before_each(function()
    server = scripted.start()
    measure()
    memory = most_memory()
  end)

  after_each(function()
    space:close()
    server:stop()
  end)

  local function open(garbage, client)
    timeout = garbage[5] and garbage[5].timeout or TIMEOUT
    space = (client or clients.space)(server.url, {
      max_response = 1 << 20, timeout = timeout, retry = false,
      settle_time = 0 })
  end

  local function send(garbage, options)
    local opts = { close = true }
    for name, value in pairs(garbage[5] or {}) do opts[name] = value end
    for name, value in pairs(options or {}) do opts[name] = value end
    server:raw(bytes_of(garbage), opts)
  end

  -- Each attempt may take its timeout, and a little more.
  local function check(garbage, began, attempts, value, err)
    local took, more = core.now() - began, most_memory() - memory
    local kinds = " " .. garbage[2] .. " "
    assert.is_nil(value)
    assert.is_truthy(kinds:find(" " .. err.kind .. " ", 1, true),
                     tostring(err))
    clients.failed(err.kind, value, err)
    assert.is_true(took < timeout * attempts + 1.5, "it took too long")
    assert.is_true(more < MEMORY, ("it took %d KiB"):format(more // 1024))
  end

  local function create()
    return space.stages:create { name = "new", color = "#ffffff",
                                 workflow_id = 7 }
  end

  local function count(method)
    local number = 0
    for _, request in ipairs(server:requests()) do
      if request.method == method then number = number + 1 end
      assert.is_nil(request.headers.cookie)
    end
    return number
  end

  for _, garbage in ipairs(GARBAGE) do
    it(garbage[1] .. " to a GET", function()
      open(garbage)
      send(garbage)
      check(garbage, core.now(), 1, space.stages:list())
      assert.equal(1, count "GET")
    end)

    it(garbage[1] .. " to a POST, and to all that follows", function()
      open(garbage)
      send(garbage, { match = "POST" })
      send(garbage, { match = "GET", times = 0 })
      local began = core.now()
      local value, err = create()
      check(garbage, began, 1 + count "GET", value, err)
      assert.equal(not REFUSED[err.kind], err.ambiguous)
      assert.equal(1, count "POST")
    end)

    it(garbage[1] .. " to Kantata's POST, and to all that follows", function()
      open(garbage, clients.ox)
      send(garbage, { match = "POST" })
      send(garbage, { match = "GET", times = 0 })
      local began = core.now()
      local value, err = space.changes:create {
        workspace_id = 7, to_status_key = 605 }
      check(garbage, began, 1 + count "GET", value, err)
      assert.equal(not REFUSED[err.kind], err.ambiguous)
      assert.equal(1, count "POST")
    end)

    it(garbage[1] .. " to a POST, which it has done", function()
      open(garbage)
      send(garbage, { match = "POST" })
      server:answer(200, MADE, { match = "GET", times = 0 })
      local made, err = create()
      if REFUSED[garbage[2]] then
        assert.equal(garbage[2], err.kind)
        assert.equal(0, count "GET")
      else
        assert.equal(9, made and made.id, tostring(err))
      end
      assert.equal(1, count "POST")
    end)
  end
end)
