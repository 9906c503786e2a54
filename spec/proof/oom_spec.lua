-- Allocations that fail: a part of what `make proof` does with proof/oom, and
-- that it finds what is wrong.
local build = os.getenv "WORKSTAGE_BUILD" or "build"

-- Runs scenarios; `cases` failures of each kind (0: each allocation).
-- Returns what was said, and the failures by scenario.
local function run(names, from, cases, script)
  local pipe = assert(io.popen(
    ("BUILD='%s' PROOF_FROM='%s' PROOF_CASES=%d PROOF_SCRIPT='%s' " ..
     "proof/oom/run %s 2>&1"):format(build, from, cases, script or "",
                                     names)))
  local text, failures, all = pipe:read "a", {}, 0
  for name, count, wrong in
    text:gmatch "proof: memory fails in: ([^|]+)|(%d+)|(%d+)\n" do
    failures[name:gsub(" %(sampled%)$", "")] = tonumber(wrong)
    all = all + tonumber(count)
  end
  assert.is_true(all > 5, text)
  return text, failures, pipe:close() or false
end

local function holds(names, from, cases)
  local text, failures, well = run(names, from, cases)
  for _, wrong in pairs(failures) do assert.equal(0, wrong, text) end
  assert.is_true(well, text)
end

describe("where memory runs out", function()
  it("a transfer whose socket is not watched does not hang", function()
    holds("call 'client and calls'", "core", 0)
    holds("'client and calls'", "curl", 30)
  end)

  it("libcurl that could not be set up can be another time", function()
    holds("'first use'", "curl", 20)
  end)

  it("the state can still make long texts", function()
    holds("workstage.core 'long text'", "lua", 0)
  end)

  it("no change that was made is reported as not made", function()
    holds("create 'any POST' 'Kantata, a change' delete", "lua", 20)
    holds("'map of changes'", "core", 15)
  end)

  it("no task loses its wake, and the loop forgets no task", function()
    holds("'map of changes' tasks 'embedding host'", "lua", 15)
  end)

  it("a migration is resumed, here or elsewhere", function()
    holds("apply rollback", "lua", 12)
    holds("resume", "curl", 12)
  end)
end)

describe("the harness of memory that runs out", function()
  local text, failures, well

  lazy_setup(function()
    text, failures, well = run("", "lua", 0, "proof/oom/wrong.lua")
  end)

  for name, words in pairs {
    ["a lie"] = "a wrong result",
    ["another error"] = "another error: something else",
    ["a leak"] = "1 bytes in 1 blocks of the core's are left",
    ["a crash"] = "ends with signal 11",
    ["an unusable state"] = "afterwards: 'broken'",
    ["a change that was not made"] = "not true: reported as made",
  } do
    it("finds " .. name, function()
      assert.is_false(well)
      assert.is_true((failures[name] or 0) > 0, text)
      assert.is_truthy(text:find(name .. ": lua-once-1: " .. words, 1, true),
                       text)
    end)
  end
end)
