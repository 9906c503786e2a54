--- Command lines to be typed or pasted.
local shell = {}

--- A word of a command line, quoted for the shell where that is needed.
-- @tparam string text
-- @treturn string
function shell.word(text)
  if text:find "^[%w_./:=@%%+,~-]+$" and not text:find "^~" then
    return text
  end
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

return shell
