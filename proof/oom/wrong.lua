-- Scenarios that do wrong when memory fails: the harness must say so of each.
-- PROOF_SCRIPT=proof/oom/wrong.lua; run by spec/proof/oom_spec.lua.
local _, _, _, leak = ...

local function work() return { {}, {} } and "done" end

-- Does wrong where the work fails.
local function scenario(wrong, more)
  local made = { stories = 0, expect = "done", run = function()
    local good, result = pcall(work)
    if not good then return wrong(result) end
    return result
  end }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

local is_reported = false

local scenarios = {
  ["a lie"] = scenario(function() return "half" end),
  ["another error"] = scenario(function() error("something else", 0) end),
  ["a leak"] = scenario(function(why)
    leak()
    error(why, 0)
  end),
  ["a crash"] = scenario(function() os.execute "kill -SEGV $PPID" end),
  ["an unusable state"] = scenario(function(why)
    work = function() error("broken", 0) end
    error(why, 0)
  end),
  ["a change that was not made"] = scenario(function(why)
    is_reported = true
    error(why, 0)
  end, {
    server = "moved=0 twice=0 Article(Drafting,Old review,Review) " ..
             "Default(Drafting)",
    check = function(held)
      if is_reported and not held:find "stage Legal" then
        return "reported as made"
      end
    end,
  }),
}

local order = {}
for name in pairs(scenarios) do order[#order + 1] = name end
table.sort(order)
return scenarios, order
