-- Paging: from a dishonest server each story at most once and no others, and an
-- end or an error; from an honest one all stories.
local workstage = require "workstage"

local space = assert(workstage.storyblok {
  token = "fuzz-token", space_id = 1, base_url = "http://127.0.0.1:1",
})

-- The headers of a page.
local function header_text(next_byte)
  local texts = { "0", "-1", "1", "2", "25", "1e9", "0x10", "9e99", "nan",
                  "9223372036854775807", "999999999999999999999", "", " 3",
                  "100", "3.0" }
  local which = next_byte() % (#texts + 8)
  return texts[which] or which > #texts + 2 and ("%d"):format(next_byte())
         or nil
end

-- A server with pages of arbitrary ids, totals and sizes, until the bytes end.
local function liar(bytes, served)
  local at = 0
  local function next_byte()
    at = at + 1
    return bytes:byte(at) or 0
  end
  return function()
    local stories = {}
    for i = 1, at < #bytes and next_byte() % 8 or 0 do
      local id = next_byte() + 1
      served[id] = true
      stories[i] = { id = id, name = "x" }
    end
    return stories, header_text(next_byte), header_text(next_byte)
  end
end

-- An honest server: `count` stories, `most` per page.
local function honest(count, most, asked)
  local page = tonumber(asked:match "^page=(%d+)" or
                        asked:match "&page=(%d+)")
  local size = tonumber(asked:match "per_page=(%d+)")
  size = math.min(size, most)
  local stories = {}
  for id = (page - 1) * size + 1, math.min(page * size, count) do
    stories[#stories + 1] = { id = id, name = "x" }
  end
  return stories, ("%d"):format(count), ("%d"):format(size)
end

local function list_from(serve)
  local asked = 0
  function space.transport.fetch(_, _, _, query)
    asked = asked + 1
    assert(asked < 20000, "it asks for ever")
    local stories, total, per_page = serve(query)
    local headers = { total = total, per_page = per_page }
    return { stories = stories }, {
      header = function(_, name) return headers[name] end,
      close = function() end,
    }, 200
  end
  function space.transport.undecodable(_, call, _, why)
    call:close()
    return why
  end
  return space.stories:list()
end

return function(bytes)
  local served, seen = {}, {}
  local list, why = list_from(liar(bytes, served))
  assert(list or tostring(why):find("the list ", 1, true), why)
  for _, story in ipairs(list or {}) do
    assert(served[story.id] and not seen[story.id], "not a story of theirs")
    seen[story.id] = true
  end
  local count, most = bytes:byte(1) or 0, (bytes:byte(2) or 0) % 100 + 1
  local all = assert(list_from(function(query)
    return honest(count, most, query)
  end))
  assert(#all == count, "some are missing")
  for i, story in ipairs(all) do assert(story.id == i) end
end
