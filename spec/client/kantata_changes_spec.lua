local clients = require "support.clients"
local exact = require "support.exact"
local failed, has = clients.failed, clients.has

describe("Kantata's changes", function()
  local server, ox

  setup(function()
    local space
    server, space, ox = clients.sandbox { seed = { workspaces = 30 } }
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

  it("set a project's status", function()
    local before = assert(ox.workspaces:get(7))
    local change = assert(ox.changes:create { workspace_id = 7,
                                              to_status_key = 605 })
    assert.equal("integer", math.type(change.id))
    assert.equal(605, change.to_status_key)
    assert.equal("integer", math.type(change.to_status_key))
    assert.equal("Completed", change.to_message)
    assert.equal("blue", change.to_color)
    assert.equal(before.status.key, change.from_status_key)
    assert.equal("integer", math.type(change.from_status_key))
    assert.equal(before.status.message, change.from_message)
    assert.is_nil(change.workspace)
    assert.is_nil(change.user)
    assert.equal(605, assert(ox.workspaces:get(7)).status.key)
  end)

  it("send ids and keys as integers, and `include` in the query", function()
    local change = assert(ox.changes:create {
      workspace_id = 8, to_status_key = 300,
      include = { "workspace", "user" } })
    local request = last()
    assert.equal("include=workspace,user", request.query)
    assert.same({ kind = "object", [".workspace_status_change"] = {
      kind = "object", [".workspace_id"] = "8",
      [".to_status_key"] = "300" } }, exact.parse(request.body))
    assert.equal(8, change.workspace.id)
    assert.equal(8, change.workspace_id)
    assert.equal("2026 Project 8", change.workspace.title)
    assert.equal(300, change.workspace.status.key)
    assert.equal("integer", math.type(change.user.id))
    assert.equal(change.user_id, change.user.id)
    assert.equal("string", type(change.user.full_name))
    assert.equal("Bearer [token]", (request.headers.authorization or
                                    "Bearer [token]"):gsub("%S+$", "[token]"))
  end)

  it("to the status that a project has fail with the service's message",
     function()
    assert(ox.workspaces:update(9, { status_key = 605 }))
    local err = failed("rejected", ox.changes:create {
      workspace_id = 9, to_status_key = 605 })
    assert.equal(422, err.status)
    assert.equal("validation", err.type)
    assert.equal("Project already has specified status", err.message)
    assert.same({ "Project already has specified status" },
                err.fields.to_status_key)
  end)

  it("to no status, and of no project, fail", function()
    assert.equal("validation", failed("rejected", ox.changes:create {
      workspace_id = 9, to_status_key = 1 }).type)
    assert.equal(404, failed("not_found", ox.changes:create {
      workspace_id = 900, to_status_key = 605 }).status)
    failed("not_found", ox.changes:get(288900000999999))
  end)

  it("are read by id, with included objects", function()
    local made = assert(ox.changes:create { workspace_id = 11,
                                            to_status_key = 310 })
    local change = assert(ox.changes:get(made.id))
    assert.same(made, change)
    change = assert(ox.changes:get(made.id, { include = { "user" } }))
    assert.equal("include=user", last().query)
    assert.equal(change.user_id, change.user.id)
    assert.is_nil(change.workspace)
  end)

  it("are listed by project, more than a page of them, in order", function()
    local made = {}
    for i = 1, 230 do
      made[i] = assert(ox.changes:create {
        workspace_id = 12, to_status_key = i % 2 == 0 and 310 or 605 }).id
    end
    local list = assert(ox.changes:list { workspace_id = 12,
                                          order = "created_at:asc" })
    assert.equal(230, #list)
    for i, change in ipairs(list) do assert.equal(made[i], change.id) end
    assert.equal(230, #assert(ox.changes:list { workspace_id = 12 }))
    local page = assert(ox.changes:page { workspace_id = 12, page = 3,
                                          per_page = 50,
                                          order = "created_at:asc",
                                          include = { "workspace" } })
    assert.equal(50, #page)
    assert.equal(230, page.total)
    assert.equal(3, page.page)
    assert.equal(50, page.per_page)
    assert.equal(made[101], page[1].id)
    assert.equal(12, page[50].workspace.id)
    page = assert(ox.changes:page { workspace_id = 12 })
    assert.equal(20, #page)
    assert.equal(20, page.per_page)
    assert.equal(made[230], page[1].id)
    local count = 0
    for change in ox.changes:each { workspace_id = 12, per_page = 40 } do
      count = count + 1
      assert.equal("integer", math.type(change.id))
    end
    assert.equal(230, count)
  end)

  it("are filtered by ids and dates", function()
    local a = assert(ox.changes:create { workspace_id = 13,
                                         to_status_key = 605 })
    local b = assert(ox.changes:create { workspace_id = 13,
                                         to_status_key = 310 })
    local list = assert(ox.changes:list { workspace_id = 13,
                                          only = { b.id } })
    assert.equal(1, #list)
    assert.equal(b.id, list[1].id)
    assert.equal(0, #assert(ox.changes:list {
      workspace_id = 13, created_after = "2126-01-01T00:00:00Z" }))
    assert.equal(2, #assert(ox.changes:list {
      workspace_id = 13, created_before = "2126-01-01T00:00:00Z" }))
    assert.is_true(a.id ~= b.id)
  end)

  it("need a project to be listed", function()
    local sent = #server:requests()
    has(failed("invalid", ox.changes:list()), "workspace_id")
    has(failed("invalid", ox.changes:page {}), "workspace_id")
    assert.equal(sent, #server:requests())
  end)
end)
