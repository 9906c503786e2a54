-- Nothing depends on the locale, whenever it is set: a German one writes 1,5
-- for 1.5, and in a Turkish one "I" is not a capital "i".
local shell = require "house.shell"
local scripted = require "support.scripted"

local lua = os.getenv "LUA" or "lua5.4"

-- Sets the locale after loading the module, and prints its results.
local script = [[
  local core = require "workstage.core"
  local workstage = require "workstage"
  assert(os.setlocale(arg[1]))
  io.write(os.setlocale(), " writes ", ("%.1f"):format(1.5), "\n")
  local function say(...)
    local words = table.pack(...)
    for i = 1, words.n do
      local word = words[i]
      words[i] = math.type(word) == "float" and
                 ("%d/8"):format(word * 8 // 1) or tostring(word)
    end
    print(table.concat(words, " "))
  end
  say(table.unpack(core.decode "[1.5,-2.25e1,1e-1,12.0,9007199254740993]"))
  say(core.any(false, { a = 1.5 }))
  say(core.body(core.schema "storyblok.stage", true, false, { x = 0.25 }))
  say(core.query(nil, false, false, { INDEX = 1.5 }))
  say(core.body(core.schema "storyblok.stage", true, true,
                { IS_DEFAULT = true }))
  say(core.nearest({ "is_default", "position" }, "POSITION"))
  say(workstage.storyblok { token = "t", space_id = 1, timeout = 1e6 })
  say(workstage.storyblok { token = "t", space_id = 1,
                            headers = { AUTHORIZATION = "x" } })
  say(workstage.storyblok { token = "t", space_id = 1,
                            base_url = "HTTPS://EXAMPLE.INVALID?I" })
  local space = assert(workstage.storyblok {
    token = "t", space_id = 1, base_url = arg[2], rate_limit = false,
    proxy = false, retry = { base = 0.001 } })
  local value, status, headers = space:request("GET", "/v1/a")
  say(value.half, status, headers["x-title-id"])
  local _, err = space:request("POST", "/v1/b", { body = { half = 0.5 } })
  say(err.kind, err.request_id, err.message)
]]

describe("a locale", function()
  local folder, server

  lazy_setup(function()
    folder = shell.temporary()
    shell.must("localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>&1", folder)
    shell.must("localedef -i tr_TR -f ISO-8859-9 %s/tr_TR 2>&1", folder)
    local file = assert(io.open(folder .. "/script.lua", "w"))
    file:write(script)
    file:close()
  end)

  lazy_teardown(function() shell.remove(folder) end)

  before_each(function()
    server = scripted.start()
    server:answer(503, "{}", { headers = { "RETRY-AFTER: 0.5" } })
    server:answer(200, '{"half":0.5}', { headers = { "X-TITLE-ID: I" } })
    server:answer(422, '{"error":"INVALID"}',
                  { headers = { "X-REQUEST-ID: I1" } })
  end)

  after_each(function() server:stop() end)

  local function run(locale)
    local output = shell.must("LOCPATH=%s LC_ALL=C %s %s/script.lua %s %s",
                              folder, lua, folder, locale, server.url)
    local writes, rest = output:match "^[^\n]* writes (%S+)\n(.*)$"
    return rest:gsub(server.url, "URL"), writes, server:requests()
  end

  local expected

  it("of the C library is unchanged", function()
    local writes
    expected, writes = run "C"
    assert.equal("1.5", writes)
    assert.truthy(expected:find("12/8 -180/8 0/8 12 9007199254740993", 1, true),
                  expected)
    assert.truthy(expected:find("4/8 200 I", 1, true), expected)
    assert.truthy(expected:find("rejected I1", 1, true), expected)
  end)

  for name, number in pairs { ["de_DE.UTF-8"] = "1,5", tr_TR = "1,5" } do
    it("changes nothing: " .. name, function()
      local output, writes, requests = run(name)
      assert.equal(number, writes)
      assert.equal(expected, output)
      assert.equal('{"half":0.5}', requests[#requests].body)
    end)
  end
end)
