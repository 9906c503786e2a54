--- The findings of a blueprint check: a list; `tostring` returns them as text.
local visible = require "workstage.visible"

local Finding = { __name = "workstage.finding" }

--- "article.lua:12: warning: stages[2].color: ..."
function Finding:__tostring()
  local position = ""
  if self.file then
    position = self.line and ("%s:%d: "):format(self.file, self.line) or
               self.file .. ": "
  end
  local where = self.where ~= "" and self.where .. ": " or ""
  return ("%s%s: %s%s"):format(position, self.level, where, self.message)
end

local Findings = { __name = "workstage.findings" }
Findings.__index = Findings

function Findings:__tostring()
  local texts = {}
  for i, finding in ipairs(self) do texts[i] = tostring(finding) end
  return table.concat(texts, "\n")
end

local findings = {}

function findings.new()
  return setmetatable({}, Findings)
end

local function add(self, level, at, message, is_offline)
  table.insert(self, setmetatable({
    level = level, where = at.path, message = visible.text(message),
    file = at.file, line = at.line, offline = is_offline or nil,
  }, Finding))
end

--- Adds an error: the blueprint cannot be used.
-- @tparam table at its location
-- @tparam string message for string.format, with the values that follow
function Findings:error(at, message, ...)
  add(self, "error", at, message:format(...))
end

--- Adds a warning: probably a mistake.
function Findings:warn(at, message, ...)
  add(self, "warning", at, message:format(...))
end

--- Adds a finding that only the space can confirm. A plan reads the space, so
-- it omits these findings.
-- @tparam string level "error", "warning" or "note"
function Findings:offline(level, at, message, ...)
  add(self, level, at, message:format(...), true)
end

function Findings:has_error()
  for _, finding in ipairs(self) do
    if finding.level == "error" then return true end
  end
  return false
end

--- The errors only, as text.
function Findings:errors_text()
  local errors = findings.new()
  for _, finding in ipairs(self) do
    if finding.level == "error" then errors[#errors + 1] = finding end
  end
  return tostring(errors)
end

--- The findings that a plan does not resolve from the space.
function Findings:without_offline()
  local kept = findings.new()
  for _, finding in ipairs(self) do
    if not finding.offline then kept[#kept + 1] = finding end
  end
  return kept
end

--- Findings for a blueprint that could not be normalized.
-- @tparam table err of `blueprint.normalize`
function findings.of_errors(err)
  local self = findings.new()
  for _, each in ipairs(err.errors or { err }) do
    add(self, "error", { path = each.where or "", file = each.file,
                         line = each.line }, each.reason or each.message)
  end
  return self
end

return findings
