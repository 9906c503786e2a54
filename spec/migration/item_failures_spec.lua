-- When items that cannot be moved end a run.
local errors = require "workstage.errors"
local failures = require "workstage.migration.execute.failures"

local OLD_TO_NEW = { from = 1, to = 2, from_name = "Old", to_name = "New" }
local NEW_TO_OLD = { from = 2, to = 1, from_name = "New", to_name = "Old" }

local function refusal(message, status)
  return errors.new { kind = "forbidden", status = status or 403,
                      method = "POST", url = "/changes", message = message }
end

describe("a run", function()
  local counters

  before_each(function() counters = failures.new(4) end)

  local function fail(count, message, status, work)
    local final
    for i = 1, count do
      assert.is_nil(final)
      local said = (message or "no"):gsub("#", tostring(i))
      final = counters:note_failure(work or OLD_TO_NEW, refusal(said, status))
    end
    return final
  end

  it("ends after twenty equal refusals, whose numbers may differ", function()
    local final = fail(20, "Story # is locked.")
    assert.equal("forbidden", final.kind)
    assert.equal('20 moves in a row from stage "Old" to stage "New" were ' ..
                 "refused with 403: Story 20 is locked; the run was " ..
                 "stopped: fix the cause, then resume it",
                 tostring(final))
  end)

  it("goes on where an item was moved in between", function()
    assert.is_nil(fail(19))
    counters:note_success(OLD_TO_NEW)
    assert.is_nil(fail(19))
    assert.is_table(fail(1))
  end)

  it("continues if the message or the status differs", function()
    assert.is_nil(fail(19))
    assert.is_nil(fail(19, "never"))
    assert.is_nil(fail(19, "never", 422))
    assert.is_table(fail(1, "never", 422))
  end)

  it("counts for each pair of stages", function()
    assert.is_nil(fail(19))
    assert.is_nil(fail(19, nil, nil, NEW_TO_OLD))
    counters:note_success(NEW_TO_OLD)
    assert.is_table(fail(1))
  end)

  -- So many failures without an answer; the last one's result.
  local function lose(count, kind)
    local lost, final = errors.new { kind = kind, message = "lost" }, nil
    for _ = 1, count do
      assert.is_nil(final)
      final = counters:note_failure(OLD_TO_NEW, lost)
    end
    return final
  end

  for _, kind in ipairs { "network", "tls", "timeout", "server" } do
    it("ends where the service is not there: " .. kind, function()
      assert.equal(kind, lose(12, kind).kind)
    end)
  end

  it("goes on where the service is there again", function()
    assert.is_nil(lose(11, "network"))
    counters:note_success(OLD_TO_NEW)
    assert.is_nil(lose(11, "network"))
    assert.is_nil(fail(1))
    assert.is_nil(lose(11, "network"))
    assert.is_table(lose(1, "network"))
  end)

  it("ends if no other item could be moved either", function()
    for _, kind in ipairs { "unauthorized", "budget" } do
      local err = errors.new { kind = kind, message = "no" }
      assert.equal(err, counters:note_failure(OLD_TO_NEW, err))
    end
    assert.equal("raised", counters:note_failure(OLD_TO_NEW, "raised"))
  end)
end)
