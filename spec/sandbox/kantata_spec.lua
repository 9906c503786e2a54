local http = require "sandbox.http"

local function data()
  local old = "2025-01-01T00:00:00.000Z"
  return { kantata = {
    users = { { id = 500, full_name = "Ann", email_address = "a@example.com",
                headline = "Lead" } },
    workspaces = {
      { id = 7, title = "2025 Website", status_key = 310,
        created_at = old, updated_at = old },
      { id = 8, title = "2026 Shop", status_key = 130,
        created_at = old, updated_at = old },
      { id = 9, title = "2026 Old shop", status_key = 605, archived = true,
        created_at = old, updated_at = old },
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
    if err.type == "validation" then
      assert.equal(field or "base", err.field)
    else
      assert.is_nil(err.field)
    end
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

  it("include nothing else", function()
    for _, path in ipairs { "?workspace_id=7&include=user,users",
                            "/11?include=story" } do
      refused(400, ox:get("/workspace_status_changes" .. path), "include")
    end
    refused(400, create({ workspace_id = 7, to_status_key = 605 },
                        "?include=x"), "include")
    assert.equal(3, #server:dump().kantata.workspace_status_changes)
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

    it("take ids and keys as strings, and as fields of a form", function()
      assert.equal(200, create({ workspace_id = "7",
                                 to_status_key = "605" }).status)
      local answer = http.send { method = "POST", form = true,
        url = server.kantata_url .. "/workspace_status_changes.json",
        authorization = "Bearer a-token",
        body = "workspace_status_change[workspace_id]=7&" ..
               "workspace_status_change%5Bto_status_key%5D=310" }
      assert.equal(200, answer.status, answer.text)
      assert.equal(2, server:stats().effects.workspace_status_changes)
    end)

    it("are refused with unknown names and holes", function()
      refused(422, create { workspace_id = "x", to_status_key = 605 },
              "workspace_id")
      refused(422, create { workspace_id = 7, to_status_key = "done" },
              "to_status_key")
      refused(422, create { workspace_id = 7, status = 605 }, "status")
      refused(422, create { workspace_id = 7 }, "to_status_key")
      refused(422, create { to_status_key = 605 }, "workspace_id")
      local answer = ox:post("/workspace_status_changes", "{")
      assert.equal(400, answer.json.status)
      assert.equal("string", type(answer.json.error))
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
    assert.equal("8,7", ids "")
    assert.equal("8,7", ids "archived=exclude")
    assert.equal("9", ids "archived=only")
    assert.equal("9,8,7", ids "archived=include")
    assert.equal("9,8,7", ids "include_archived=true")
    assert.equal("9", ids "include_archived=true&archived=only")
    assert.equal(400, ox:get("/workspaces?archived=yes").status)
  end)

  it("are filtered, ordered and paged", function()
    assert.equal("8", ids "search=SHOP")
    assert.equal("8,9", ids "search=2026&archived=include")
    assert.equal("8,9", ids "search=2026%20shop&archived=include")
    assert.equal("7", ids "search=status:'In%20Progress'")
    assert.equal("", ids "search=status:'In'")
    assert.equal("7", ids "search=status:'In%20Progress'%20website")
    assert.equal("8", ids "search=title:'2026%20Shop'")
    assert.equal("7", ids "search=nothing&only=7")
    assert.equal("8", ids "except=7")
    assert.equal("8", ids "matching=SHO")
    assert.equal("", ids "matching=hop")
    assert.equal("8", ids "only=8,4711")
    assert.equal("8,7", ids "order=title:desc")
    assert.equal("7", ids "per_page=1&page=2")
    assert.equal("7", ids "limit=1&offset=1&page=7")
    assert.equal("8,7", ids "limit=9&offset=0")
    assert.equal(400, ox:get("/workspaces?limit=1").status)
    assert.equal(400, ox:get("/workspaces?colour=1").status)
    assert.equal("8,7", ids "order=created_at:desc")
    assert.equal("7,8", ids "order=status:desc")
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

  it("hide an archived one from GET /:id without include_archived", function()
    assert.equal(404, ox:get("/workspaces/9").status)
    assert.equal(200, ox:get("/workspaces/9?include_archived=true").status)
    assert.equal(404, ox:get("/workspaces/4711").status)
  end)

  it("come first that were updated last", function()
    ox:put("/workspaces/7", { workspace = { title = "Z" } })
    assert.equal("7,8", ids "")
    assert.equal("7", ids("updated_after=" .. os.date("!%Y-%m-%d")))
    assert.equal("8", ids("updated_before=" .. os.date("!%Y-%m-%d")))
    assert.equal("", ids "created_before=2020-01-01")
    assert.equal("8,7", ids "created_after=2020-01-01&order=created_at:desc")
  end)

  it("have attributes, some of them when they are asked for", function()
    ox:put("/workspaces/7", { workspace = { due_date = "2026-12-24",
      stage = "estimate", price = "12.50", workspace_group_ids = { 4 },
      description = "about boats" } })
    local seven = ox:get("/workspaces/7").json.workspaces["7"]
    assert.equal("2026-12-24", seven.due_date)
    assert.is_nil(seven.stage)
    assert.equal("estimate", ox:get("/workspaces/7?optional_fields=stage")
                             .json.workspaces["7"].stage)
    assert.equal("7", ids "stage=estimate")
    assert.equal("8", ids "stage=project")
    assert.equal("7", ids "workspace_groups=4,5")
    assert.equal("7", ids "search=boats")
    assert.equal("7", ids "due_date_after=2026-12-01")
    assert.equal("8,7", ids "order=price:asc")
    assert.equal("8,7", ids "on_my_account=true&order=title:desc")
    assert.equal("", ids "on_my_account=false")
    assert.equal("", ids "has_participation=false")
  end)

  it("hide their status from those who may not see it", function()
    local seed = data()
    seed.kantata.workspaces[2].status_hidden = true
    local other <close> = http.start { seed = seed, tokens = {
      lead = {}, theirs = { client = true } } }
    local lead = http.kantata(other, "Bearer lead")
    local theirs = http.kantata(other, "Bearer theirs")
    local function status(client, id)
      return client:get("/workspaces/" .. id).json.workspaces[id].status
    end
    assert.equal("310", status(lead, "7").key)
    assert.is_nil(status(lead, "8"))
    assert.is_nil(status(theirs, "7"))
    local listed = theirs:get("/workspaces").json.workspaces["7"]
    assert.is_nil(listed.status)
    for _, field in ipairs(listed.update_whitelist) do
      assert.are_not.equal("status_key", field)
    end
    assert.equal(403, theirs:put("/workspaces/7", {
      workspace = { status_key = 605 } }).status)
    assert.equal(0, theirs:get("/workspaces?search=status:'In%20Progress'")
                    .json.count)
  end)

  it("take no change when they are archived, by option", function()
    local function codes(options)
      options.seed = data()
      local other <close> = http.start(options)
      local client = http.kantata(other)
      return { client:put("/workspaces/9", { workspace = { title = "X" } })
                 .status,
               client:post("/workspace_status_changes", {
                 workspace_status_change = { workspace_id = 9,
                                             to_status_key = 310 } }).status }
    end
    assert.same({ 200, 200 }, codes {})
    assert.same({ 422, 422 }, codes { archived_writes = false })
  end)

  it("are answered by strings as errors, by option", function()
    local other <close> = http.start { seed = data(),
                                       kantata_errors = "strings" }
    local answer = http.kantata(other):get "/workspaces/4711"
    assert.same({ errors = { "The record could not be found" } }, answer.json)
  end)

  it("belong to users, of whom a token is one", function()
    local json = ox:get("/users/me.json").json
    assert.same({ { key = "users", id = "500" } }, json.results)
    assert.equal("Ann", json.users["500"].full_name)
    assert.equal("a@example.com", json.users["500"].email_address)
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

    it("take what can be written, and nothing else", function()
      assert.equal("X", put({ title = "X" }).json.workspaces["7"].title)
      assert.is_true(put({ archived = true }).json.workspaces["7"].archived)
      assert.equal(422, put({ status = 605 }).status)
      assert.equal(200, put({ status_key = "605" }).status)
      assert.equal(422, put({ status_key = 1 }).status)
      assert.equal(404, ox:put("/workspaces/4711",
                               { workspace = { title = "X" } }).status)
    end)

    it("take lists as fields of a form, and answer ids as strings", function()
      local answer = http.send { method = "PUT", form = true,
        url = server.kantata_url .. "/workspaces/7.json",
        authorization = "Bearer a-token",
        body = "workspace[workspace_group_ids][]=31&" ..
               "workspace[workspace_group_ids][]=32&" ..
               "workspace[approver_id]=500&workspace[budgeted]=true" }
      assert.equal(200, answer.status, answer.text)
      local project = answer.json.workspaces["7"]
      assert.same({ "31", "32" }, project.workspace_group_ids)
      assert.equal("500", project.approver_id)
      assert.is_true(project.budgeted)
      assert.equal(1, ox:get "/workspaces?workspace_groups=32".json.count)
      assert.equal(422, put({ workspace_group_ids = { "x" } }).status)
    end)

    it("take a price as a number or a text", function()
      for _, price in ipairs { 12.5, "12.50" } do
        assert.equal(price, put({ price = price }).json.workspaces["7"].price)
      end
    end)

    it("leave out what is unknown where they are not strict", function()
      server:stop()
      server = http.start { seed = data(), strict = false }
      ox = http.kantata(server)
      local project = put({ colour = "x", title = "Y" }).json.workspaces["7"]
      assert.equal("Y", project.title)
      assert.is_nil(project.colour)
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
