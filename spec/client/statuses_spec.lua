local cjson = require "cjson"
local clients = require "support.clients"
local failed, has = clients.failed, clients.has

describe("Kantata's statuses", function()
  local ox = clients.ox "http://127.0.0.1:1"

  teardown(function() ox:close() end)

  it("are the 73 of the list", function()
    local file = assert(io.open "spec/data/kantata_statuses.json")
    local known = cjson.decode(file:read "a")
    file:close()
    local list = ox.statuses:list()
    assert.equal(73, #list)
    for i, status in ipairs(list) do
      assert.equal(known[i].key, status.key)
      assert.equal("integer", math.type(status.key))
      assert.equal(known[i].message, status.message)
      assert.equal(known[i].color, status.color)
    end
  end)

  it("are found by key", function()
    local status = assert(ox.statuses:find(605))
    assert.same({ key = 605, message = "Completed", color = "blue" }, status)
    assert.equal(605, assert(ox.statuses:find(605.0)).key)
    has(failed("not_found", ox.statuses:find(604)), "604")
    failed("not_found", ox.statuses:find(605.5))
  end)

  it("are found by message, and by colour if several have it", function()
    assert.equal(310, assert(ox.statuses:find "In Progress").key)
    assert.equal(310, assert(ox.statuses:find("In Progress", "green")).key)
    assert.equal(555, assert(ox.statuses:find("UAT", "red")).key)
    local err = failed("invalid", ox.statuses:find "UAT")
    for _, key in ipairs { "340", "465", "555" } do has(err, key) end
    err = failed("invalid", ox.statuses:find "Quality Control")
    for _, key in ipairs { "145", "225", "335", "459", "545", "630" } do
      has(err, key)
    end
    has(failed("not_found", ox.statuses:find("In Progress", "red")), "red")
    has(failed("not_found", ox.statuses:find "in progress"), "in progress")
  end)

  it("cannot be changed through returned tables", function()
    ox.statuses:list()[1].key = 1
    ox.statuses:find(605).message = "Gone"
    assert.equal(100, ox.statuses:list()[1].key)
    assert.equal("Completed", ox.statuses:find(605).message)
  end)

  it("need a key or a message", function()
    failed("invalid", ox.statuses:find())
    failed("invalid", ox.statuses:find {})
    failed("invalid", ox.statuses:find("UAT", 5))
    assert.has_error(function() ox.statuses.find(605) end)
    assert.has_error(function() ox.statuses.list() end)
  end)
end)
