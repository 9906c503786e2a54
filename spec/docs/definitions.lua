-- The definitions for editors, as script/make-types writes them, read back:
-- classes with their fields (name -> type, optional) and methods.

local shell = require "house.shell"

local definitions = {}

local function read_file(path, classes)
  local class, params = nil, {}
  for line in io.lines(path) do
    local name, parent = line:match "^%-%-%-@class ([%w_.]+):? ?([%w_.]*)"
    local field, mark, kind = line:match "^%-%-%-@field ([%w_%[%]]+)(%??) (.*)$"
    local param = line:match "^%-%-%-@param ([%w_]+)"
    local f, opts = line:match "^function [%w_.]+[.:]([%w_]+)%((.-)%) end$"
    if name then
      class = { fields = {}, methods = {}, parent = parent, file = path }
      assert(not classes[name], "twice: " .. name)
      classes[name] = class
    elseif field then
      assert(not class.fields[field], "twice: " .. field)
      class.fields[field] = { type = kind, optional = mark == "?" }
    elseif param then
      params[#params + 1] = param
    elseif f then
      assert(table.concat(params, ", ") == opts, line)
      assert(not class.methods[f], "twice: " .. f)
      class.methods[f] = params
      params = {}
    end
  end
end

--- All classes of a folder by name.
function definitions.read(directory)
  local classes = {}
  for _, path in ipairs(shell.lines(shell.must(
      "find %s -name '*.lua'", shell.quote(directory)))) do
    read_file(path, classes)
  end
  return classes
end

--- Runs a command with the built tree on its paths.
function definitions.must(format, ...)
  local build = os.getenv "WORKSTAGE_BUILD" or "build"
  return shell.must("eval \"$(script/env %s)\" && " .. format,
                    shell.quote(build), ...)
end

--- Writes the definitions into a new folder, which is to be removed.
function definitions.make()
  local directory = shell.temporary()
  definitions.must("script/make-types %s", directory)
  return directory
end

return definitions
