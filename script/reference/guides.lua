--- The guides as pages of the site: README, docs/ and the examples, with
-- links that lead to the site's pages.
local guides = {}

-- Pages that are files of the project elsewhere.
local HOME = { ["README.md"] = "index", ["CHANGELOG.md"] = "changelog",
               ["CONTRIBUTING.md"] = "contributing",
               ["SECURITY.md"] = "security" }

-- The site's address of a link in a guide; nil where the site has no page.
local function address_of(link)
  if link:find "^%a+:" or link:find "^#" then return link end
  local path, anchor = link:match "^([^#]*)(.*)$"
  local name = path:match "([^/]+)$" or ""
  if HOME[name] then return "/" .. HOME[name] .. anchor end
  if name:find "%.md$" then return "/" .. name:gsub("%.md$", "") .. anchor end
  if path:find "examples/[%w_]+%.lua$" then
    return "/examples/" .. name:gsub("%.lua$", "")
  end
  if name:find "%.svg$" then return "/" .. name end
  if path:find "^gallery/" then return "/" .. path end
end

local function linked(mark, label, link)
  local address = address_of(link)
  if not address then return label end
  return ("%s[%s](%s)"):format(mark, label, address)
end

local function line_of_page(line)
  if line:find "^<!%-%- run: " then return nil end
  local codes = {}
  line = line:gsub("`[^`]+`", function(code)
    codes[#codes + 1] = code
    return ("\1%d\1"):format(#codes)
  end)
  line = line:gsub("(!?)%[([^%]]+)%]%(([^)]+)%)", linked)
  return (line:gsub("\1(%d+)\1", function(i) return codes[tonumber(i)] end))
end

--- The text of a guide as the site takes it.
function guides.text(text)
  local out, is_code = {}, false
  -- a link may go over the end of a line
  text = text:gsub("%[([^%]\n|]*)\n([^%]\n|]*)%]%(", "[%1 %2](")
  for line in text:gmatch "([^\n]*)\n" do
    if line:find "^%s*```" then is_code = not is_code end
    out[#out + 1] = is_code and line or line_of_page(line)
  end
  return table.concat(out, "\n") .. "\n"
end

local function contents(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local function each(command, add)
  local pipe = assert(io.popen(command))
  for path in pipe:lines() do add(path, path:match "([^/]+)%.%w+$") end
  pipe:close()
end

--- The pages: a file's name -> its text.
function guides.files()
  local files = {}
  each("ls docs/*.md", function(path, name)
    files[name .. ".md"] = guides.text(contents(path))
  end)
  for path, name in pairs(HOME) do
    files[name .. ".md"] = guides.text(contents(path))
  end
  each("ls examples/*.lua", function(path, name)
    files["examples/" .. name .. ".md"] =
      ("# %s\n\n```lua\n%s```\n"):format(path, contents(path))
  end)
  return files
end

return guides
