-- A host whose locale writes a decimal comma.
local shell = require "house.shell"

describe("a sandbox in a locale with a decimal comma", function()
  local folder

  setup(function()
    folder = shell.temporary()
    shell.run(("localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8")
              :format(shell.quote(folder)))
  end)
  teardown(function() shell.remove(folder) end)

  -- Runs a script that has set the locale after everything was loaded.
  local function run(script)
    local path = folder .. "/script.lua"
    local file <close> = assert(io.open(path, "w"))
    file:write [[
      local http = require "sandbox.http"
      local sandbox = require "workstage.sandbox"
      assert(os.setlocale "de_DE.UTF-8")
      assert(("%.1f"):format(1.5) == "1,5")
    ]]
    file:write(script)
    file:close()
    return shell.must(("LOCPATH=%s LUA_PATH='spec/?.lua;'\"$LUA_PATH\" "
                       .. "lua5.4 %s 2>&1"):format(shell.quote(folder),
                                                   shell.quote(path)))
  end

  it("reads and writes numbers with a point", function()
    local file = io.open(folder .. "/de_DE.UTF-8/LC_NUMERIC")
    if not file then
      pending "no locale can be made here: Debian's package locales"
      return
    end
    file:close()
    assert.equal("good\n", run [[
      local server = assert(sandbox.start {
        rate_limit = 2.5, window = "rolling", latency = 0.001,
        retry_after = 0.5,
        faults = { { path = "/releases", status = 503, chance = 1.0,
                     delay = 0.001 } } })
      local client = http.client(server)
      assert(client:get("/releases").status == 503)
      assert(client:get("/stories").status == 200)
      local answer = client:get "/stories"
      assert(answer.status == 429 and answer.json.error ==
             "Rate limit of 2.5 request per second reached. Retry later.")
      assert(math.type(server:requests()[2].at) == "float")
      local state = server:dump()
      state.spaces[1].stories[1].content = { component = "x", number = 1.25 }
      assert(server:load(state))
      assert(server:dump().spaces[1].stories[1].content.number == 1.25)
      server:stop()
      print "good"
    ]])
  end)
end)
