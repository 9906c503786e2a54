-- Both readings where the services' documentation is ambiguous, and the paths
-- and bodies that official clients send.
local http = require "sandbox.http"

local function with(options, use)
  local server <close> = http.start(options)
  return use(http.client(server), server)
end

-- The same request to a sandbox without and with an option.
local function statuses(option, value, use)
  return { with({}, use), with({ [option] = value }, use) }
end

describe("an option for the other reading", function()
  it("not_found: a 404 is an array of strings, or an object", function()
    local text = "This record could not be found"
    for _, path in ipairs { "/stories/1", "/workflows/1", "/nothing",
                            "/workflow_stages/1" } do
      local function body(space) return space:get(path).json end
      assert.same({ text }, with({}, body))
      assert.same({ error = text }, with({ not_found = "error" }, body))
    end
  end)

  it("default_workflow_delete: 422 or 403", function()
    assert.same({ 422, 403 }, statuses("default_workflow_delete", 403,
      function(space, server)
        return space:delete("/workflows/" ..
                            http.workflow(server, "Default")).status
      end))
  end)

  it("max_per_page: 100 or 1000 stories", function()
    local function per_page(space)
      return space:get("/stories?per_page=5000").headers.per_page
    end
    assert.equal("100", with({}, per_page))
    assert.equal("1000", with({ max_per_page = 1000 }, per_page))
    assert.equal("100", with({ max_per_page = 1000 }, function(space)
      return space:get("/collaborators?per_page=5000").headers.per_page
    end))
  end)

  it("paging_headers: with an underscore, a hyphen, both or none", function()
    local function names(option)
      local server <close> = http.start { paging_headers = option }
      local pipe = assert(io.popen(
        ("curl -si -H 'Authorization: x' %s/v1/spaces/%d/stories | " ..
         "grep -oiE '^(total|per.page)' | sort | tr '\\n' ' '")
        :format(server.url, http.SPACE)))
      local text = pipe:read "a"
      pipe:close()
      return text
    end
    assert.equal("per_page total ", names "underscore")
    assert.equal("Per-Page Total ", names "hyphen")
    assert.equal("", names "none")
    local both = names()
    for _, name in ipairs { "Per-Page", "per_page", "total" } do
      assert.truthy(both:find(name, 1, true), name)
    end
  end)

  it("gzip: never, where it is asked for, or always", function()
    local function encoding(option, asked)
      return with({ gzip = option }, function(space)
        local request = space:request("GET", "/stories")
        request.headers = asked and { "Accept-Encoding: br, gzip" }
        local answer = http.send(request)
        return answer.headers["content-encoding"] or "none"
      end)
    end
    assert.equal("none", encoding(nil, true))
    assert.equal("gzip", encoding(true, true))
    assert.equal("none", encoding(true, false))
    assert.equal("gzip", encoding("always", false))
  end)

  it("gzip: what was packed is the answer", function()
    for _, stories in ipairs { 3, 1000 } do
      local server <close> = http.start { gzip = "always",
        max_per_page = 1000, seed = { stories = stories } }
      local pipe = assert(io.popen(
        ("curl -s -H 'Authorization: x' '%s/v1/spaces/%d/stories?" ..
         "per_page=1000' | gzip -dc"):format(server.url, http.SPACE)))
      local body = require "cjson".decode(pipe:read "a")
      assert.is_true(pipe:close())
      assert.equal(stories, #body.stories)
    end
  end)

  it("null_stage_change: refused, or the story leaves its stage", function()
    local function change(space, server)
      local story = server:dump().spaces[1].stories[1].id
      local answer = space:post("/workflow_stage_changes", {
        workflow_stage_change = { story_id = story,
                                  workflow_stage_id = http.null } })
      local stage = space:get("/stories/" .. story).json.story.stage
      return { answer.status, stage == http.null }
    end
    assert.same({ 422, false }, with({}, change))
    assert.same({ 201, true }, with({ null_stage_change = "clear" }, change))
  end)

  it("with_parent_zero: filters for the top level, or does nothing",
     function()
    local function total(space)
      return space:get("/stories?with_parent=0").headers.total
    end
    local seed = { spaces = { { stories = {
      { full_slug = "a", is_folder = true }, { full_slug = "a/b" },
      { full_slug = "c" } } } } }
    assert.equal("2", with({ seed = seed }, total))
    assert.equal("3", with({ seed = seed, with_parent_zero = "ignore" },
                           total))
  end)

  it("changes_order: newest or oldest first", function()
    local sent = {}
    for i = 1, 3 do
      sent[i] = { id = i, story_id = 9, workflow_stage_id = 8,
                  created_at = ("2026-01-0%dT00:00:00.000Z"):format(i) }
    end
    local seed = { spaces = { { id = http.SPACE,
      workflows = { { name = "W", is_default = true,
                      stages = { { id = 8, name = "A" } } } },
      stories = { { id = 9, full_slug = "a" } },
      workflow_stage_changes = sent } } }
    local function ids(space)
      local text = space:get("/workflow_stage_changes?with_story=9").text
      return text:gsub('.-{"id":(%d+)[^}]*', "%1,"):match "^[%d,]+"
    end
    assert.equal("3,2,1,", with({ seed = seed }, ids))
    assert.equal("1,2,3,", with({ seed = seed, changes_order = "oldest" },
                               ids))
  end)

  it("content_type_filter: under both names, or one of them", function()
    local function counts(space)
      local found = {}
      for i, name in ipairs { "content_type", "by_content_type" } do
        local list = space:get("/workflows?" .. name .. "=article").json
        found[i] = #list.workflows
      end
      return found
    end
    assert.same({ 1, 1 }, with({}, counts))
    assert.same({ 1, 2 }, with({ content_type_filter = "content_type" },
                               counts))
    assert.same({ 2, 1 }, with({ content_type_filter = "by_content_type" },
                               counts))
  end)

  it("unique_names: no two stages of a workflow, or any number", function()
    assert.same({ 422, 201 }, statuses("unique_names", false,
      function(space)
        return space:post("/workflow_stages", { workflow_stage = {
          name = "Drafting", color = "#123456" } }).status
      end))
  end)

  it("extra_fields: workflows have null stages unless asked", function()
    local function stages(space, server)
      local path = "/workflows/" .. http.workflow(server, "Default")
      return space:get(path).json.workflow.workflow_stages
    end
    assert.is_nil(with({}, stages))
    assert.equal(http.null, with({ extra_fields = true }, stages))
  end)

  it("strict: what is unknown is refused, or ignored", function()
    assert.same({ 400, 200 }, statuses("strict", false, function(space)
      return space:get("/stories?cv=1").status
    end))
  end)
end)

describe("every call", function()
  it("refuses parameters that it does not have", function()
    with({}, function(space, server)
      local ids = http.stages(server, "Article")
      for _, path in ipairs {
        "", "/space_roles", "/collaborators", "/releases",
        "/workflow_stages", "/workflow_stages/" .. ids.Ready,
        "/workflow_stage_changes?with_story=1", "/workflows", "/stories",
      } do
        local query = (path:find "?" and "&" or "?") .. "nonsense=1"
        local answer = space:get(path .. query)
        assert.equal(400, answer.status, path)
        assert.equal("nonsense is not a parameter of this call",
                     answer.json.error)
      end
      local ox = http.kantata(server)
      for _, path in ipairs { "/workspaces", "/workspaces/1", "/users/me",
                              "/workspace_status_changes" } do
        local answer = ox:get(path .. "?workspace_id=1&nonsense=1")
        assert.equal(400, answer.status, path)
      end
      local answer = space:post("/workflow_stages?nonsense=1", {
        workflow_stage = { name = "N", color = "#1" } })
      assert.equal(400, answer.status)
      assert.equal(0, server:stats().effects.workflow_stages)
    end)
  end)

  it("refuses parameters that are not UTF-8", function()
    with({}, function(space)
      assert.equal(400, space:get("/stories?search=%ff").status)
      assert.equal(400, space:get("/stories?%ff=1").status)
    end)
  end)

  it("is served with a doubled slash after /v1, and one at its end",
     function()
    with({}, function(_, server)
      local root = http.client(server, nil, server.url)
      assert.equal(200, root:get("/v1//users/me").status)
      assert.equal(200, root:get("/v1//spaces/" .. http.SPACE ..
                                 "/stories/").status)
      assert.equal(200, root:get("/v1/oauth/user_info").status)
    end)
  end)

  it("of a change is to list or create: none is written again or gone",
     function()
    with({}, function(space, server)
      local ids = http.stages(server, "Article")
      local change = space:post("/workflow_stage_changes", {
        workflow_stage_change = { workflow_stage_id = ids.Drafting,
          story_id = server:dump().spaces[1].stories[1].id } })
        .json.workflow_stage_change
      local path = ("/workflow_stage_changes/%d"):format(change.id)
      for _, method in ipairs { "get", "put", "delete" } do
        assert.equal(404, space[method](space, path, {}).status)
      end
    end)
  end)
end)

describe("faults of lists", function()
  it("cap pages silently, repeat one, and hide the total",
     function()
    local hidden = { per_page = false, ["Per-Page"] = false }
    with({ seed = { stories = 60 } }, function(space, server)
      server:inject { { path = "/stories", query = { per_page = 25 },
                        headers = hidden } }
      local answer = space:get "/stories?per_page=100"
      assert.equal(25, #answer.json.stories)
      assert.equal("60", answer.headers.total)
      assert.is_nil(answer.headers.per_page)
      assert.is_nil(answer.headers["per-page"])
      server:inject(false)
      server:inject { { path = "/stories", query = { page = 1 } } }
      assert.same(space:get("/stories?page=1").json,
                  space:get("/stories?page=2").json)
      server:inject(false)
      server:inject { { path = "/stories", headers = { total = "0" } } }
      answer = space:get "/stories"
      assert.equal("0", answer.headers.total)
      assert.equal(25, #answer.json.stories)
    end)
  end)

  it("answer a write with 200 and an error", function()
    with({}, function(space, server)
      local ids = http.stages(server, "Article")
      server:inject { { method = "PUT", status = 200, effect = false,
                        body = { error = "no" } } }
      local answer = space:put("/workflow_stages/" .. ids.Ready,
                               { workflow_stage = { name = "X" } })
      assert.equal(200, answer.status)
      assert.same({ error = "no" }, answer.json)
      assert.same(ids, http.stages(server, "Article"))
    end)
  end)
end)
