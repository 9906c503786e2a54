-- Malformed responses cause an error, and nothing else.
local clients = require "support.clients"
local failed, has = clients.failed, clients.has

describe("a response", function()
  local server, space, ox

  before_each(function()
    server, space, ox = clients.scripted { max_response = 1 << 20,
                                           timeout = 3, retry = false }
  end)

  after_each(function()
    space:close()
    ox:close()
    server:stop()
  end)

  -- A list, one object, and a created object must all refuse the body.
  local function undecodable(body, pieces)
    for _ = 1, 3 do server:answer(200, body) end
    local errs = {
      failed("decode", space.stages:list()),
      failed("decode", space.stages:get(5)),
      failed("decode", ox.workspaces:get(5)),
    }
    for _, err in ipairs(errs) do
      assert.equal(200, err.status)
      assert.equal("GET", err.method)
      assert.is_false(err.ambiguous)
      for _, piece in ipairs(pieces or {}) do has(err, piece) end
    end
  end

  it("that is HTML is an error with its title", function()
    undecodable("<!DOCTYPE html><html><head><TITLE>\n Log in \n</TITLE>"
                .. "</head></html>", { "HTML", "Log in" })
    undecodable("\n  <html><body>hi</body></html>", { "HTML" })
  end)

  it("that is empty is an error", function()
    undecodable("", { "empty" })
    server:answer(204)
    has(failed("decode", space.stages:get(5)), "empty")
  end)

  it("that is not valid JSON", function()
    for _, body in ipairs {
      "hello", "{", '{"a":', "[1,2", '{"a":1}}', "{'a':1}", "{a:1}", "[1,]",
      "nul", "NaN", "[NaN]", "[Infinity]", "[0x10]", "\239\187\191{}", "\0",
      '{"a":"\1"}', '{"a":"\\x"}', '{"a":"\\ud800"}', "{}{}", " ",
    } do
      undecodable(body)
    end
    for _, number in ipairs { "NaN", "-Infinity", "0x10" } do
      undecodable('{"workflow_stages":[],"workflow_stage":{"id":5},'
                  .. '"results":[],"x":' .. number .. "}")
    end
  end)

  it("that is JSON of another shape", function()
    for _, body in ipairs {
      "null", "true", "5", '"text"', "[]", "{}", "[1,2]", '{"other":[]}',
      '{"workflow_stages":5,"workflow_stage":5,"results":5}',
      '{"workflow_stages":null,"workflow_stage":null,"results":null}',
      '{"workflow_stages":"x","workflow_stage":"x","results":"x"}',
      '{"workflow_stages":[5],"workflow_stage":[5],"results":[5]}',
      '{"workflow_stages":[null],"workflow_stage":[],"results":[null]}',
      '{"workflow_stages":[{}],"workflow_stage":{},"results":[{}]}',
      '{"workflow_stages":[[]],"workflow_stage":[[]],"results":[[]]}',
      '{"workflow_stages":{"id":5},"workflow_stage":[{"id":5}],'
        .. '"results":{"id":5}}',
    } do
      undecodable(body)
    end
  end)

  it("with an id out of range is an error", function()
    for _, id in ipairs {
      "9007199254740992", "9007199254740993", "18446744073709551615", "0",
      "-5", "1.5", "1e300", "1e-5", "-1e999", "1e999", '"5"', '"x"', "true",
      "{}", "[]", "[5]", "null", "0.1e1x", "123456789012345678901234567890",
    } do
      local stage = '{"id":' .. id .. ',"name":"x"}'
      server:answer(200, '{"workflow_stages":[{"id":1},' .. stage .. "]}")
      local err = failed("decode", space.stages:list())
      if id:find '^["%d.{}%[%]-]+$' then has(err, "workflow_stages[2].id") end
      server:answer(200, '{"workflow_stage":' .. stage .. "}")
      failed("decode", space.stages:get(5))
      if id ~= "null" then
        server:answer(200, '{"workflow_stage":{"id":5,"workflow_id":' .. id
                      .. "}}")
        failed("decode", space.stages:get(5))
        server:answer(200, '{"workflow_stage":{"id":5,"user_ids":[1,' .. id
                      .. "]}}")
        failed("decode", space.stages:get(5))
        server:answer(200, '{"story":{"id":5,"stage":{"workflow_stage_id":'
                      .. id .. "}}}")
        failed("decode", space.stories:get(5))
      end
    end
  end)

  it("with values of wrong types is an error with the value", function()
    for value, words in pairs {
      ["20001"] = "the number 20001", ["-2.0"] = "the number -2",
      ["1.5"] = "the number 1.5", ["1e300"] = "the number 1e+300",
      ["true"] = "true", ["false"] = "false", ["[1]"] = "an array",
      ['{"a":1}'] = "an object",
    } do
      server:answer(200, ('{"workflow_stage":{"id":5,"name":%s}}')
                         :format(value))
      local err = failed("decode", space.stages:get(5))
      assert.equal("workflow_stage.name: expected a string, the response " ..
                   "has " .. words, err.message)
    end
    server:answer(200, '{"workflow_stage":{"id":5,"position":"3"}}')
    has(failed("decode", space.stages:get(5)),
        "position: expected an integer, the response has a string")
    server:answer(200, '{"workflow_stage":{"id":5,"user_ids":[1,null]}}')
    has(failed("decode", space.stages:get(5)), "the response has null")
  end)

  it("with values of wrong types", function()
    for _, field in ipairs {
      '"name":5', '"name":{}', '"color":true', '"position":"3"',
      '"position":1.5', '"is_default":1', '"is_default":"true"',
      '"user_ids":5', '"user_ids":"1"', '"user_ids":{"a":1}',
      '"user_ids":[null]', '"workflow_stage_ids":[["1"]]',
    } do
      server:answer(200, '{"workflow_stage":{"id":5,' .. field .. "}}")
      has(failed("decode", space.stages:get(5)), field:match '"([%w_]+)"')
    end
    for _, field in ipairs { '"stage":5', '"stage":[5]', '"stage":"x"',
                             '"stage":{"workflow_stage_id":"5"}' } do
      server:answer(200, '{"stories":[{"id":5,' .. field .. "}]}")
      has(failed("decode", space.stories:page()), "stage")
    end
  end)

  it("with a null is read as a missing field", function()
    server:answer(200, [[{"workflow_stage":{"id":5,"workflow_id":null,
      "after_publish_id":null,"name":null,"user_ids":null,
      "is_default":null,"position":null,"new_thing":null}}]])
    local stage = assert(space.stages:get(5))
    local count = 0
    for _ in pairs(stage) do count = count + 1 end
    assert.equal(1, count)
    server:answer(200, '{"story":{"id":5,"stage":null}}')
    assert.is_nil(assert(space.stories:get(5)).stage)
    server:answer(200, '{"story":{"id":5,"stage":{}}}')
    assert.is_nil(assert(space.stories:get(5)).stage)
    server:answer(200, '{"story":{"id":5,"stage":{"workflow_id":null,'
                  .. '"workflow_stage_id":null}}}')
    assert.is_nil(assert(space.stories:get(5)).stage)
  end)

  it("keeps unknown fields, and integers as integers", function()
    server:answer(200, [[{"workflow_stage":{"id":119522102426879,
      "new":{"deep":[1,2.5,{"id":288868932106293,"zero":0,"big":1e15}],
      "none":null},"half":0.5,"text":"\u00e4\ud83d\ude00",
      "position":3.0,"max":9007199254740991,"min":-9007199254740991}}]])
    local stage = assert(space.stages:get(5))
    assert.equal("integer", math.type(stage.id))
    assert.equal(119522102426879, stage.id)
    assert.equal("119522102426879", tostring(stage.id))
    local deep = stage.new.deep
    assert.equal("integer", math.type(deep[1]))
    assert.equal(2.5, deep[2])
    assert.equal("288868932106293", tostring(deep[3].id))
    assert.equal("integer", math.type(deep[3].zero))
    assert.equal("1000000000000000", tostring(deep[3].big))
    assert.is_nil(stage.new.none)
    assert.equal(0.5, stage.half)
    assert.equal("ä😀", stage.text)
    assert.equal("3", tostring(stage.position))
    assert.equal("9007199254740991", tostring(stage.max))
    assert.equal("-9007199254740991", tostring(stage.min))
  end)

  it("with huge numbers in unknown fields is read", function()
    server:answer(200, [[{"workflow_stage":{"id":5,"huge":1e300,
      "long":12345678901234567890,"over":9007199254740992}}]])
    local stage = assert(space.stages:get(5))
    assert.equal(1e300, stage.huge)
    assert.equal(9007199254740992, stage.over)
    assert.equal("number", type(stage.long))
  end)

  it("with a duplicate name has one of the values", function()
    server:answer(200, '{"workflow_stage":{"id":1,"id":2,"name":"a",'
                  .. '"name":"b"}}')
    local stage = assert(space.stages:get(2))
    assert.is_true(stage.id == 1 or stage.id == 2)
  end)

  it("nested too deeply is refused", function()
    for _, depth in ipairs { 1200, 100000 } do
      undecodable('{"workflow_stages":' .. ("["):rep(depth) ..
                  ("]"):rep(depth) .. "}")
      undecodable(('{"a":'):rep(depth) .. "1" .. ("}"):rep(depth))
    end
  end)

  it("nested less deeply is read", function()
    server:answer(200, '{"workflow_stage":{"id":5,"deep":' .. ("["):rep(500)
                  .. ("]"):rep(500) .. "}}")
    assert(space.stages:get(5))
  end)

  it("with an empty object instead of an empty list", function()
    server:answer(200, '{"workflow_stages":[]}')
    assert.same(0, #assert(space.stages:list()))
    server:answer(200, '{"results":[],"workspaces":{}}')
    assert.equal(0, #assert(ox.workspaces:list()))
    server:answer(200, '{"results":[],"workspaces":[]}')
    assert.equal(0, #assert(ox.workspaces:list()))
  end)

  it("with impossible counts is read without them", function()
    local counts = { "9223372036854775807", "-1", "0x7fffffffffffffff", "nan",
                     "1e18", "", "9007199254740992", "-9e9" }
    for _, total in ipairs(counts) do
      for _, per_page in ipairs(counts) do
        local headers = { headers = { "total: " .. total,
                                      "per_page: " .. per_page } }
        server:answer(200, '{"stories":[{"id":5},{"id":6}]}', headers)
        server:answer(200, '{"stories":[]}', { match = "GET", times = 40 })
        local list = assert(space.stories:list())
        assert.equal(2, #list)
        server:forget()
        server:answer(200, ('{"results":[{"key":"workspaces","id":"5"}],'
          .. '"workspaces":{"5":{"id":"5"}},"meta":{"count":%q,'
          .. '"page_size":%q}}'):format(total, per_page))
        server:answer(200, '{"results":[]}', { times = 40 })
        assert.equal(1, #assert(ox.workspaces:list()))
        server:forget()
      end
    end
    server:answer(200, '{"results":[],"meta":{"count":9e18,"page_size":9e18,'
                  .. '"page_number":-1}}')
    local page = assert(ox.workspaces:page { page = 3 })
    assert.is_nil(page.total)
    assert.equal(3, page.page)
    assert.equal(20, page.per_page)
  end)

  it("that is truncated is lost, not shorter", function()
    server:raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
               .. '{"workflow_stages":[]}', { close = true })
    local err = failed("network", space.stages:list())
    assert.is_false(err.ambiguous)
    server:raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               .. '16\r\n{"workflow_stages":[]}\r\n', { close = true })
    failed("network", space.stages:list())
    server:raw("HTTP/1.1 200 OK\r\n\r\n" .. '{"workflow_stages":[{"id":',
               { close = true })
    failed("decode", space.stages:list())
    server:raw("HTTP/1.1 200 OK\r\nContent-Le", { close = true })
    assert.truthy(select(2, space.stages:list()))
    server:raw("", { close = true })
    failed("network", space.stages:list())
  end)

  it("in chunks, in pieces and without a length is read", function()
    local body = '{"workflow_stages":[{"id":5}]}'
    server:raw(("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                .. "%x\r\n%s\r\n0\r\n\r\n"):format(#body, body))
    assert.equal(5, assert(space.stages:list())[1].id)
    server:raw("HTTP/1.1 200 OK\r\n\r\n" .. body, { close = true })
    assert.equal(5, assert(space.stages:list())[1].id)
    server:answer(200, body, { piece = 7, pause = 0.002 })
    assert.equal(5, assert(space.stages:list())[1].id)
    server:raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n"
               .. "\r\nHTTP/1.1 200 OK\r\nContent-Length: " .. #body
               .. "\r\n\r\n" .. body)
    assert.equal(5, assert(space.stages:list())[1].id)
  end)

  it("above the limit is too large, announced or not", function()
    local big = '{"workflow_stages":["' .. ("x"):rep(1 << 20) .. '"]}'
    server:answer(200, big)
    local err = failed("too_large", space.stages:list())
    has(err, "max_response")
    server:raw("HTTP/1.1 200 OK\r\n\r\n" .. big, { close = true })
    failed("too_large", space.stages:list())
    server:raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{",
               { close = true })
    failed("too_large", space.stages:list())
    local most = '{"workflow_stages":[],"x":"'
    most = most .. ("x"):rep((1 << 20) - #most - 2) .. '"}'
    assert.equal(1 << 20, #most)
    server:answer(200, most)
    assert(space.stages:list())
  end)

  it("with too many headers is refused", function()
    local flood = {}
    for i = 1, 20000 do flood[i] = ("X-%d: %s"):format(i, ("y"):rep(40)) end
    server:answer(200, '{"workflow_stages":[]}', { headers = flood })
    assert.truthy(select(2, space.stages:list()))
    server:raw("HTTP/1.1 200 OK\r\nX: " .. ("y"):rep(500000) .. "\r\n\r\n",
               { close = true })
    assert.truthy(select(2, space.stages:list()))
  end)

  it("that is not HTTP is refused", function()
    for _, bytes in ipairs {
      "hello\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
      "SSH-2.0-OpenSSH\r\n", "\0\0\0\0", "HTTP/9.9 200 OK\r\n\r\n{}",
      "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
      "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
        .. "Content-Length: 5\r\n\r\nhello",
    } do
      server:raw(bytes, { close = true })
      local value, err = space.stages:list()
      assert.is_nil(value, bytes)
      assert.is_true(#tostring(err) > 10)
    end
  end)

  it("that is too late is a timeout, of an attempt or of the call", function()
    server:answer(200, "{}", { delay = 5 })
    local err = failed("timeout", space.stages:list(nil, { timeout = 0.1 }))
    assert.is_nil(err.status)
    assert.is_false(err.ambiguous)
    server:answer(200, "{}", { delay = 5 })
    failed("timeout", space.stages:list(nil, { deadline = 0.1 }))
    server:answer(200, ("x"):rep(1000), { piece = 1, pause = 0.05 })
    failed("timeout", space.stages:list(nil, { timeout = 0.2 }))
    server:answer(200, "{}", { delay = 5 })
    local quick = clients.space(server.url, { timeout = 0.1, retry = false })
    failed("timeout", quick.stages:get(5))
    quick:close()
  end)

  it("from a server that does not exist is a network error", function()
    local gone = clients.space("http://127.0.0.1:1", { retry = false })
    local err = failed("network", gone.stages:create { name = "x",
                                                       color = "#fff" })
    assert.is_false(err.ambiguous)
    assert.is_nil(err.status)
    has(err, "POST http://127.0.0.1:1/v1")
    gone:close()
  end)

  it("to an update is true, whatever the body", function()
    for _, body in ipairs { "", "{}", '{"workflow_stage":{"id":5}}', "null" } do
      server:answer(200, body)
      assert.is_true(space.stages:update(5, { name = "x" }))
    end
    server:answer(204)
    assert.is_true(space.stages:update(5, { name = "x" }))
    server:answer(204)
    assert.is_true(space.stages:delete(5))
    server:answer(200, "{}")
    assert.is_true(space.stages:delete(5))
  end)

  it("with another 2xx is a success", function()
    server:answer(202, '{"workflow_stage":{"id":5}}')
    assert(space.stages:get(5))
  end)

  it("to a POST that cannot be read leaves its outcome unknown", function()
    local quick = clients.space(server.url, { settle_time = 0,
                                              retry = false })
    server:answer(201, '{"workflow_stage":', { match = "POST" })
    server:answer(200, '{"workflow_stages":"?"}', { match = "GET",
                                                    times = 0 })
    local err = failed("decode", quick.stages:create {
      name = "x", color = "#fff", workflow_id = 7 })
    assert.is_true(err.ambiguous)
    has(err, "may have taken effect")
    quick:close()
  end)

  it("is timed by its own headers, not by those before", function()
    local early = "HTTP/1.1 103 Early Hints\r\n\r\n"
    server:raw(early .. "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
               { piece = #early, pause = 0.3 })
    local info
    local call = assert(space.transport:send("GET", "/v1/x", nil, nil, {
      on_answer = function(opts) info = opts end }))
    assert.is_true(info.first_sent - info.answered >= 0.29,
                   info.first_sent - info.answered)
    call:close()
  end)

  it("of Kantata whose results name missing objects", function()
    for _, body in ipairs {
      '{"results":[{"key":"workspaces","id":"5"}]}',
      '{"results":[{"key":"workspaces","id":"5"}],"workspaces":{}}',
      '{"results":[{"key":"workspaces","id":"5"}],"workspaces":[]}',
      '{"results":[{"key":"workspaces","id":"5"}],"workspaces":{"5":null}}',
      '{"results":[{"key":"workspaces","id":"5"}],"workspaces":{"5":7}}',
      '{"results":[{"key":"workspaces","id":"5"}],"workspaces":{"5":{}}}',
      '{"results":[{"key":5,"id":"5"}],"workspaces":{"5":{"id":"5"}}}',
      '{"results":[{"id":"5"}],"workspaces":{"5":{"id":"5"}}}',
      '{"results":[{"key":"workspaces","id":"5"}],'
        .. '"workspaces":{"5":{"id":"x"}}}',
      '{"results":[{"key":"workspaces","id":"5"}],'
        .. '"workspaces":{"5":{"id":"9007199254740992"}}}',
      '{"results":[{"key":"workspaces","id":"5"}],'
        .. '"workspaces":{"5":{"id":"5","status":{"key":"x"}}}}',
    } do
      server:answer(200, body)
      failed("decode", ox.workspaces:get(5))
      server:answer(200, body)
      failed("decode", ox.workspaces:page())
    end
    server:answer(200, '{"count":0,"results":[]}')
    failed("decode", ox.workspaces:get(5))
  end)

  it("of Kantata may give ids as numbers too", function()
    server:answer(200, '{"results":[{"key":"workspaces","id":5}],'
                  .. '"workspaces":{"5":{"id":5,"title":"A"}}}')
    assert.equal(5, assert(ox.workspaces:get(5)).id)
    server:answer(200, [[{"results":[{"key":"workspace_status_changes",
      "id":"119522102426879"}],"workspace_status_changes":{
      "119522102426879":{"id":"119522102426879","user_id":"9",
      "to_status_key":"605"}},"users":{"9":{"id":"9","full_name":"Ann"}},
      "workspaces":{}}]])
    local change = assert(ox.changes:get(119522102426879))
    assert.equal("119522102426879", tostring(change.id))
    assert.equal("Ann", change.user.full_name)
    assert.equal(9, change.user.id)
    assert.is_nil(change.workspace)
  end)

  it("of Kantata with references that are not ids is unchanged", function()
    for _, id in ipairs { '"abc"', "1.5", "{}", "true", "null" } do
      server:answer(200, '{"results":[{"key":"workspaces","id":"5"}],'
        .. '"workspaces":{"5":{"id":"5","user_id":' .. id .. "}},"
        .. '"users":{"9":{"id":"9"}}}')
      assert.is_nil(assert(ox.workspaces:get(5)).user)
    end
  end)

  it("of Kantata has the order of its results", function()
    server:answer(200, [[{"count":3,"results":[
      {"key":"workspaces","id":"30"},{"key":"workspaces","id":"4"},
      {"key":"workspaces","id":"17"}],"workspaces":{"4":{"id":"4"},
      "17":{"id":"17"},"30":{"id":"30"},"99":{"id":"99"}}}]])
    local list = assert(ox.workspaces:page())
    assert.equal(3, #list)
    assert.same({ 30, 4, 17 }, { list[1].id, list[2].id, list[3].id })
    assert.equal(3, list.total)
  end)
end)
