--- The names of a space's workflows and stages for completion: asked for at
-- most every five minutes, remembered in the user's cache.
local connect = require "workstage.tool.connect"
local core = require "workstage.core"
local stage_names = require "workstage.tool.stage_names"
local workstage = require "workstage"

local known_names = {}

local KEPT = 300   -- seconds
local PATIENCE = 3 -- seconds for each request: somebody waits at a prompt

local function cache_path(space)
  local folder = os.getenv "XDG_CACHE_HOME"
  if not folder or folder == "" then
    local home = os.getenv "HOME"
    if not home or home == "" then return nil end
    folder = home .. "/.cache"
  end
  return ("%s/workstage-names-%s"):format(folder, space)
end

-- Lines of the time and then WORKFLOW<TAB>STAGE.
local function read_cache(path)
  local file = path and io.open(path, "r")
  if not file then return nil end
  local written, list = file:read "n", {}
  file:read "l"
  for line in file:lines() do
    local workflow, stage = line:match "^([^\t]*)\t(.*)$"
    if workflow then
      list[#list + 1] = { workflow = workflow, stage = stage }
    end
  end
  file:close()
  local age = written and os.time() - written
  if age and age >= 0 and age < KEPT then return list end
end

-- A name with a tab or a line end in it is for no command line.
local function write_cache(path, list)
  local lines = { ("%d"):format(os.time()) }
  for _, each in ipairs(list) do
    if not (each.workflow .. each.stage):find "[\t\n]" then
      lines[#lines + 1] = each.workflow .. "\t" .. each.stage
    end
  end
  if path then
    core.write_file(path, table.concat(lines, "\n") .. "\n", 384)
  end
end

local function ask(parsed)
  local client = connect.open(parsed)
  if not client then return nil end
  local list = {}
  local all = workstage.run(function()
    return stage_names.read(client, { timeout = PATIENCE, retry = false })
  end)
  client:close()
  for _, stage in ipairs(all or {}) do
    list[#list + 1] = { workflow = stage.workflow, stage = stage.name }
  end
  return all and list
end

--- All stages of the space that the environment, or --space and --profile,
-- lead to.
-- @tparam table parsed `space`, `profile`
-- @treturn table array of `workflow`, `stage`; empty where nothing is known
function known_names.stages(parsed)
  local profile = connect.profile(parsed)
  if not profile then return {} end
  local space = parsed.space or profile.space or
                os.getenv "STORYBLOK_SPACE_ID"
  if not space or not tostring(space):find "^%d+$" then return {} end
  local path = cache_path(space)
  local list = read_cache(path)
  if list then return list end
  list = ask(parsed)
  if list then write_cache(path, list) end
  return list or {}
end

return known_names
