-- Runs and what belongs to them on terminals of 40, 80 and 120 columns: plans,
-- tables, sentences and the bar fit. Only a command is longer, on a line of its
-- own, so that it can be copied.
local cells = require "tool.cells"
local screen = require "workstage.tool.ui.screen"
local tool = require "tool.tool"

local RATE = 20 -- requests a second

-- Command lines of one run from the plan to the rollback; each has its exit
-- status, what is typed, words on the screen, and whether there is a bar.
local STEPS = {
  { "plan bp.lua -o p", 2, says = "to move" },
  { "report p -o plan.html", 0, says = "Wrote plan.html" },
  { "rehearse bp.lua --faults 5", 0, says = "Rehearsal succeeded." },
  { "apply p --limit 3", 0, typed = "y\n", says = "Stopped after 3 items" },
  { "resume p.journal", 0, typed = "y\n", says = "Apply complete", bar = true },
  { "report p.journal -o run.html", 0, says = "Wrote run.html" },
  { "rollback p.journal", 0, typed = "y\n", says = "Rollback complete",
    bar = true },
  { "move --from Article/Drafting --to Article/Review -y", 0, bar = true,
    says = "Move complete" },
  { "move --slug nothing --to Review", 1, says = "No story has" },
  { "sandbox --port 0 --stories 3", 0, typed = "\3", prompt = "Kantata",
    says = "http://127.0.0.1:" },
}

describe("a line of a plan", function()
  it("is folded between words, with signs beside their names", function()
    assert.same({ '      next: - "Drafting"  - "Ready"',
                  '        + "Legal"' },
                screen.folded('      next: - "Drafting"  - "Ready"  + "Legal"',
                              40))
    assert.same({ "  . It is. So", "    it is" },
                screen.folded("  . It is. So it is", 15))
  end)

  it("is left alone where it fits", function()
    local line = "  > 1 item  A -> B"
    assert.same({ line }, screen.folded(line, 18))
    assert.same({ line }, screen.folded(line))
  end)

  it("leaves a command to be copied whole, on a line of its own", function()
    local line = "  It ended. To continue, run: workstage resume a b.journal"
    assert.same({ line }, screen.folded(line, 60))
    assert.same({ "  It ended. To", "    continue,", "    run:",
                  "    workstage resume a b.journal" },
                screen.folded(line, 16))
  end)

  it("does not count its colours", function()
    local line = "a.lua:3: \27[31merror\27[0m: so it is"
    assert.same({ line }, screen.folded(line, 25))
  end)
end)

describe("on a terminal", function()
  local place

  before_each(function()
    place = tool.place { seed = { stories = 100 } }
    place:write("bp.lua", tool.BLUEPRINT)
  end)

  after_each(function() place:close() end)

  local function check_lines(shown, columns)
    for _, line in ipairs(cells.lines(shown)) do
      assert.truthy(cells.of(line) <= columns or cells.is_command(line) or
                    line:find("://", 1, true),
                    ("%d columns: %s"):format(columns, line))
    end
  end

  local function check_bars(shown, columns, has_bar)
    local bars, moving = cells.bars(shown), 0
    for _, bar in ipairs(bars) do
      assert.is_true(cells.of(bar) < columns, bar)
      -- a burst at the start is not the rate
      local speed = tonumber(bar:match "(%d+%.%d)/s") or 0
      assert.is_true(speed <= 3 * RATE, bar)
      if bar:find "%d%%" then moving = moving + 1 end
    end
    if has_bar then assert.is_true(moving > 0, shown) end
  end

  for _, columns in ipairs { 40, 80, 120 } do
    it(("of %d columns a run fits, from plan to rollback"):format(columns),
       function()
      for _, step in ipairs(STEPS) do
        local shown, status = place:terminal(step[1], {
          columns = columns, typed = step.typed, prompt = step.prompt,
          env = { WORKSTAGE_RATE_LIMIT = ("%d"):format(RATE) } })
        assert.equal(step[2], status, step[1] .. "\n" .. shown)
        assert.truthy(shown:find(step.says, 1, true), shown)
        check_lines(shown, columns)
        check_bars(shown, columns, step.bar)
      end
    end)
  end
end)
