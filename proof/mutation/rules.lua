--- The mutations, which are applied one at a time: a comparison reversed, a
-- constant off by one, `and` for `or`, a sign changed, a condition negated, a
-- boolean inverted, a statement removed, an early return.
local languages = {
  c = require "c_source",
  lua = require "lua_source",
}
local tokens = require "tokens"

local rules = {}

local TURNED = {
  ["<"] = "<=", ["<="] = "<", [">"] = ">=", [">="] = ">", ["=="] = "!=",
  ["!="] = "==", ["&&"] = "||", ["||"] = "&&", ["and"] = "or", ["or"] = "and",
  ["+="] = "-=", ["-="] = "+=", ["++"] = "--", ["--"] = "++",
  ["true"] = "false", ["false"] = "true", ["~="] = "==",
}

local SIGNS = { ["+"] = "-", ["-"] = "+" }

local function edit(list, first, last, text)
  list[#list + 1] = { first = first, last = last, text = text }
end

-- A sign between two values.
local function is_between(before, language)
  return before and not languages[language].keywords[before.text] and
         (before.kind ~= "mark" or before.text:find "^[%])]$")
end

local function one_more(text)
  local digits, suffix = text:match "^(%d+)([uUlL]*)$"
  if digits and digits:find "^0." then return nil end
  digits = digits and math.tointeger(tonumber(digits))
  if digits then return ("%d%s"):format(digits + 1, suffix) end
  if text:find "^0[xX]%x+$" then
    return ("0x%X"):format(tonumber(text) + 1)
  end
end

-- Tokens and their replacements.
local function edit_token(list, found, i, language)
  local token, text = found[i], found[i].text
  local other = TURNED[text]
  if language == "lua" and text == "==" then other = "~=" end
  if SIGNS[text] and is_between(found[i - 1], language) then
    other = SIGNS[text]
  end
  if token.kind == "number" then other = one_more(text) end
  if token.kind == "text" then other = nil end
  if text == "!" or text == "not" then other = "" end
  if other then edit(list, token.first, token.last, other) end
end

-- Another rule negates these.
local function is_simple(found, first, last)
  if found[first].text == "!" or found[first].text == "not" then
    return true
  end
  local equals
  for i = first, last do
    local text = found[i].text
    if text == "&&" or text == "||" or text == "and" or text == "or" then
      return false
    end
    equals = equals or text == "==" or text == "!=" or text == "~="
  end
  return equals
end

local function edit_conditions(list, found, language)
  for _, range in ipairs(language.conditions(found)) do
    local first, last = range[1], range[2]
    if not is_simple(found, first, last) then
      edit(list, found[first].first, found[last].last, language.negated)
    end
  end
end

-- The lines of an edit, before and after, each as one without indentation.
local function lines_of(source, each)
  local first, last = each.first, each.last
  while first > 1 and source:sub(first - 1, first - 1) ~= "\n" do
    first = first - 1
  end
  last = (source:find("\n", last, true) or #source + 1) - 1
  local function plain(text)
    return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
  end
  return plain(source:sub(first, last)),
         plain(source:sub(first, each.first - 1) .. each.text ..
               source:sub(each.last + 1, last))
end

local function compare(a, b)
  if a.first ~= b.first then return a.first < b.first end
  if a.last ~= b.last then return a.last < b.last end
  return a.text < b.text
end

--- All mutants of a source.
-- @tparam string source
-- @tparam string name "c" or "lua"
-- @treturn table array of { text (the whole source), scope (the function),
--   before, after (the line) }
function rules.mutants(source, name)
  local language = languages[name]
  local found, edits = tokens.of(source, name), {}
  for i in ipairs(found) do edit_token(edits, found, i, name) end
  edit_conditions(edits, found, language)
  for _, range in ipairs(language.statements(found)) do
    edit(edits, found[range[1]].first, found[range[2]].last, language.nothing)
  end
  local scopes = language.scopes(found)
  for _, scope in ipairs(scopes) do
    for _, text in ipairs(scope.returns) do
      local at = scope.enters
      edit(edits, at, at, source:sub(at, at) .. " " .. text)
    end
  end
  table.sort(edits, compare)
  local mutants = {}
  for _, each in ipairs(edits) do
    local text = each.text
    if text == language.negated then
      text = text:format(source:sub(each.first, each.last))
    end
    each.text = text
    local before, after = lines_of(source, each)
    local scope = "file"
    for _, one in ipairs(scopes) do
      if one.first <= each.first and each.first <= one.last then
        scope = one.name or scope
      end
    end
    mutants[#mutants + 1] = {
      scope = scope, before = before, after = after,
      text = source:sub(1, each.first - 1) .. text ..
             source:sub(each.last + 1),
    }
  end
  return mutants
end

return rules
