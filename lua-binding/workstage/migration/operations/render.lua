--- Formats names and lists for the text of a plan.
local visible = require "workstage.visible"

local render = {}

--- A name in quotation marks.
function render.quoted(name)
  return visible.quoted(name)
end

--- Names in quotation marks, with commas.
function render.list(names)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = render.quoted(name) end
  return #parts > 0 and table.concat(parts, ", ") or "none"
end

--- The elements removed from and added to a list.
-- @tparam table before array
-- @tparam table after array
-- @tparam[opt] function name name of an element
-- @tparam[opt] function former name of a removed element
function render.list_change(before, after, name, former)
  name, former = name or tostring, former or name or tostring
  local was, is, parts = {}, {}, {}
  for _, item in ipairs(before) do was[item] = true end
  for _, item in ipairs(after) do is[item] = true end
  for _, item in ipairs(before) do
    if not is[item] then parts[#parts + 1] = "- " .. former(item) end
  end
  for _, item in ipairs(after) do
    if not was[item] then parts[#parts + 1] = "+ " .. name(item) end
  end
  return table.concat(parts, "  ")
end

--- "1 item", "2 items".
function render.items(count)
  return ("%d item%s"):format(count, count == 1 and "" or "s")
end

return render
