-- Malicious servers, beyond spec/client/answers_spec.lua: each causes an error
-- within the time limit, uses little memory, and never gets the token.
local clients = require "support.clients"
local core = require "workstage.core"
local scripted = require "support.scripted"

local failed = clients.failed
local GOOD = '{"workflow_stages":[{"id":5,"name":"x"}]}'

-- The peak memory of the process, in bytes.
local function most_memory()
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match "^VmHWM:%s*(%d+)"
    if kilobytes then return tonumber(kilobytes) * 1024 end
  end
end

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

describe("a hostile server", function()
  local server, other, space

  before_each(function()
    server, other = scripted.start(), scripted.start()
    space = clients.space(server.url, { max_response = 1 << 20, timeout = 3,
                                        retry = false })
  end)

  after_each(function()
    space:close()
    server:stop()
    other:stop()
  end)

  -- The error of a GET, which must be fast and use little memory.
  local function list(kind)
    local began, memory = core.now(), most_memory()
    local err = failed(kind, space.stages:list())
    assert.is_true(core.now() - began < 4, "it took too long")
    assert.is_true(most_memory() - memory < 48 << 20, "it took too much")
    return err
  end

  -- It sends "Connection: close", as otherwise the next request may be sent on
  -- a connection that is about to end, and be lost.
  local function raw(head, body)
    head = head:gsub("^[^\r]*", "%0\r\nConnection: close", 1)
    server:raw("HTTP/1.1 " .. head .. "\r\n\r\n" .. (body or ""),
               { close = true })
  end

  it("redirects without effect: to another host, a file, itself", function()
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      for _, place in ipairs {
        other.url .. "/v1/", other.url:gsub("^http:", ""),
        "file:///etc/passwd", "/v1/again", server.url .. "/v1/",
        "ftp://127.0.0.1/", "gopher://127.0.0.1:1/x", "", "\\\\host\\x",
        "http://user:password@127.0.0.1/",
      } do
        server:answer(status, "", { headers = { "Location: " .. place } })
        failed("redirect", space.stages:list())
        server:answer(status, "", { headers = { "Location: " .. place } })
        failed("redirect", space.stages:create {
          name = "x", color = "#ffffff", workflow_id = 7 })
      end
    end
    assert.equal(0, #other:requests())
    assert.equal(100, #server:requests())
  end)

  it("asks for other authentication, and gets one request", function()
    for _, way in ipairs { "Basic realm=x", "Negotiate", "NTLM",
                           'Digest realm="x", nonce="y"', "Bearer" } do
      server:answer(401, "{}", { headers = { "WWW-Authenticate: " .. way } })
      failed("unauthorized", space.stages:list())
      server:answer(407, "{}", { headers = { "Proxy-Authenticate: " .. way } })
      failed("rejected", space.stages:list())
    end
    assert.equal(10, #server:requests())
  end)

  it("sets cookies and names other servers without effect", function()
    for _ = 1, 2 do
      server:answer(200, GOOD, { headers = {
        "Set-Cookie: session=evil; Path=/", "Refresh: 0; url=" .. other.url,
        'Alt-Svc: h2="' .. other.url:match "//(.*)" .. '"',
        "Strict-Transport-Security: max-age=1000", "Connection: close",
      } })
      assert(space.stages:list())
    end
    for _, request in ipairs(server:requests()) do
      assert.is_nil(request.headers.cookie)
    end
    assert.equal(0, #other:requests())
  end)

  it("sends a gzip bomb", function()
    local bomb = output_of "head -c 300000000 /dev/zero | gzip -1"
    assert.is_true(#bomb < 2 << 20 and #bomb > 100000)
    server:raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" .. bomb,
               { close = true })
    list "too_large"
    raw("200 OK\r\nContent-Encoding: gzip, gzip, gzip, gzip, gzip, gzip, gzip",
        bomb:sub(1, 1000))
    assert.truthy(select(2, space.stages:list()))
    raw("200 OK\r\nContent-Encoding: gzip", bomb:sub(1, 1000))
    assert.truthy(select(2, space.stages:list()))
  end)

  it("sends a body without an end", function()
    local chunk = ("10000\r\n%s\r\n"):format(("x"):rep(0x10000))
    raw("200 OK\r\nTransfer-Encoding: chunked", chunk:rep(200))
    list "too_large"
    raw("200 OK", ("x"):rep(20 << 20))
    list "too_large"
    raw("200 OK\r\nContent-Length: 18446744073709551617", GOOD)
    assert.truthy(select(2, space.stages:list()))
  end)

  it("sends headers without an end", function()
    raw("200 OK\r\nX: " .. ("y"):rep(10 << 20))
    list "too_large"
    raw("200 OK\r\n" .. ("X-Header: yyyyyyyyyyyyyyyyyyyyyyyyy\r\n"):rep(300000))
    list "too_large"
    server:raw(("HTTP/1.1 100 Continue\r\n\r\n"):rep(400000),
               { close = true })
    list "too_large"
    raw("200 " .. ("y"):rep(10 << 20))
    list "too_large"
  end)

  it("sends malformed chunks", function()
    for _, chunks in ipairs {
      "ffffffffffffffff\r\n{}", "-1\r\n{}\r\n", "10000000000000000\r\n",
      "\r\n", "5;" .. ("x"):rep(20000), "2\r\n{}XX0\r\n\r\n", "0x2\r\n{}\r\n",
      "0\r\n" .. ("T: t\r\n"):rep(100000) .. "\r\n",
    } do
      raw("200 OK\r\nTransfer-Encoding: chunked", chunks)
      local value, err = space.stages:list()
      assert.is_nil(value, chunks:sub(1, 40))
      assert.is_true(#tostring(err) > 10)
    end
  end)

  it("responds before a request: the next response is unaffected", function()
    server:raw("HTTP/1.1 200 OK\r\nContent-Length: " .. #GOOD .. "\r\n\r\n"
               .. GOOD .. "HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n"
               .. '{"workflow_stages":[{"id":6,"name":"bad"}]}')
    assert.equal(5, assert(space.stages:list())[1].id)
    server:answer(200, '{"workflow_stages":[{"id":7,"name":"y"}]}')
    local list_again = space.stages:list()
    assert.is_true(list_again == nil or list_again[1].id == 7)
  end)

  it("speaks HTTP/0.9, or changes the protocol", function()
    server:raw(GOOD, { close = true })
    list "decode"
    raw("101 Switching Protocols\r\nUpgrade: websocket", GOOD)
    assert.truthy(select(2, space.stages:list()))
    raw("204 No Content", GOOD)
    list "decode"
    raw("304 Not Modified")
    list "redirect"
    raw("999 What", GOOD)
    assert.truthy(select(2, space.stages:list()))
  end)

  it("sends nothing, or a byte now and then", function()
    local quick = clients.space(server.url, { timeout = 0.4, retry = false })
    local function late()
      local began = core.now()
      failed("timeout", quick.stages:list())
      assert.is_true(core.now() - began < 1.5)
    end
    server:raw("", { delay = 3 })
    late()
    server:raw("HTTP/1.1 200 OK\r\n" .. ("X: y\r\n"):rep(100),
               { piece = 1, pause = 0.05 })
    late()
    quick:close()
  end)

  it("accepts connections and reads nothing", function()
    local quick = clients.space(server.url, {
      timeout = 0.4, retry = false, settle_time = 0 })
    server:deafen()
    local began = core.now()
    failed("timeout", quick.stages:list())
    local err = failed("timeout", quick.changes:create {
      story_id = 5, workflow_stage_id = 6,
      comment = { message = ("x"):rep(16 << 20) } })
    assert.is_true(err.ambiguous)
    assert.is_true(core.now() - began < 8, "it took too long")
    assert.equal(0, #server:requests())
    quick:close()
  end)

  it("asks to wait forever", function()
    local patient = clients.space(server.url, {
      retry = { attempts = 2, base = 0.01, cap = 0.1 } })
    for _, pause in ipairs {
      "99999999999999999999", "-5", "1e999",
      "Fri, 31 Dec 9999 23:59:59 GMT", ("9"):rep(5000),
    } do
      for _, status in ipairs { 429, 503 } do
        local headers = { headers = { "Retry-After: " .. pause } }
        local began = core.now()
        server:answer(status, "{}", headers)
        server:answer(200, GOOD)
        assert.equal(5, assert(patient.stages:list())[1].id)
        assert.is_true(core.now() - began < 2.5, pause)
      end
    end
    patient:close()
  end)

  it("sends text that is not UTF-8, which is kept as bytes", function()
    server:answer(200, '{"workflow_stages":[{"id":5,"name":"\255\254\0x"}]}')
    assert.truthy(select(2, space.stages:list()))
    server:answer(422, '{"name":["\255\254 \27[31m"]}')
    local err = failed("rejected", space.stages:list())
    assert.is_nil(tostring(err):find "\27")
  end)
end)
