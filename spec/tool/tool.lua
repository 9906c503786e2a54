--- The tool as a person runs it, against a sandbox of the spec's process.
local service = require "support.service"
local shell = require "house.shell"

local tool = { SPACE = service.SPACE, TOKEN = service.TOKEN }

local ROOT = shell.must "pwd":gsub("\n$", "")
local WORKSTAGE = "lua5.4 " .. shell.quote(
  ROOT .. "/lua-binding/bin/workstage")

local function absolute(path)
  return (path:gsub("([^;]+)", function(entry)
    if entry:find "^/" or entry == "" then return entry end
    return ROOT .. "/" .. entry:gsub("^%./", "")
  end))
end

local function contents(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local Place = {}
Place.__index = Place

--- A folder of its own, a sandbox, and the environment that leads to both.
-- @tparam[opt] table options for the sandbox
function tool.place(options)
  local opts = { seed = { stories = 40 } }
  for name, value in pairs(options or {}) do opts[name] = value end
  local self = setmetatable({
    folder = shell.temporary(), server = service.start(opts),
  }, Place)
  self.env = {
    STORYBLOK_SPACE_ID = tostring(tool.SPACE), STORYBLOK_TOKEN = tool.TOKEN,
    KANTATA_TOKEN = tool.TOKEN, WORKSTAGE_BASE_URL = self.server.url,
    WORKSTAGE_RATE_LIMIT = "off", WORKSTAGE_SETTLE_TIME = "0.2",
    LUA_PATH = absolute(package.path), LUA_CPATH = absolute(package.cpath),
    PATH = os.getenv "PATH", HOME = self.folder, TERM = "xterm",
    LC_ALL = "C.UTF-8",
  }
  for _, name in ipairs { "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
                          "TSAN_OPTIONS" } do
    self.env[name] = os.getenv(name)
  end
  return self
end

function Place:close()
  self.server:stop()
  shell.remove(self.folder)
end

function Place:path(name) return self.folder .. "/" .. name end

function Place:read(name) return contents(self:path(name)) end

function Place:write(name, text)
  local file = assert(io.open(self:path(name), "wb"))
  file:write(text)
  file:close()
end

-- The start of a command line: folder and environment.
function Place:prefix(env)
  local words = { "cd", shell.quote(self.folder), "&& env -i" }
  local all = {}
  for name, value in pairs(self.env) do all[name] = value end
  for name, value in pairs(env or {}) do all[name] = value end
  for name, value in pairs(all) do
    if value then
      words[#words + 1] = name .. "=" .. shell.quote(value)
    end
  end
  return table.concat(words, " ")
end

--- The command line of the tool.
function Place:command(arguments, env)
  return ("%s %s %s"):format(self:prefix(env), WORKSTAGE, arguments)
end

local function status_of(how, code)
  return how == "signal" and code + 128 or code
end

--- Runs the tool without a terminal.
-- @treturn string what it wrote to the standard output
-- @treturn integer its status
-- @treturn string what it wrote to the standard error
function Place:run(arguments, env)
  local err = self:path ".stderr"
  local pipe = assert(io.popen(("{ %s; } 2>%s </dev/null"):format(
    self:command(arguments, env), shell.quote(err))))
  local output = pipe:read "a"
  local _, how, code = pipe:close()
  return output, status_of(how, code), contents(err)
end

--- Runs a shell's line in which WORKSTAGE stands for the tool.
function Place:shell(line, env)
  local script = line:gsub("WORKSTAGE", (WORKSTAGE:gsub("%%", "%%%%")))
  local pipe = assert(io.popen(("%s sh -c %s 2>&1"):format(
    self:prefix(env), shell.quote(script))))
  local output = pipe:read "a"
  local _, how, code = pipe:close()
  return output, status_of(how, code)
end

-- A shell command that types a text once another one is on the screen, and
-- then is closed, which a program reads as the end of its input.
local function typist(out, opts)
  if not opts.typed then return "true" end
  return ("{ for i in $(seq 200); do grep -qF -- %s %s 2>/dev/null && " ..
          "break; sleep 0.05; done; printf %s; sleep %g; }"):format(
    shell.quote(opts.prompt or "[y/N]"), shell.quote(out),
    shell.quote(opts.typed), opts.then_waits or 0)
end

--- Runs the tool on a terminal.
-- @tparam string arguments
-- @tparam[opt] table opts `columns` (80), `env`, `typed` (once `prompt`,
--   "[y/N]", is on the screen), `then_waits` (seconds before the end of the
--   input)
-- @treturn string all that it wrote
-- @treturn integer its status
function Place:terminal(arguments, opts)
  opts = opts or {}
  local out = self:path ".screen"
  os.remove(out)
  local inner = ("stty cols %d rows 40; exec %s %s"):format(
    opts.columns or 80, WORKSTAGE, arguments)
  local pipe = assert(io.popen(
    ("%s | { %s script -qefc %s %s >/dev/null; echo $?; }"):format(
      typist(out, opts), self:prefix(opts.env), shell.quote(inner),
      shell.quote(out))))
  local code = tonumber((pipe:read "l"))
  pipe:close()
  return contents(out), code
end

--- Starts the tool in the background: its process id.
-- Its output goes to files of these names.
function Place:start(arguments, env)
  return (shell.must("%s", ("%s sh -c %s"):format(
    self:prefix(env), shell.quote(
      ("%s %s >out 2>err </dev/null & echo $!"):format(WORKSTAGE,
                                                       arguments)))
    :gsub("%%", "%%%%"):gsub("%%%%", "%%")):gsub("%s+$", ""))
end

--- Waits until `is_so()`, at most some seconds.
function tool.wait(is_so, seconds)
  for _ = 1, (seconds or 10) * 50 do
    if is_so() then return true end
    os.execute "sleep 0.02"
  end
  return false
end

--- True if a process is still running, not a zombie.
function tool.is_alive(pid)
  local stat = contents(("/proc/%s/stat"):format(pid))
  return stat ~= nil and stat:match "^%d+ %b() (%a)" ~= "Z"
end

--- How many changes the server has made so far.
function Place:changes()
  return #service.space_of(self.server).workflow_stage_changes
end

--- The names of the stages of the workflow "Article", in order.
function Place:stages()
  for _, workflow in ipairs(service.space_of(self.server).workflows) do
    if workflow.name == "Article" then
      local stages, names = workflow.stages, {}
      table.sort(stages, function(a, b) return a.position < b.position end)
      for i, stage in ipairs(stages) do names[i] = stage.name end
      return table.concat(names, ",")
    end
  end
end

tool.BLUEPRINT = [[
return {
  workflow = "Article", content_types = { "article" },
  stages = {
    { name = "Drafting", color = "#babcb6", is_default = true,
      next = { "Review" } },
    { name = "Review", color = "#f5a623", next = { "Legal", "Drafting" } },
    { name = "Legal", color = "#4a90e2", next = "all" },
    { name = "Ready", color = "#7ed321", next = { "Drafting" },
      allow_publish = true },
  },
  moves = {
    { from = "Old review", where = { starts_with = "legal/" },
      to = "Legal" },
    { from = "Old review", to = "Review" },
  },
}
]]

return tool
