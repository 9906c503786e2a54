-- Programs that embed the module: examples/embed, built against an
-- installation by `make install`.

local hosts = require "embed.hosts"
local sandbox = require "workstage.sandbox"
local shell = require "house.shell"

local STATES = 500 -- in each of the two threads

-- The symbols that an archive adds to programs.
local function symbols(archive)
  local names = {}
  for name in shell.must("nm -g --defined-only %s", archive)
      :gmatch "%x+ %a ([^\n]+)" do
    names[#names + 1] = name
  end
  assert.is_true(#names > 20)
  return names
end

local function is_sanitizers(name)
  return name:find "^__[atu]b?san" or name:find "^__odr_asan" or
         name:find "^__asan" or name:find "^asan%."
end

describe("a host", function()
  local target, prefix, server

  local function at(name) return target .. "/hosts/" .. name end

  local function run(states, kilobytes, milliseconds, environment)
    local output, code = hosts.run(
      "env %s %s %s %d %d %d", environment or "X=", at "host", server.url,
      states, kilobytes or 0, milliseconds or 0)
    return hosts.read(output), code, output
  end

  local function check(name)
    local output, code = hosts.run("%s %s", at "checks", shell.quote(name))
    return output, code
  end

  lazy_setup(function()
    target = shell.temporary()
    prefix = hosts.install(target)
    hosts.build(prefix, at "")
  end)

  lazy_teardown(function() shell.remove(target) end)

  before_each(function()
    server = assert(sandbox.start { rate_limit = false })
  end)

  after_each(function() server:stop() end)

  it("gets only our own names from the archives", function()
    for archive, patterns in pairs {
      workstage = { "^ws_" },
      workstage_lua = { "^ws_", "^wsl_", "^workstage_", "^luaopen_workstage" },
    } do
      for _, name in ipairs(symbols(prefix .. "/lib/lib" .. archive .. ".a")) do
        local ours = is_sanitizers(name)
        for _, pattern in ipairs(patterns) do
          ours = ours or name:find(pattern)
        end
        assert.truthy(ours, archive .. ": " .. name)
      end
    end
  end)

  it("does not export the core's names to libraries that it loads", function()
    local visible = {}
    local archive = prefix .. "/lib/libworkstage_lua.a"
    for name in shell.must("readelf -sW %s", archive)
        :gmatch "GLOBAL +DEFAULT +%d+ ([%w_]+)" do
      if name:find "^ws" then visible[#visible + 1] = name end
    end
    assert.same({}, visible)
  end)

  it("finds the core in a tree that was moved too", function()
    local moved = target .. "/moved"
    shell.must("cp -r %s %s", prefix, moved)
    assert.equal(moved .. "/include", (shell.must("realpath %s",
      hosts.pkg_config(moved, "--variable=includedir workstage"))
      :gsub("\n", "")))
    hosts.build(moved, target .. "/again")
    local output, code = hosts.run("%s/again/core_host %s", target, server.url)
    assert.equal(0, code, output)
  end)

  it("without Lua prints responses, and makes several calls at once", function()
    local output, code = hosts.run("%s %s", at "core_host", server.url)
    assert.equal(0, code, output)
    assert.truthy(output:find("/workflows: ok, status 200", 1, true), output)
    assert.truthy(output:find("Content-Type: application/json", 1, true))
    local _, count = output:gsub("ok, status 200", "")
    assert.equal(5, count)
    assert.equal(5, #server:requests())
    assert.is_nil(shell.must("ldd %s", at "core_host"):find("lua", 1, true))
  end)

  it("does not sleep past a response that came during the start", function()
    local output, code = hosts.run("%s prompt %s", at "checks", server.url)
    assert.equal(0, code, output)
  end)

  it("needs no files of the module, in two threads at once", function()
    local result, code, output = run(1)
    assert.equal(0, code, output)
    assert.same({ 2, 10, 0 }, { result.done, result.responses, result.failed })
    assert.equal(12, #server:requests())
  end)

  it("frees the memory of 1,000 states", function()
    local few, code, output = run(2)
    assert.equal(0, code, output)
    local many
    many, code, output = run(STATES)
    assert.equal(0, code, output)
    assert.equal(2 * STATES, many.done)
    assert.equal(few.core, many.core)
    if not (hosts.flags().CFLAGS or ""):find "sanitize" then
      assert.is_true(many.resident < few.resident + 8192, output)
    end
  end)

  -- If the requests of one thread use all slots, the other thread, which has no
  -- requests in flight, waits only for the responses of the first.
  it("shares the rate limit of a token among its threads", function()
    server:stop()
    server = assert(sandbox.start { rate_limit = 4, latency = 0.1 })
    local result, code, output = run(1, 0, 0, "WORKSTAGE_RATE_LIMIT=4")
    assert.equal(0, code, output)
    assert.same({ 2, 10 }, { result.done, result.responses })
    for _, request in ipairs(server:requests()) do
      assert.is_not.equal(429, request.status)
    end
  end)

  it("cancels requests in flight when it ends", function()
    server:stop()
    server = assert(sandbox.start { rate_limit = false, latency = 20 })
    local began = os.time()
    local result, code, output = run(1, 0, 300)
    assert.equal(0, code, output)
    assert.same({ 0, 2 }, { result.done, result.cancelled })
    assert.is_true(os.time() - began < 10)
  end)

  it("cancels at any moment", function()
    for milliseconds = 1, 60, 4 do
      local result, code, output = run(100000, 0, milliseconds)
      assert.equal(0, code, output)
      assert.is_true(result.cancelled <= 2, output)
    end
  end)

  it("continues if a state has too little memory", function()
    local result, code, output = run(20, 150)
    assert.equal(0, code, output)
    assert.same({ 0, 40 }, { result.done, result.without })
    assert.equal(0, result.core)
  end)

  it("gets only memory errors, however little memory there is", function()
    local step = hosts.thorough and 1 or 7
    local output, code = hosts.run("%s sweep %s 1 700 %d", at "checks",
                                   server.url, step)
    assert.equal(0, code, output)
    local well, without = output:match "(%d+) well, (%d+) without memory, 0 f"
    assert.is_true(tonumber(well) > 100 / step, output)
    assert.is_true(tonumber(without) > 100 / step, output)
  end)

  it("opens the module with luaL_requiref", function()
    assert.equal("well\n", (check "requiref"))
  end)

  it("gets an error if Lua's package or lua-cjson is missing", function()
    local output = check "bare"
    assert.truthy(output:find("library 'package'", 1, true), output)
    output = check "missing"
    assert.truthy(output:find("lua-cjson", 1, true), output)
    assert.truthy(output:find("package.preload", 1, true), output)
  end)

  it("may step a state that has not loaded the module", function()
    assert.equal("well\n", (check "unloaded"))
  end)

  it("sets all four memory functions first, or none", function()
    for _, name in ipairs { "late", "late in lua", "partial", "again" } do
      assert.equal("well\n", (check(name)), name)
    end
  end)

  it("gets a body that ends with a NUL", function()
    local output = hosts.run("%s ended %s", at "checks", server.url)
    assert.equal("well\n", output)
  end)

  it("may close a loop before its client and calls", function()
    assert.equal("well\n", (check "order"))
  end)

  it("is clean under valgrind", function()
    if (hosts.flags().CFLAGS or ""):find "sanitize" then return end
    local valgrind = "valgrind -q --error-exitcode=9 --leak-check=full " ..
      "--errors-for-leak-kinds=definite,indirect "
    for _, command in ipairs {
      at "host" .. " " .. server.url .. " " .. (hosts.thorough and STATES or 2),
      at "host" .. " " .. server.url .. " 2 150",
      at "core_host" .. " " .. server.url,
      at "checks" .. " order",
    } do
      local output, code = hosts.run("%s", valgrind .. command)
      assert.equal(0, code, output)
    end
  end)
end)

-- The same sources in other builds; those with the flags of this run are above.
-- Builds without a compiler on this machine are skipped, as in `make check`.
if hosts.thorough then
  local common = "-O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all "
  for name, flags in pairs {
    asan = { CC = "gcc", CFLAGS = common .. "-fsanitize=address,undefined" },
    tsan = { CC = "gcc", CFLAGS = common .. "-fsanitize=thread" },
    clang = { CC = "clang", CFLAGS = common .. "-fsanitize=address,undefined" },
  } do
    local _, absent = shell.run("command -v %s", flags.CC)
    local block = absent == 0 and describe or function() end
    block("a host built with " .. name, function()
      local target, server

      lazy_setup(function()
        target = shell.temporary()
        local prefix = hosts.install(target, "build/embed/" .. name, flags)
        hosts.build(prefix, target .. "/hosts", flags)
        server = assert(sandbox.start { rate_limit = false })
      end)

      lazy_teardown(function()
        server:stop()
        shell.remove(target)
      end)

      -- TSan does not work with randomized addresses.
      local function run(command)
        local output, code = hosts.run("setarch -R %s/hosts/%s", target,
                                       command:format(server.url))
        assert.equal(0, code, output)
        assert.is_nil(output:find("Sanitizer", 1, true), output)
        return hosts.read(output)
      end

      it("opens, uses and closes 1,000 states", function()
        local result = run(("host %%s %d"):format(STATES))
        assert.equal(2 * STATES, result.done)
        assert.equal(run "host %s 1".core, result.core)
      end)

      it("cancels, runs out of memory and makes calls without Lua", function()
        for milliseconds = 5, 200, 15 do
          run("host %s 100000 0 " .. milliseconds)
        end
        run "host %s 50 150"
        run "host %s 50 290"
        run "checks sweep %s 1 700 5"
        run "core_host %s"
        run "checks order"
      end)
    end)
  end
end
