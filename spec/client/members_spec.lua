local clients = require "support.clients"
local failed = clients.failed

describe("roles, collaborators, releases and the token's user", function()
  local server, space

  setup(function()
    server, space = clients.sandbox {
      seed = { stories = 0, roles = 5, collaborators = 130, releases = 2 } }
  end)

  teardown(function()
    space:close()
    server:stop()
  end)

  it("roles are listed", function()
    local roles = assert(space.roles:list())
    assert.equal(5, #roles)
    assert.equal("Lawyer", roles[1].role)
    assert.equal("integer", math.type(roles[1].id))
    assert.is_nil(roles[1].ext_id)
  end)

  it("releases are listed", function()
    local releases = assert(space.releases:list())
    assert.equal(2, #releases)
    assert.equal("Release 1", releases[1].name)
    assert.equal("integer", math.type(releases[1].id))
    assert.is_false(releases[1].released)
  end)

  it("collaborators are listed, more than a page of them", function()
    local list, seen = assert(space.collaborators:list()), {}
    assert.equal(131, #list)  -- the owner is among them
    for _, one in ipairs(list) do
      assert.is_nil(seen[one.id])
      seen[one.id] = true
      assert.equal("integer", math.type(one.user_id))
      assert.equal(one.user_id, one.user.id)
      assert.truthy(one.user.userid:find "^user%d+@example.com$"
                    or one.role == "owner")
      assert.equal("table", type(one.space_role_ids))
      for _, id in ipairs(one.space_role_ids) do
        assert.equal("integer", math.type(id))
      end
    end
    local page = assert(space.collaborators:page { page = 2 })
    assert.equal(25, #page)
    assert.equal(131, page.total)
    assert.equal(25, page.per_page)
    assert.equal(list[26].id, page[1].id)
    local count = 0
    for one in space.collaborators:each { per_page = 50 } do
      assert.is_true(seen[one.id])
      count = count + 1
    end
    assert.equal(131, count)
  end)

  it("whoami returns the token's user", function()
    local user = assert(space:whoami())
    assert.equal("demo@example.com", user.userid)
    assert.equal("Demo User", user.friendly_name)
    assert.equal("integer", math.type(user.id))
    assert.equal("/v1/users/me", server:requests()
                 [#server:requests()].path)
  end)

  it("whoami with an invalid token is unauthorized", function()
    local other = clients.sandbox { tokens = { right = {} } }
    local theirs = clients.space(other.url)
    local err = failed("unauthorized", theirs:whoami())
    assert.equal(401, err.status)
    clients.has(err, "oauth_token")
    theirs:close()
    other:stop()
  end)

  it("info returns name and plan of the space", function()
    local about = assert(space:info())
    assert.equal(clients.SPACE, about.id)
    assert.equal("integer", math.type(about.id))
    assert.equal("string", type(about.name))
    assert.equal(("/v1/spaces/%d"):format(clients.SPACE),
                 server:requests()[#server:requests()].path)
  end)

  it("have no more methods than the service has", function()
    for resource, names in pairs {
      roles = { "create", "get" }, releases = { "page" },
      collaborators = { "get" }, changes = { "get", "update" },
      stories = { "create" }, stages = { "page" } } do
      for _, name in ipairs(names) do
        local good, why = pcall(function() return space[resource][name] end)
        assert.is_false(good)
        clients.has(why, ("%s has no '%s'"):format(resource, name))
      end
    end
  end)
end)

describe("responses about a space and its people", function()
  local server, space

  before_each(function() server, space = clients.scripted() end)

  after_each(function()
    space:close()
    server:stop()
  end)

  it("never pass on the space's own token", function()
    server:answer(200, [[{"space":{"id":288868932106293,"name":"Marketing",
      "region":"eu","plan":"starter","plan_level":0,"role":"admin",
      "first_token":"deliveryToken","space_roles":[],"limits":{"a":1.0},
      "collaborators":[]}}]])
    local about = assert(space:info())
    assert.same({ id = 288868932106293, name = "Marketing", region = "eu",
                  plan = "starter", plan_level = 0, role = "admin",
                  space_roles = {}, limits = { a = 1 }, collaborators = {} },
                about)
  end)

  it("hide it in errors as well", function()
    for _, body in ipairs {
      [[{"space":{"first_token":"deliveryToken","name":"x"}}]],
      [[{"space":{"name":1, "first_token" : "deliveryToken"]],
      [[{"story":{"preview_token":{"token":"deliveryToken",]] ..
        [["timestamp":"1"},"name":7,"id":1}}]] } do
      server:answer(200, body)
      local err = clients.failed("decode", space:info())
      assert.truthy(err.body)
      assert.is_nil(err.body:find("deliveryToken", 1, true), err.body)
      assert.is_nil(tostring(err):find("deliveryToken", 1, true))
    end
  end)

  it("include people who were invited but have not joined", function()
    server:answer(200, [[{"collaborators":[
      {"id":1,"user_id":7,"role":"editor","space_role_ids":[5],
       "user":{"id":7,"userid":"ann","friendly_name":"Ann",
               "real_email":"ann@example.com"},"invitation":null},
      {"id":2,"user_id":null,"role":"editor","space_role_id":5,
       "space_role_ids":[5],"user":null,
       "invitation":{"email":"bob@example.com","is_expired":false,
                     "expires_at":"2026-12-01T10:00:00.000Z","rid":"r"}}]}]],
      { headers = { "total: 2", "per_page: 25" } })
    local people = assert(space.collaborators:list())
    assert.equal("ann@example.com", people[1].user.real_email)
    assert.is_nil(people[1].invitation)
    assert.is_nil(people[2].user)
    assert.is_nil(people[2].user_id)
    assert.equal("bob@example.com", people[2].invitation.email)
  end)
end)
