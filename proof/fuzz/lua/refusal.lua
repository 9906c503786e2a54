-- Messages of refusals, in any shape: one line, without the token and without
-- terminal control characters. (No escape of a byte, such as \x8f, ends with a
-- letter with which the token begins.)
local workstage = require "workstage"

local space = assert(workstage.storyblok {
  token = "quiz-token", space_id = 1, base_url = "http://127.0.0.1:1",
})

return function(bytes)
  local body = bytes:gsub("T", "quiz-token")
  local call = {
    info = function()
      return { message = bytes:sub(-20), method = "GET", attempts = 1,
               url = "http://127.0.0.1:1/x", ambiguous = false }
    end,
    header = function() return bytes:sub(1, 20) end,
    body = function() return body end,
  }
  local err = space.transport:failure(call, "rejected", 422)
  local text = tostring(err)
  assert(#text > 10 and #text < 2000 and not text:find "%c", text)
  for _, said in pairs(err) do
    assert(type(said) ~= "string" or not said:find("quiz-token", 1, true), said)
  end
end
