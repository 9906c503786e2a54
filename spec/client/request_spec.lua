local clients = require "support.clients"
local exact = require "support.exact"
local failed, has = clients.failed, clients.has

describe("request", function()
  local server, space, ox

  before_each(function() server, space, ox = clients.scripted() end)

  after_each(function()
    space:close()
    ox:close()
    server:stop()
  end)

  local function sent(client, method, path, opts)
    server:answer(200, "{}")
    assert(client:request(method, path, opts))
    return server:last()
  end

  it("returns the parsed response, the status and the headers", function()
    server:answer(201, '{"space":{"id":288868932106293,"none":null,'
                  .. '"list":[1,null,2.5]}}',
                  { headers = { "Total: 5", "X-Two: a", "x-two: b" } })
    local value, status, headers = space:request("POST", "/v1/spaces")
    assert.equal(201, status)
    assert.equal("288868932106293", tostring(value.space.id))
    assert.is_nil(value.space.none)
    assert.equal(3, #value.space.list)
    assert.equal("integer", math.type(value.space.list[1]))
    assert.equal("5", headers.total)
    assert.equal("a, b", headers["x-two"])
  end)

  it("returns true for a response without a body", function()
    server:answer(204)
    local value, status, headers = space:request("DELETE", "/v1/x")
    assert.is_true(value)
    assert.equal(204, status)
    assert.equal("table", type(headers))
  end)

  it("returns any JSON value", function()
    server:answer(200, "[1,2]")
    assert.same({ 1, 2 }, (space:request("GET", "/v1/x")))
    server:answer(200, '"text"')
    assert.equal("text", (space:request("GET", "/v1/x")))
    server:answer(200, "5")
    assert.equal("integer", math.type((space:request("GET", "/v1/x"))))
    server:answer(200, "false")
    local value, status = space:request("GET", "/v1/x")
    assert.is_false(value)
    assert.equal(200, status)
    server:answer(200, "null")
    value, status = space:request("GET", "/v1/x")
    assert.equal(clients.null, value)
    assert.equal(200, status)
  end)

  it("appends the path to the base address", function()
    assert.equal("/v1/spaces", sent(space, "GET", "/v1/spaces").target)
    assert.equal("/api/v1/workspaces/7",
                 sent(ox, "GET", "/workspaces/7").target)
    assert.equal("/v1/a%20b/%C3%A4~",
                 sent(space, "GET", "/v1/a%20b/%C3%A4~").target)
    assert.equal("/v1/x/", sent(space, "GET", "/v1/x/").target)
    assert.equal("/v1/../x/./y", sent(space, "GET", "/v1/../x/./y").target)
  end)

  it("sends each of the five methods", function()
    for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
      assert.equal(method, sent(space, method, "/v1/x").method)
      local request = sent(space, method, "/v1/x", { body = { a = 1 } })
      assert.equal(method, request.method)
      assert.equal('{"a":1}', request.body)
      assert.equal("application/json", request.headers["content-type"])
    end
  end)

  it("sends a length of 0 for content that is not given", function()
    local lengths = { GET = false, POST = "0", PUT = "0", PATCH = "0",
                      DELETE = false }
    for method, length in pairs(lengths) do
      local headers = sent(space, method, "/v1/x").headers
      assert.equal(length or nil, headers["content-length"])
    end
  end)

  it("writes the query", function()
    assert.equal("", sent(space, "GET", "/v1/x", { query = {} }).query)
    assert.equal("page=2", sent(space, "GET", "/v1/x",
                                { query = { page = 2 } }).query)
    assert.equal("a=x%20y%26%3D%C3%A4%2B", sent(space, "GET", "/v1/x", {
      query = { a = "x y&=ä+" } }).query)
    assert.equal("ids=119522102426879,288868932106293",
                 sent(space, "GET", "/v1/x", {
                   query = { ids = { 119522102426879,
                                     288868932106293.0 } } }).query)
    assert.equal("filter_query%5Ba%5D%5Bin%5D=b", sent(space, "GET", "/v1/x", {
      query = { filter_query = { a = { ["in"] = "b" } } } }).query)
    assert.equal("a=true", sent(space, "GET", "/v1/x", {
      query = { a = true } }).query)
  end)

  it("adds to a query in the path", function()
    assert.equal("/v1/x?a=b", sent(space, "GET", "/v1/x?a=b").target)
    assert.equal("/v1/x?a=b&c=5", sent(space, "GET", "/v1/x?a=b", {
      query = { c = 5 } }).target)
  end)

  it("writes the body: text unchanged, a table exactly", function()
    assert.equal('{"a" : 1.50}', sent(space, "POST", "/v1/x", {
      body = '{"a" : 1.50}' }).body)
    local body = sent(space, "POST", "/v1/x", { body = {
      id = 288868932106293, float = 119522102426879.0, half = 0.5,
      text = "ä\"\\\n\u{1F600}", yes = true, none = clients.null,
      list = { 1, "a", false, clients.null, { x = {} } },
    } }).body
    assert.same(exact.parse [[{"id":288868932106293,
      "float":119522102426879,"half":0.5,"text":"ä\"\\\n😀","yes":true,
      "none":null,"list":[1,"a",false,null,{"x":{}}]}]], exact.parse(body))
  end)

  it("writes an empty table as [] if the service has an array of that name",
     function()
    local body = sent(space, "POST", "/v1/x", { body = {
      workflow_stage = { user_ids = {}, space_role_ids = {},
                         workflow_stage_ids = {}, other = {} },
      workflow = { content_types = {}, workflow_stages = {} },
    } }).body
    assert.same(exact.parse [[{"workflow_stage":{"user_ids":[],
      "space_role_ids":[],"workflow_stage_ids":[],"other":{}},
      "workflow":{"content_types":[],"workflow_stages":[]}}]],
      exact.parse(body))
    assert.equal("{}", sent(space, "POST", "/v1/x", { body = {} }).body)
    assert.equal("[1]", sent(space, "POST", "/v1/x", { body = { 1 } }).body)
  end)

  it("sends headers besides its own", function()
    local request = sent(space, "GET", "/v1/x", {
      headers = { ["X-One"] = "1", ["If-Match"] = "abc" } })
    assert.equal("1", request.headers["x-one"])
    assert.equal("abc", request.headers["if-match"])
    assert.equal(clients.TOKEN, request.headers.authorization)
    request = sent(space, "POST", "/v1/x", {
      headers = { ["Content-Type"] = "text/plain" }, body = "hi" })
    assert.equal("text/plain", request.headers["content-type"])
    local count = 0
    for _ in server.core:requests()[2].head:lower():gmatch "content%-type" do
      count = count + 1
    end
    assert.equal(1, count)
  end)

  it("takes call options", function()
    server:answer(200, "{}", { delay = 5 })
    failed("timeout", space:request("GET", "/v1/x", { timeout = 0.05,
                                                      retry = false }))
    for _ = 1, 2 do server:answer(500, "{}", { match = "GET /v1/y" }) end
    failed("server", space:request("GET", "/v1/y", { retry = false }))
    assert.equal(2, #server:requests())
  end)

  it("fails like every call", function()
    server:answer(404, '["This record could not be found"]')
    local err = failed("not_found", space:request("GET", "/v1/x"))
    assert.equal(404, err.status)
    assert.equal(server.url .. "/v1/x", err.url)
    server:answer(200, "<html>")
    has(failed("decode", space:request("GET", "/v1/x")), "HTML")
    server:answer(302, "", { headers = { "Location: /v1/y" } })
    assert.equal(302, failed("redirect",
                             space:request("GET", "/v1/x")).status)
    assert.equal(3, #server:requests())
  end)

  it("refuses arguments that it cannot send", function()
    local function refused(piece, ...)
      has(failed("invalid", space:request(...)), piece)
    end
    refused("method", "get", "/v1/x")
    refused("method", "HEAD", "/v1/x")
    refused("method", nil, "/v1/x")
    refused("method", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "/v1/x")
    refused("path", "GET")
    refused("path", "GET", 5)
    refused("path", "GET", "")
    refused("path", "GET", "v1/x")
    refused("path", "GET", "/v1/x y")
    refused("path", "GET", "/v1/x\r\nEvil: 1")
    refused("path", "GET", "/v1/x\0")
    refused("path", "GET", "/v1/ä")
    refused("path", "GET", "/v1/x#a")
    refused("path", "GET", "http://elsewhere/v1/x")
    refused("path", "GET", "@elsewhere/v1")
    refused("'querry', did you mean 'query'?", "GET", "/v1/x",
            { querry = {} })
    refused("query", "GET", "/v1/x", { query = "a=b" })
    refused("query", "GET", "/v1/x", { query = { a = print } })
    refused("query", "GET", "/v1/x", { query = { "a" } })
    refused("query", "GET", "/v1/x", { query = { a = "\xff" } })
    refused("query", "GET", "/v1/x", { query = { a = 0 / 0 } })
    refused("body", "POST", "/v1/x", { body = 5 })
    refused("body", "POST", "/v1/x", { body = { a = print } })
    refused("body", "POST", "/v1/x", { body = { a = "\xff" } })
    refused("body", "POST", "/v1/x", { body = { a = 1 / 0 } })
    refused("body", "POST", "/v1/x", { body = { a = 0 / 0 } })
    refused("body", "POST", "/v1/x", { body = { 1, nil, 3 } })
    refused("body", "POST", "/v1/x", { body = { 1, a = 2 } })
    refused("headers", "GET", "/v1/x", { headers = "X: y" })
    refused("headers", "GET", "/v1/x", { headers = { "X: y" } })
    refused("headers", "GET", "/v1/x", { headers = { X = "a\nb" } })
    refused("headers", "GET", "/v1/x", { headers = { ["X:"] = "a" } })
    refused("Authorization", "GET", "/v1/x", {
      headers = { Authorization = "x" } })
    refused("timeout", "GET", "/v1/x", { timeout = "5" })
    assert.equal(0, #server:requests())
  end)
end)
