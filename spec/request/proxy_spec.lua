-- Requests through a proxy: the client's own, or the environment's.
local scripted = require "support.scripted"
local shell = require "house.shell"
local workstage = require "workstage"

local proxy

before_each(function()
  proxy = scripted.start()
  proxy:answer(200, '{"user":{"id":7}}', { times = 0 })
end)

after_each(function() proxy:stop() end)

-- Calls whoami in a process with that environment; only the proxy listens at
-- the address.
local function ask(environment)
  return shell.run([[env -u http_proxy -u all_proxy -u no_proxy %s ]] ..
    [[timeout 20 %s -e '
      local space = require "workstage".storyblok {
        token = "secret-token", space_id = 1, retry = { attempts = 1 },
        base_url = "http://service.invalid",
      }
      local user, err = space:whoami()
      print(user and user.id or err.kind)']], environment,
    os.getenv "LUA" or "lua5.4")
end

describe("a proxy", function()
  it("is asked for the whole address", function()
    local space = workstage.storyblok {
      token = "secret-token", space_id = 1, proxy = proxy.url,
      base_url = "http://service.invalid",
    }
    assert.equal(7, assert(space:whoami()).id)
    assert.equal(7, assert(space:whoami()).id)
    for _, request in ipairs(proxy:requests()) do
      assert.equal("http://service.invalid/v1/users/me", request.target)
    end
    assert.equal(2, #proxy:requests())
  end)

  it("is taken from the environment", function()
    assert.equal("7\n", ask("http_proxy=" .. proxy.url))
    assert.equal("7\n", ask("all_proxy=" .. proxy.url))
    assert.equal(2, #proxy:requests())
  end)

  it("is bypassed for the hosts in the environment", function()
    assert.equal("network\n", ask("http_proxy=" .. proxy.url ..
                                  " no_proxy=service.invalid"))
    assert.equal(0, #proxy:requests())
  end)

  it("is refused at once if malformed, without showing its password",
     function()
    for _, address in ipairs { "http://ann:s3cret@host:bad",
                               "ann:s3cret@host:99999",
                               "foo://ann:s3cret@x" } do
      local space, err = workstage.storyblok {
        token = "secret-token", space_id = 1, proxy = address,
        base_url = "http://service.invalid",
      }
      assert.is_nil(space)
      assert.equal("invalid", err.kind)
      local text = tostring(err)
      assert.is_nil(text:find("s3cret", 1, true), text)
      assert.is_nil(text:find("ann", 1, true), text)
      assert.truthy(text:find("proxy", 1, true), text)
    end
  end)

  it("is refused in the environment as well", function()
    local output = shell.run([[
      env -u no_proxy -u NO_PROXY http_proxy=http://ann:s3cret@host:bad %s -e '
      local space, err = require "workstage".storyblok {
        token = "secret-token", space_id = 1,
        base_url = "http://service.invalid",
      }
      print(space, err.kind, err)']], os.getenv "LUA" or "lua5.4")
    assert.truthy(output:find("^nil%s+invalid"), output)
    assert.truthy(output:find("http_proxy", 1, true), output)
    assert.is_nil(output:find("s3cret", 1, true), output)
  end)

  -- A host name that libcurl repeats in its message, with a user in front.
  it("shows no password if it cannot be reached", function()
    local said = {}
    local space = assert(workstage.storyblok {
      token = "secret-token", space_id = 1, retry = { attempts = 1 },
      base_url = "http://service.invalid",
      proxy = "http://ann:s3cret@proxy.invalid:1",
      on_event = function(event) said[#said + 1] = event.message end,
    })
    local _, err = space:whoami()
    for _, text in ipairs { tostring(err), said[1] } do
      assert.is_nil(text:find("s3cret", 1, true), text)
    end
  end)

  it("is not searched for if there is none", function()
    assert.equal("network\n", ask "unused=1")
  end)
end)
