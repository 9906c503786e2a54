local http = require "sandbox.http"

describe("members", function()
  local server, space

  setup(function()
    server = http.start { seed = { collaborators = 130, roles = 5,
                                   releases = 2 } }
    space = http.client(server)
  end)
  teardown(function() server:stop() end)

  it("list space roles", function()
    local list = space:get("/space_roles/").json.space_roles
    assert.equal("Lawyer,Author,Translator,Role 4,Role 5",
                 http.names(list, "role"))
    assert.equal("number", type(list[1].id))
    assert.equal("", list[1].subtitle)
    assert.equal(http.null, list[1].ext_id)
  end)

  it("list releases", function()
    assert.equal("Release 1,Release 2",
                 http.names(space:get("/releases").json.releases))
  end)

  it("list collaborators in pages of 25, at most 100", function()
    local answer = space:get "/collaborators"
    assert.equal("131", answer.headers.total)
    assert.equal("25", answer.headers.per_page)
    assert.equal(25, #answer.json.collaborators)
    assert.equal(6, #space:get("/collaborators?page=6").json.collaborators)
    answer = space:get "/collaborators?per_page=500"
    assert.equal("100", answer.headers.per_page)
    assert.equal(100, #answer.json.collaborators)
    assert.equal('{"collaborators":[]}', space:get("/collaborators?page=7")
                                         .text)
  end)

  it("describe a collaborator with its user and its own roles", function()
    local list = space:get("/collaborators").json.collaborators
    assert.equal(list[1].user_id, list[1].user.id)
    assert.equal("demo@example.com", list[1].user.userid)
    assert.equal("owner", list[1].role)
    assert.equal("user1@example.com", list[2].user.userid)
    assert.equal("user1@example.com", list[2].user.real_email)
    assert.equal("User 1", list[2].user.friendly_name)
    assert.equal("editor", list[2].role)
    assert.same({}, list[2].space_role_ids)
    assert.equal(http.null, list[2].space_role_id)
    assert.equal(http.null, list[2].invitation)
    assert.is_nil(list[2].can_act_as_admin)
    assert.same({ list[3].space_role_id }, list[3].space_role_ids)
    list = space:get("/collaborators?with_act_as_roles=1").json.collaborators
    assert.is_false(list[2].can_act_as_admin)
  end)

  it("are filtered by ids and by a search", function()
    local list = space:get("/collaborators").json.collaborators
    assert.equal("User 2,User 4", http.names((function()
      local users = {}
      for i, one in ipairs(space:get(("/collaborators?by_ids=%d,%d")
          :format(list[3].id, list[5].id)).json.collaborators) do
        users[i] = one.user
      end
      return users
    end)(), "friendly_name"))
    local answer = space:get "/collaborators?search=USER130@"
    assert.equal("1", answer.headers.total)
    local roles = space:get("/space_roles").json.space_roles
    assert.equal("Author", http.names(space:get(("/space_roles?by_ids=%d")
      :format(roles[2].id)).json.space_roles, "role"))
    assert.equal("Author", http.names(space:get("/space_roles?search=AUTH")
                                      .json.space_roles, "role"))
    for _, path in ipairs { "/space_roles?page=1", "/releases?page=2",
                            "/releases?search=x", "/collaborators?role=x" } do
      assert.equal(400, space:get(path).status, path)
    end
  end)

  it("return the space", function()
    local info = space:get("").json.space
    assert.equal("Demo", info.name)
    assert.equal("eu", info.region)
    assert.equal("admin", info.role)
    assert.equal("growth", info.plan)
    assert.equal(5, #info.space_roles)
    assert.equal(131, #info.collaborators)
    assert.equal(info.owner_id, info.collaborators[1].user_id)
    assert.equal(25, info.stories_count + 25)
    assert.equal("string", type(info.first_token))
    local other = http.client(server, nil, server.url)
    assert.equal(http.SPACE, other:get("/v1/spaces").json.spaces[1].id)
  end)
end)

describe("users and invitations", function()
  it("have names that are not addresses, and no user yet", function()
    local server <close> = http.start { seed = {
      users = { { id = 1, userid = "ann", friendly_name = "Ann B",
                  email = "ann@example.com", username = "ann",
                  firstname = "Ann", lastname = "B" } },
      spaces = { { collaborators = {
        { user_id = 1, role = "editor", can_act_as_admin = true },
        { role = "editor", invitation = { email = "new@example.com",
            expires_at = "2027-01-01T00:00:00.000Z", is_expired = false,
            rid = "r" } } },
        releases = { { name = "A", branches_to_deploy = { 3 } },
                     { name = "B" } } } } } }
    local space = http.client(server)
    local me = http.client(server, nil, server.url):get("/v1/users/me").json
    assert.equal("ann", me.user.userid)
    assert.equal("ann@example.com", me.user.email)
    assert.equal("B", me.user.lastname)
    local list = space:get("/collaborators?with_act_as_roles=true").json
                 .collaborators
    assert.is_true(list[1].can_act_as_admin)
    assert.equal("ann@example.com", list[1].user.real_email)
    assert.equal(http.null, list[2].user)
    assert.equal(http.null, list[2].user_id)
    assert.equal("new@example.com", list[2].invitation.email)
    assert.equal("1", space:get("/collaborators?search=new@").headers.total)
    assert.equal("A", http.names(space:get("/releases?branch_id=3")
                                 .json.releases))
    assert.same(server:dump(), (function()
      server:load(server:dump())
      return server:dump()
    end)())
  end)
end)

describe("spaces", function()
  local function status(options, id)
    local server = http.start(options)
    local answer = http.client(server, nil, server.url)
                   :get(("/v1/spaces/%s/workflow_stages"):format(id))
    server:stop()
    return answer.status
  end

  it("are 404 unless they were seeded", function()
    assert.equal(404, status({}, "282994740194929"))
    assert.equal(200, status({}, "288868932106293"))
    assert.equal(200, status({ seed = { space_id = 1234 } }, "1234"))
  end)

  it("are made on demand where the option says so, in valid regions",
     function()
    for _, id in ipairs { "606", "3999999", "282994740194929",
                          "562949953421312", "1688849860263936" } do
      assert.equal(200, status({ any_space = true }, id), id)
    end
    for _, id in ipairs { "0", "4000000", "281474976710655",
                          "1407374883553280", "1970324836974592",
                          "9007199254740992", "x" } do
      assert.equal(404, status({ any_space = true }, id), id)
    end
  end)

  it("do not see each other's objects", function()
    local server = http.start { seed = { spaces = {
      { id = 1, workflows = { { id = 10, name = "A", stages = {
        { id = 11, name = "X" } } } }, stories = {
        { id = 12, full_slug = "s", stage = "X" } } },
      { id = 2, workflows = { { id = 20, name = "B", stages = {
        { id = 21, name = "Y" } } } } },
    } } }
    local one = http.client(server, nil, server.url .. "/v1/spaces/1")
    local two = http.client(server, nil, server.url .. "/v1/spaces/2")
    assert.equal(200, one:get("/workflow_stages/11").status)
    assert.equal(404, two:get("/workflow_stages/11").status)
    assert.equal(404, two:get("/workflows/10").status)
    assert.equal(404, two:get("/stories/12").status)
    assert.equal("0", two:get("/stories").headers.total)
    assert.equal(422, one:post("/workflow_stage_changes", {
      workflow_stage_change = { story_id = 12, workflow_stage_id = 21 } })
      .status)
    server:stop()
  end)
end)

describe("tokens", function()
  local server

  after_each(function() server:stop() end)

  local function me(authorization)
    return http.client(server, authorization, server.url):get "/v1/users/me"
  end

  it("are any that are not empty, by default", function()
    server = http.start()
    assert.equal("demo@example.com", me("anything").json.user.userid)
    assert.equal(200, me("Bearer anything").status)
    for _, authorization in ipairs { "", " ", "Bearer", "Bearer " } do
      local answer = me(authorization)
      assert.equal(401, answer.status)
      assert.same({ error = "Unauthorized" }, answer.json)
    end
    assert.equal(401, http.send { method = "GET",
                                  url = server.url .. "/v1/users/me" }.status)
  end)

  it("are those that are given, each with its user", function()
    server = http.start { tokens = {
      abc = { id = 5, userid = "a@example.com", friendly_name = "Ann" },
      def = { userid = "user2@example.com" },
    } }
    local user = me("abc").json.user
    assert.equal(5, user.id)
    assert.equal("a@example.com", user.userid)
    assert.equal("a@example.com", user.email)
    assert.equal("Ann", user.friendly_name)
    assert.equal("User 2", me("def").json.user.friendly_name)
    assert.equal(401, me("xyz").status)
  end)

  it("are those of a list, all of the first user", function()
    server = http.start { tokens = { "abc", "def" } }
    assert.equal(me("abc").json.user.id, me("def").json.user.id)
    assert.equal(401, me("xyz").status)
  end)

  it("are refused with the wrong scheme", function()
    server = http.start { tokens = { personal = {},
                                     oauth = { oauth = true } } }
    assert.equal(200, me("personal").status)
    assert.equal(401, me("Bearer personal").status)
    assert.equal(200, me("Bearer oauth").status)
    assert.equal(401, me("oauth").status)
  end)

  it("are Bearer for Kantata, and its errors say oauth", function()
    server = http.start()
    local answer = http.kantata(server, "a-token"):get "/workspaces"
    assert.equal(401, answer.status)
    assert.equal("oauth", answer.json.errors[1].type)
    assert.equal(200, http.kantata(server, "Bearer x"):get("/workspaces")
                      .status)
  end)

  it("that may only read are 403 otherwise", function()
    server = http.start { tokens = { abc = { read_only = true } } }
    local space = http.client(server, "abc")
    assert.equal(200, space:get("/workflow_stages").status)
    local answer = space:post("/workflow_stages", { workflow_stage = {
      name = "N", color = "#1" } })
    assert.equal(403, answer.status)
    assert.equal("string", type(answer.json.error))
    local story = space:get("/stories?story_only=true").json.stories[1]
    answer = space:get(("/stories/%d/publish"):format(story.id))
    assert.equal(403, answer.status)
  end)

  it("record their users in changes", function()
    server = http.start { tokens = { abc = { id = 5 }, def = { id = 6 } } }
    local ids = http.stages(server, "Article")
    local story = server:dump().spaces[1].stories[1].id
    for token, user in pairs { abc = 5, def = 6 } do
      local answer = http.client(server, token):post(
        "/workflow_stage_changes", { workflow_stage_change = {
          story_id = story, workflow_stage_id = ids.Drafting } })
      assert.equal(user, answer.json.workflow_stage_change.user_id)
    end
  end)
end)
