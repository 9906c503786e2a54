local http = require "sandbox.http"

local function data()
  return { kantata = {
    users = { { id = 500, full_name = "Ann", email_address = "a@example.com",
                headline = "Lead" } },
    workspaces = {
      { id = 7, title = "2025 Website", status_key = 310 },
      { id = 8, title = "2026 Shop", status_key = 130 },
      { id = 9, title = "2026 Old shop", status_key = 605, archived = true },
    },
    workspace_status_changes = {
      { id = 11, workspace_id = 7, user_id = 500, to_status_key = 300,
        created_at = "2026-01-01T00:00:00.000Z" },
      { id = 12, workspace_id = 7, user_id = 500, from_status_key = 300,
        to_status_key = 310, created_at = "2026-01-02T00:00:00.000Z" },
      { id = 13, workspace_id = 8, user_id = 500, from_status_key = 310,
        to_status_key = 130, created_at = "2026-01-03T00:00:00.000Z" },
    },
  } }
end

describe("workspace status changes", function()
  local server, ox

  before_each(function()
    server = http.start { seed = data() }
    ox = http.kantata(server)
  end)
  after_each(function() server:stop() end)

  local function list(query)
    local answer = ox:get("/workspace_status_changes?" .. query)
    assert.equal(200, answer.status, answer.text)
    return answer.json
  end

  local function ids(query)
    return http.names(list(query).results, "id")
  end

  local function create(change, query)
    return ox:post("/workspace_status_changes" .. (query or ""),
                   { workspace_status_change = change })
  end

  local function refused(status, answer, field)
    assert.equal(status, answer.status, answer.text)
    local err = answer.json.errors[1]
    assert.equal("string", type(err.type))
    assert.equal("string", type(err.message))
    assert.equal(field or "base", err.field)
    assert.equal(0, server:stats().effects.workspace_status_changes)
    return err
  end

  it("come in Kantata's format, ids and keys as strings", function()
    local json = list "workspace_id=7"
    assert.equal(2, json.count)
    assert.same({ count = 2, page_count = 1, page_number = 1,
                  page_size = 20 }, json.meta)
    assert.same({ { key = "workspace_status_changes", id = "12" },
                  { key = "workspace_status_changes", id = "11" } },
                json.results)
    assert.same({ id = "12", from_status_key = "300", to_status_key = "310",
                  from_message = "Active", from_color = "green",
                  to_message = "In Progress", to_color = "green",
                  created_at = "2026-01-02T00:00:00.000Z",
                  updated_at = "2026-01-02T00:00:00.000Z" },
                json.workspace_status_changes["12"])
    assert.equal(http.null,
                 json.workspace_status_changes["11"].from_status_key)
    assert.same({}, json.users)
    assert.same({}, json.workspaces)
  end)

  it("need a workspace", function()
    refused(400, ox:get "/workspace_status_changes", "workspace_id")
    refused(400, ox:get "/workspace_status_changes?workspace_id=",
            "workspace_id")
    refused(400, ox:get "/workspace_status_changes?workspace_id=x",
            "workspace_id")
  end)

  it("include users and workspaces, each once", function()
    local json = list "workspace_id=7,8&include=user,workspace"
    assert.same({ ["500"] = { id = "500", full_name = "Ann",
                              email_address = "a@example.com",
                              headline = "Lead", photo_path = http.null } },
                json.users)
    assert.equal("2025 Website", json.workspaces["7"].title)
    assert.equal("2026 Shop", json.workspaces["8"].title)
    assert.equal("500", json.workspace_status_changes["13"].user_id)
    assert.equal("8", json.workspace_status_changes["13"].workspace_id)
    json = list "workspace_id=7&include=workspace"
    assert.is_nil(json.workspace_status_changes["11"].user_id)
    assert.equal("7", json.workspace_status_changes["11"].workspace_id)
  end)

  it("are ordered by their creation, newest first", function()
    assert.equal("13,12,11", ids "workspace_id=7,8")
    assert.equal("11,12,13", ids "workspace_id=7,8&order=created_at:asc")
    assert.equal("13,12,11", ids "workspace_id=7,8&order=created_at:desc")
    refused(400, ox:get("/workspace_status_changes?workspace_id=7" ..
                        "&order=title:asc"), "order")
  end)

  it("are filtered by times and ids", function()
    assert.equal("12", ids "workspace_id=7&created_after=2026-01-01T12:00:00Z")
    assert.equal("11", ids "workspace_id=7&created_before=2026-01-02")
    assert.equal("12", ids("workspace_id=7&updated_before=2026-01-03" ..
                           "&updated_after=2026-01-01T20:00:00-03:00"))
    assert.equal("12", ids "workspace_id=7&created_after=20260101T1200Z")
    refused(400, ox:get("/workspace_status_changes?workspace_id=7" ..
                        "&created_after=2026-02-30"), "created_after")
    assert.equal("", ids("workspace_id=7&created_after=" ..
                         "2026-01-02T00:00:00.000Z"))
    assert.equal("11", ids "workspace_id=7&only=11,13")
    refused(400, ox:get("/workspace_status_changes?workspace_id=7" ..
                        "&created_after=yesterday"), "created_after")
  end)

  it("come in pages of 20, at most 200", function()
    local requests = {}
    for i = 1, 43 do
      requests[i] = ox:request("PUT", "/workspaces/7",
        { workspace = { status_key = i % 2 == 1 and 605 or 310 } })
    end
    http.all(requests, 1)
    local json = list "workspace_id=7&page=3"
    assert.same({ count = 45, page_count = 3, page_number = 3,
                  page_size = 20 }, json.meta)
    assert.equal(5, #json.results)
    assert.same({}, list("workspace_id=7&page=4").results)
    assert.equal(45, list("workspace_id=7&page=4").count)
    assert.equal(200, list("workspace_id=7&per_page=999").meta.page_size)
    assert.equal(45, #list("workspace_id=7&per_page=200").results)
  end)

  it("are read one by one", function()
    local json = ox:get("/workspace_status_changes/11?include=user").json
    assert.equal(1, json.count)
    assert.equal("11", json.results[1].id)
    assert.equal("Ann", json.users["500"].full_name)
    refused(404, ox:get "/workspace_status_changes/4711")
  end)

  describe("created", function()
    it("answer 200 with what is included", function()
      local answer = create({ workspace_id = 7, to_status_key = 605 },
                            "?include=workspace,user")
      assert.equal(200, answer.status)
      local id = answer.json.results[1].id
      assert.equal(15, #id)
      local change = answer.json.workspace_status_changes[id]
      assert.equal("310", change.from_status_key)
      assert.equal("605", change.to_status_key)
      assert.equal("Completed", change.to_message)
      assert.equal("blue", change.to_color)
      assert.equal("500", change.user_id)
      assert.same({ key = "605", message = "Completed", color = "blue" },
                  answer.json.workspaces["7"].status)
      assert.equal(1, server:stats().effects.workspace_status_changes)
    end)

    it("are refused to the status that the project has", function()
      local change = { workspace_id = 7, to_status_key = 310 }
      local err = refused(422, create(change), "to_status_key")
      assert.equal("validation", err.type)
      assert.equal("Project already has specified status", err.message)
      local other = http.start { seed = data(), same_status = 400 }
      assert.equal(400, http.kantata(other):post("/workspace_status_changes",
        { workspace_status_change = change }).status)
      other:stop()
    end)

    it("are refused to a status that is unknown or switched off", function()
      refused(422, create { workspace_id = 7, to_status_key = 301 },
              "to_status_key")
      local seed = data()
      seed.kantata.disabled_statuses = { 605 }
      server:load(seed)
      refused(422, create { workspace_id = 7, to_status_key = 605 },
              "to_status_key")
    end)

    it("may leave a project in a status that was switched off", function()
      local seed = data()
      local key = seed.kantata.workspaces[1].status_key
      seed.kantata.disabled_statuses = { key }
      server:load(seed)
      local path = "/workspaces/" .. seed.kantata.workspaces[1].id
      assert.equal(200, ox:put(path, { workspace = {
        status_key = key, title = "Still there" } }).status)
    end)

    it("are refused with strings, unknown names and holes", function()
      refused(422, create { workspace_id = "7", to_status_key = 605 },
              "workspace_id")
      refused(422, create { workspace_id = 7, to_status_key = "605" },
              "to_status_key")
      refused(422, create { workspace_id = 7, status = 605 }, "status")
      refused(422, create { workspace_id = 7 }, "to_status_key")
      refused(422, create { to_status_key = 605 }, "workspace_id")
      refused(400, ox:post("/workspace_status_changes", "{"))
      refused(400, ox:post("/workspace_status_changes", "{}"),
              "workspace_status_change")
    end)

    it("are 404 for an unknown workspace", function()
      local err = refused(404, create { workspace_id = 99,
                                        to_status_key = 605 })
      assert.equal("system", err.type)
    end)
  end)

  it("carry a request id, and a path may end with a slash", function()
    local answer = ox:get "/workspaces/"
    assert.equal(200, answer.status)
    assert.truthy(answer.headers["x-request-id"]:find "%w")
    assert.are_not.equal(answer.headers["x-request-id"],
                         ox:get("/workspaces").headers["x-request-id"])
  end)
end)

describe("workspaces", function()
  local server, ox

  before_each(function()
    server = http.start { seed = data() }
    ox = http.kantata(server)
  end)
  after_each(function() server:stop() end)

  local function ids(query)
    local answer = ox:get("/workspaces?" .. query)
    assert.equal(200, answer.status, answer.text)
    return http.names(answer.json.results, "id")
  end

  it("are listed without the archived ones by default", function()
    assert.equal("7,8", ids "")
    assert.equal("7,8", ids "archived=exclude")
    assert.equal("9", ids "archived=only")
    assert.equal("7,8,9", ids "archived=include")
    assert.equal(400, ox:get("/workspaces?archived=yes").status)
  end)

  it("are filtered, ordered and paged", function()
    assert.equal("8", ids "search=SHOP")
    assert.equal("8,9", ids "search=2026&archived=include")
    assert.equal("8", ids "only=8,4711")
    assert.equal("8,7", ids "order=title:desc")
    assert.equal("8", ids "per_page=1&page=2")
    assert.equal("", ids "page=2")
    assert.equal(400, ox:get("/workspaces?order=color:asc").status)
  end)

  it("answer no 404 to only", function()
    local json = ox:get("/workspaces?only=4711").json
    assert.equal(0, json.count)
    assert.same({}, json.results)
    assert.same({}, json.workspaces)
  end)

  it("describe their status, with its key as a string", function()
    local json = ox:get("/workspaces/7").json
    assert.same({ { key = "workspaces", id = "7" } }, json.results)
    local workspace = json.workspaces["7"]
    assert.equal("7", workspace.id)
    assert.equal("2025 Website", workspace.title)
    assert.is_false(workspace.archived)
    assert.equal("string", type(workspace.updated_at))
    assert.same({ key = "310", color = "green", message = "In Progress" },
                workspace.status)
  end)

  it("hide an archived one from GET /:id, or not by option", function()
    assert.equal(404, ox:get("/workspaces/9").status)
    assert.equal(200, ox:get("/workspaces/9?archived=include").status)
    assert.equal(404, ox:get("/workspaces/4711").status)
    local other = http.start { seed = data(), archived_get = 200 }
    assert.equal(200, http.kantata(other):get("/workspaces/9").status)
    other:stop()
  end)

  describe("updated", function()
    local function put(workspace)
      return ox:put("/workspaces/7", { workspace = workspace })
    end

    it("make a status change where the status is another", function()
      local answer = put { status_key = 605 }
      assert.equal(200, answer.status)
      assert.equal("605", answer.json.workspaces["7"].status.key)
      local changes = ox:get "/workspace_status_changes?workspace_id=7"
      assert.equal(3, changes.json.count)
      local newest = changes.json.results[1].id
      assert.equal("310", changes.json.workspace_status_changes[newest]
                          .from_status_key)
    end)

    it("do not mind the same status", function()
      assert.equal(200, put({ status_key = 310 }).status)
      assert.equal(0, server:stats().effects.workspace_status_changes)
    end)

    it("take a title and archived, and nothing else", function()
      assert.equal("X", put({ title = "X" }).json.workspaces["7"].title)
      assert.is_true(put({ archived = true }).json.workspaces["7"].archived)
      assert.equal(422, put({ status = 605 }).status)
      assert.equal(422, put({ status_key = "605" }).status)
      assert.equal(422, put({ status_key = 1 }).status)
      assert.equal(404, ox:put("/workspaces/4711",
                               { workspace = { title = "X" } }).status)
    end)
  end)

  it("know all 73 statuses", function()
    local cjson = require "cjson"
    local file = assert(io.open "spec/data/kantata_statuses.json")
    local statuses = cjson.decode(file:read "a")
    file:close()
    assert.equal(73, #statuses)
    local requests = {}
    for i, status in ipairs(statuses) do
      requests[i] = ox:request("PUT", "/workspaces/7",
        '{"workspace":{"status_key":' .. ("%d"):format(status.key) .. "}}")
    end
    for i, answer in ipairs(http.all(requests, 1)) do
      local found = answer.json.workspaces["7"].status
      assert.equal(statuses[i].message, found.message)
      assert.equal(statuses[i].color, found.color)
    end
  end)
end)
