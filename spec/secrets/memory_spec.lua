-- The core keeps nothing of a token after its client is closed. The sandbox is
-- another process, as it keeps the requests.
local build = os.getenv "WORKSTAGE_BUILD" or "build"
package.cpath = build .. "/spec/?.so;" .. package.cpath
local probe = require "probe_secret"

describe("a client that is closed", function()
  it("leaves no token in the core's memory", function()
    if os.getenv "SPEC_REPORTS" then return end -- all memory is read
    local pipe = assert(io.popen "echo $$; exec workstage sandbox")
    local pid, url = pipe:read("l", "l")
    local ours, others, ours_after, others_after = probe.left(
      url, "0987654321-eroc-eht-fo-nekot-dekram")
    os.execute("kill " .. pid)
    pipe:close()
    assert.is_true(ours > 0)
    assert.equal(0, ours_after)
    assert.is_true(others_after <= others)
  end)
end)
