local http = require "sandbox.http"

describe("workflow stage changes", function()
  local server, space, ids, story

  local function open(options)
    if server then server:stop() end
    server = http.start(options)
    space = http.client(server)
    ids = http.stages(server, "Article")
    story = server:dump().spaces[1].stories[1].id -- in Drafting
  end

  before_each(function() open() end)
  after_each(function()
    server:stop()
    server = nil
  end)

  local function move(stage, more, change)
    local body = { workflow_stage_change = change or {} }
    body.workflow_stage_change.story_id = story
    body.workflow_stage_change.workflow_stage_id = ids[stage] or stage
    for name, value in pairs(more or {}) do body[name] = value end
    return space:post("/workflow_stage_changes", body)
  end

  local function read()
    return space:get("/stories/" .. story).json.story
  end

  local function changes(query)
    return space:get("/workflow_stage_changes?with_story=" .. story ..
                     (query or ""))
  end

  describe("created", function()
    it("answer 201 with the change, and move the story", function()
      local answer = move "Review"
      assert.equal(201, answer.status)
      local change = answer.json.workflow_stage_change
      assert.equal(ids.Review, change.workflow_stage_id)
      assert.equal(http.workflow(server, "Article"), change.workflow_id)
      assert.equal(http.null, change.due_date)
      assert.truthy(change.created_at:find "^%d+%-%d%d%-%d%dT[%d:.]+Z$")
      assert.is_nil(change.story_id)
      assert.equal(ids.Review, read().stage.workflow_stage_id)
    end)

    it("are recorded under the user of the token", function()
      local user = http.client(server, nil, server.url):get "/v1/users/me"
      assert.equal(user.json.user.id,
                   move("Review").json.workflow_stage_change.user_id)
    end)

    it("take everything that the reference names", function()
      local release = server:dump().spaces[1].releases[1].id
      local answer = move("Review", {
        release_id = release, notify = true,
        comment = { message = "please check" },
        assign = { user_ids = { 1 }, space_role_ids = { 2 } },
      }, { due_date = "2026-12-01T10:00:00.000Z" })
      assert.equal(201, answer.status)
      assert.equal("2026-12-01T10:00:00.000Z",
                   answer.json.workflow_stage_change.due_date)
      local after = read()
      assert.same({ 1 }, after.user_ids)
      assert.same({ 2 }, after.space_role_ids)
      local kept = server:dump().spaces[1].workflow_stage_changes[1]
      assert.equal("please check", kept.comment.message)
      assert.equal(release, kept.release_id)
      assert.is_true(kept.notify)
    end)

    it("take null where there is nothing", function()
      assert.equal(201, move("Review", { release_id = http.null },
                             { due_date = http.null }).status)
    end)

    it("write a due date of another zone as the service's own", function()
      assert.equal("2026-12-01T08:00:00.000Z",
                   move("Review", nil,
                        { due_date = "2026-12-01T10:00:00+02:00" })
                   .json.workflow_stage_change.due_date)
    end)

    it("take a due date in every form of ISO 8601, and write it as their own",
       function()
      local ten = "2026-12-01T10:00:00.000Z"
      for opts, kept in pairs {
        ["2026-12-01"] = "2026-12-01T00:00:00.000Z",
        ["20261201"] = "2026-12-01T00:00:00.000Z",
        ["2028-02-29"] = "2028-02-29T00:00:00.000Z",
        ["2000-02-29"] = "2000-02-29T00:00:00.000Z",
        ["2026-12-01T10:00"] = ten,
        ["2026-12-01 10:00:00"] = ten,
        ["2026-12-01T10:00:00Z"] = ten,
        ["2026-12-01T10:00Z"] = ten,
        ["20261201T100000Z"] = ten,
        ["20261201T1000"] = ten,
        ["2026-12-01T12:00:00+0200"] = ten,
        ["2026-12-01T12:00:00+02"] = ten,
        ["20261201T120000+02:00"] = ten,
        ["20261201T0530-0430"] = ten,
        ["2026-12-01T00:00:00+14:00"] = "2026-11-30T10:00:00.000Z",
        ["2026-12-01T10:00:00.5Z"] = "2026-12-01T10:00:00.500Z",
        ["20261201T100000,123456Z"] = "2026-12-01T10:00:00.123Z",
        ["2026-12-31T23:59:59.9999Z"] = "2026-12-31T23:59:59.999Z",
      } do
        local answer = move("Review", nil, { due_date = opts })
        assert.equal(201, answer.status, opts)
        assert.equal(kept, answer.json.workflow_stage_change.due_date, opts)
      end
    end)

    it("refuse an invalid due date", function()
      for _, bad in ipairs {
        "", "5", "now", "12:00", "2461000.5", "2026", "2026-12", "2026-12-1",
        "2026-02-30", "2026-02-29", "1900-02-29", "2026-04-31", "2026-00-10",
        "2026-12-00", "2026-13-01", "20261301", "2026-1201", "202612-01",
        "2026-12-01T", "2026-12-01T10", "2026-12-01T24:00", "2026-12-01T10:60",
        "2026-12-01T10:00:60Z", "2026-12-01T10:00:00.Z", "2026-12-01T1000",
        "20261201T10:00", "2026-12-01T10:00:00+2", "2026-12-01T10:00:00+02:",
        "2026-12-01T10:00:00+02:0", "2026-12-01T10:00:00+15:00",
        "2026-12-01T10:00:00+02:60", "2026-12-01T10:00:00Z+01",
        "2026-12-01T10:00:00 Z", "2026-12-01Z", "2026-12-01t10:00:00",
        " 2026-12-01", "2026-12-01 ", "2026-12-01T10:00:00Zx",
        "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00",
      } do
        assert.equal(422, move("Review", nil, { due_date = bad }).status, bad)
      end
      assert.equal("0", changes().headers.total)
    end)

    it("send an e-mail with notify alone, and a webhook always", function()
      move("Review", { notify = false })
      assert.equal(0, server:stats().emails)
      move("Drafting", { notify = true })
      assert.equal(1, server:stats().emails)
      assert.equal(2, server:stats().webhooks)
    end)

    it("are made twice when they are sent twice", function()
      move("Review", { notify = true })
      move("Review", { notify = true })
      local stats = server:stats()
      assert.equal(2, stats.effects.workflow_stage_changes)
      assert.equal(2, stats.emails)
      assert.equal(2, stats.webhooks)
      assert.equal("2", changes().headers.total)
    end)

    it("are accepted on a path with a slash at its end", function()
      local body = { workflow_stage_change = {
        story_id = story, workflow_stage_id = ids.Review } }
      assert.equal(201, space:post("/workflow_stage_changes/", body).status)
    end)

    it("clear the assignees of a stage that says so, but not those assigned",
       function()
      space:put("/workflow_stages/" .. ids.Review,
                { workflow_stage = { auto_remove_assignee = true } })
      move("Drafting", { assign = { user_ids = { 5 } } })
      assert.same({ 5 }, read().user_ids)
      move "Review"
      assert.same({}, read().user_ids)
      move("Review", { assign = { user_ids = { 6 } } })
      assert.same({ 6 }, read().user_ids)
    end)
  end)

  describe("that cannot be", function()
    local function refused(status, answer)
      assert.equal(status, answer.status, answer.text)
      assert.equal(0, server:stats().effects.workflow_stage_changes)
      return answer.json
    end

    it("name what is missing, under errors", function()
      local json = refused(422, space:post("/workflow_stage_changes",
                                           '{"workflow_stage_change":{}}'))
      assert.same({ "can't be blank" }, json.errors.story_id)
      assert.same({ "can't be blank" }, json.errors.workflow_stage_id)
    end)

    it("are 404 for an unknown story, with an array of strings", function()
      story = 4711
      local json = refused(404, move "Review")
      assert.same({ "This record could not be found" }, json)
    end)

    it("are 422 for an unknown stage or release", function()
      assert.same({ "must exist" },
                  refused(422, move(4711)).errors.workflow_stage_id)
      assert.same({ "must exist" },
                  refused(422, move("Review", { release_id = 4711 }))
                  .errors.release_id)
    end)

    it("refuse the siblings inside the change, and others beside it",
       function()
      refused(422, move("Review", nil, { notify = true }))
      refused(422, move("Review", { notfy = true }))
      refused(422, move("Review", { comment = { text = "x" } }))
      refused(422, move("Review", { assign = { users = { 1 } } }))
    end)

    it("refuse wrong types", function()
      refused(422, move("Review", { notify = 1 }))
      refused(422, move("Review", { comment = "text" }))
      refused(422, move("Review", { assign = { user_ids = { "1" } } }))
      refused(422, move("Review", { release_id = "1" }))
      refused(422, move("Review", nil, { due_date = 5 }))
      refused(422, move("Review", nil, { due_date = "soon" }))
      refused(422, move("Review", nil, { due_date = "2026-13-45" }))
      story = tostring(story)
      refused(422, move "Review")
    end)
  end)

  describe("between stages", function()
    it("are refused where the present stage does not name the next",
       function()
      local answer = move "Ready"
      assert.equal(403, answer.status)
      assert.equal("string", type(answer.json.error))
      assert.equal(ids.Drafting, read().stage.workflow_stage_id)
      assert.equal(0, server:stats().webhooks)
    end)

    it("are refused with 422, or not at all, by option", function()
      open { transitions = 422 }
      assert.equal(422, move("Ready").status)
      open { transitions = false }
      assert.equal(201, move("Ready").status)
    end)

    it("are allowed to all by allow_all_stages", function()
      space:put("/workflow_stages/" .. ids.Drafting,
                { workflow_stage = { allow_all_stages = true } })
      assert.equal(201, move("Ready").status)
    end)

    it("are refused to all by allow_none_for_next_stages", function()
      space:put("/workflow_stages/" .. ids.Drafting, { workflow_stage = {
        allow_all_stages = true, allow_none_for_next_stages = true } })
      assert.equal(403, move("Review").status)
      assert.equal(201, move("Drafting").status)
    end)

    it("are free from no stage and from another workflow", function()
      local default = http.stages(server, "Default")
      assert.equal(201, move(default.Reviewing).status)
      assert.equal(201, move("Ready").status)
      space:delete("/workflow_stages/" .. ids.Ready)
      assert.equal(201, move("Old review").status)
    end)
  end)

  describe("of users without the right", function()
    local editor

    local function as_editor(stage)
      local answer = http.send(editor:request("POST",
        "/workflow_stage_changes", { workflow_stage_change = {
          story_id = story, workflow_stage_id = ids[stage] } }))
      return answer.status
    end

    local function let(attributes)
      attributes.allow_all_users = attributes.allow_all_users or false
      attributes.allow_editor_change = attributes.allow_editor_change or false
      space:put("/workflow_stages/" .. ids.Drafting,
                { workflow_stage = attributes })
    end

    before_each(function()
      open { tokens = {
        ["a-token"] = { id = 77, userid = "admin@example.com" },
        editor = { id = 88, userid = "ed@example.com", role = "editor",
                   space_role_ids = { 9 } } } }
      editor = http.client(server, "editor")
    end)

    it("are 403, with an error as text", function()
      let {}
      assert.equal(403, as_editor "Review")
      assert.equal(201, move("Review").status)
    end)

    it("pass by flag, by user and by role", function()
      let { allow_editor_change = true }
      assert.equal(201, as_editor "Review")
      move "Drafting"
      let { user_ids = { 88 } }
      assert.equal(201, as_editor "Review")
      move "Drafting"
      let { user_ids = {}, space_role_ids = { 9 } }
      assert.equal(201, as_editor "Review")
      move "Drafting"
      let { space_role_ids = { 10 }, allow_all_users = true }
      assert.equal(201, as_editor "Review")
    end)

    it("are 403 for roles that are neither", function()
      open { tokens = { ["a-token"] = {},
                        editor = { id = 88, role = "translator" } } }
      editor = http.client(server, "editor")
      let { allow_editor_change = true }
      assert.equal(403, as_editor "Review")
      let { allow_all_users = true }
      assert.equal(201, as_editor "Review")
    end)

    it("are also checked for admins if the option is strict", function()
      open { permissions = "strict" }
      let { allow_admin_change = false }
      assert.equal(403, move("Review").status)
      let { allow_admin_change = true }
      assert.equal(201, move("Review").status)
    end)

    it("are not checked if the option is false", function()
      open { permissions = false, tokens = {
        ["a-token"] = {}, editor = { id = 88, role = "editor" } } }
      editor = http.client(server, "editor")
      let {}
      assert.equal(201, as_editor "Review")
    end)
  end)

  describe("listed", function()
    it("need a story", function()
      assert.equal(400, space:get("/workflow_stage_changes").status)
      assert.same({ error = "with_story is missing" },
                  space:get("/workflow_stage_changes?with_story=").json)
      assert.equal(400, space:get("/workflow_stage_changes?with_story=")
                        .status)
      assert.equal(400, space:get("/workflow_stage_changes?with_story=x")
                        .status)
    end)

    it("are those of the space without one, by option", function()
      open { with_story = "optional" }
      move "Review"
      assert.equal("1", space:get("/workflow_stage_changes").headers.total)
    end)

    it("come newest first, and of that story alone", function()
      move "Review"
      move "Ready"
      move "Drafting"
      local answer = changes()
      assert.equal(200, answer.status)
      local seen = {}
      for i, change in ipairs(answer.json.workflow_stage_changes) do
        seen[i] = change.workflow_stage_id
      end
      assert.same({ ids.Drafting, ids.Ready, ids.Review }, seen)
      local other = server:dump().spaces[1].stories[2].id
      answer = space:get("/workflow_stage_changes?with_story=" .. other)
      assert.same({}, answer.json.workflow_stage_changes)
      assert.equal("0", answer.headers.total)
    end)

    it("come in pages of 25, with total and per_page as headers", function()
      local requests = {}
      for i = 1, 28 do
        requests[i] = space:request("POST", "/workflow_stage_changes", {
          workflow_stage_change = { story_id = story,
            workflow_stage_id = ids.Drafting } })
      end
      http.all(requests, 8)
      local first, second = changes(), changes "&page=2"
      assert.equal("28", first.headers.total)
      assert.equal("25", first.headers.per_page)
      assert.equal(25, #first.json.workflow_stage_changes)
      assert.equal(3, #second.json.workflow_stage_changes)
      local third = changes "&page=3"
      assert.equal(200, third.status)
      assert.equal('{"workflow_stage_changes":[]}', third.text)
      assert.equal(7, #changes("&per_page=7&page=4")
                       .json.workflow_stage_changes)
    end)

    it("give a hundred a page at most", function()
      assert.equal("100", changes("&per_page=1000").headers.per_page)
      assert.equal(400, changes("&per_page=0").status)
      assert.equal(400, changes("&page=x").status)
    end)
  end)
end)
