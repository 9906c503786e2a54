local clients = require "support.clients"
local exact = require "support.exact"
local failed, has = clients.failed, clients.has

describe("Kantata's workspaces", function()
  local server, ox

  setup(function()
    local space
    server, space, ox = clients.sandbox { seed = { workspaces = 450 } }
    space:close()
  end)

  teardown(function()
    ox:close()
    server:stop()
  end)

  local function last()
    local all = server:requests()
    return all[#all]
  end

  it("are listed to the last one", function()
    local list = assert(ox.workspaces:list { order = "created_at:asc" })
    assert.equal(405, #list)
    assert.equal(3, #server:requests())
    for i = 2, #list do assert.is_true(list[i].id > list[i - 1].id) end
    assert.equal(450, #assert(ox.workspaces:list { archived = "include" }))
    assert.equal(45, #assert(ox.workspaces:list { archived = "only",
                                                  per_page = 10 }))
  end)

  it("are flat tables with their status", function()
    local one = assert(ox.workspaces:get(1))
    assert.equal(1, one.id)
    assert.equal("integer", math.type(one.id))
    assert.equal("2025 Project 1", one.title)
    assert.is_false(one.archived)
    assert.same({ key = 310, color = "green", message = "In Progress" },
                one.status)
    assert.equal("integer", math.type(one.status.key))
  end)

  it("are read a page at a time", function()
    local page = assert(ox.workspaces:page())
    assert.equal(20, #page)
    assert.equal(405, page.total)
    assert.equal(1, page.page)
    assert.equal(20, page.per_page)
    page = assert(ox.workspaces:page { page = 3, per_page = 200 })
    assert.equal(5, #page)
    assert.equal(3, page.page)
  end)

  it("are read completely in an order that no move changes", function()
    assert(ox.workspaces:list())
    has(last().query, "order=created_at%3Aasc")
    assert(ox.workspaces:each()())
    has(last().query, "order=created_at%3Aasc")
    assert(ox.workspaces:list { order = "title:desc" })
    has(last().query, "order=title%3Adesc")
    assert(ox.workspaces:list { search = "Project" })
    assert.is_nil(last().query:find("order=", 1, true))
    assert(ox.workspaces:page())
    assert.is_nil((last().query or ""):find("order=", 1, true))
  end)

  it("name their user", function()
    local user = assert(ox:whoami())
    assert.equal("integer", math.type(user.id))
    assert.equal("string", type(user.full_name))
    assert.equal("/api/v1/users/me", last().path)
  end)

  it("include archived ones on request", function()
    local archived = assert(ox.workspaces:list { archived = "only" })[1]
    failed("not_found", ox.workspaces:get(archived.id))
    assert.is_true(assert(ox.workspaces:get(archived.id, {
      include_archived = true })).archived)
    local seen = {}
    for one in ox.workspaces:each { archived = "only", per_page = 10 } do
      seen[one.id] = true
    end
    assert.is_true(seen[archived.id])
  end)

  it("may have no status", function()
    local other, _, theirs = clients.scripted()
    other:answer(200, [[{"count":1,"results":[{"key":"workspaces","id":"7"}],
      "workspaces":{"7":{"id":"7","title":"x","account_id":"12",
      "update_whitelist":["title"],"workspace_group_ids":["3","4"]}}}]])
    local one = assert(theirs.workspaces:get(7))
    assert.is_nil(one.status)
    assert.equal(7, one.id)
    assert.equal(12, one.account_id)
    assert.same({ "title" }, one.update_whitelist)
    assert.same({ 3, 4 }, one.workspace_group_ids)
    theirs:close()
    other:stop()
  end)

  it("are filtered and ordered", function()
    local list = assert(ox.workspaces:list { only = { 3, 5, 9999 } })
    assert.equal(2, #list)
    has(last().query, "only=3,5,9999")
    list = assert(ox.workspaces:list { search = "title:'2026 Project 44'" })
    assert.equal(1, #list)
    assert.equal("2026 Project 44", list[1].title)
    list = assert(ox.workspaces:list { order = "title:desc" })
    for i = 2, #list do assert.is_true(list[i].title <= list[i - 1].title) end
  end)

  it("are updated; true", function()
    assert.is_true(ox.workspaces:update(2, { status_key = 605,
                                             title = "Renamed é" }))
    assert.same({ kind = "object", [".workspace"] = {
      kind = "object", [".status_key"] = "605",
      [".title"] = "text Renamed é" } }, exact.parse(last().body))
    local one = assert(ox.workspaces:get(2))
    assert.equal(605, one.status.key)
    assert.equal("Renamed é", one.title)
    assert.is_true(ox.workspaces:update(2, { status_key = 605 }))
  end)

  it("that do not exist fail", function()
    local err = failed("not_found", ox.workspaces:get(9999))
    assert.equal(404, err.status)
    assert.equal("system", err.type)
    failed("not_found", ox.workspaces:update(9999, { title = "x" }))
    failed("rejected", ox.workspaces:update(3, { status_key = 1 }))
  end)

  it("are iterated while changes affect the list", function()
    local seen, count = {}, 0
    for one in ox.workspaces:each { archived = "exclude", per_page = 30 } do
      assert.is_nil(seen[one.id])
      seen[one.id] = true
      count = count + 1
      if count <= 100 then
        assert(ox.workspaces:update(one.id, { archived = true }))
      end
    end
    assert.equal(405, count)
  end)

  it("have the status that the loop has just set", function()
    local changed, last_id = nil, nil
    for one in ox.workspaces:each { archived = "include", per_page = 50,
                                    order = "created_at:asc" } do
      if not changed then
        changed = 449
        assert(ox.workspaces:update(changed, { title = "Fresh" }))
      end
      if one.id == changed then assert.equal("Fresh", one.title) end
      last_id = one.id
    end
    assert.equal(450, last_id)
  end)
end)
