--- What a terminal showed, in lines and cells.
local cells = {}

--- The cells of a text: ideographs, kana, hangul and emoji take two. Written
-- apart from the tool, which asks the system.
function cells.of(text)
  local count = 0
  for _, code in utf8.codes(text) do
    local is_wide = code >= 0x1100 and code <= 0x115F or
                    code >= 0x2E80 and code <= 0xA4CF or
                    code >= 0xAC00 and code <= 0xD7A3 or
                    code >= 0xF900 and code <= 0xFAFF or
                    code >= 0xFF01 and code <= 0xFF60 or
                    code >= 0x1F300 and code <= 0x1FAFF
    local is_mark = code >= 0x300 and code <= 0x36F
    count = count + (is_wide and 2 or is_mark and 0 or 1)
  end
  return count
end

--- The lines of a screen, without colours; each state of a bar is one.
function cells.lines(screen)
  local lines = {}
  screen = screen:gsub("^Script started[^\n]*\n", "")
                 :gsub("\r?\nScript done.*$", "")
                 :gsub("\27%[[%d;]*[mJ]", "")
  for line in screen:gmatch "[^\r\n]+" do lines[#lines + 1] = line end
  return lines
end

--- True if a line is a command alone, which is never divided.
function cells.is_command(line)
  return line:find "^%s*workstage %l+ " ~= nil
end

--- The states of a bar that a screen has shown.
function cells.bars(screen)
  local bars = {}
  for bar, after in screen:gmatch "\27%[J([^\r\n\27]+)\r()" do
    if screen:sub(after, after) ~= "\n" then bars[#bars + 1] = bar end
  end
  return bars
end

return cells
