--- Profiles: named spaces of a configuration file, which is data in the
-- blueprints' notation; nothing of it is executed.
--
--   return { profiles = { production = {
--     space = 288868932106293, token_env = "PRODUCTION_TOKEN",
--     protected = true } } }
local core = require "workstage.core"
local exit_status = require "workstage.tool.exit_status"
local parse = require "workstage.migration.blueprint.parse"
local screen = require "workstage.tool.ui.screen"
local secrets = require "workstage.tool.secrets"
local sets = require "workstage.sets"

local profile = {}

local TYPES = {
  service = { "string" }, space = { "number", "string" },
  region = { "string" }, base_url = { "string" },
  rate = { "number", "boolean" }, ca_file = { "string" },
  token_env = { "string" }, token_file = { "string" },
  protected = { "boolean" },
}

local NAMES = {}
for name in pairs(TYPES) do NAMES[#NAMES + 1] = name end
table.sort(NAMES)

local function home()
  local folder = os.getenv "HOME"
  return folder and folder ~= "" and folder or "."
end

--- The path of the configuration file.
function profile.path()
  local folder = os.getenv "XDG_CONFIG_HOME"
  if not folder or folder == "" then folder = home() .. "/.config" end
  return folder .. "/workstage/config.lua"
end

local function fail(text, ...)
  screen.complain(text, ...)
  return nil, exit_status.USAGE
end

local function check(path, name, found)
  for key, value in pairs(found) do
    if not TYPES[key] then
      local near = type(key) == "string" and core.nearest(NAMES, key)
      return fail("%s: profile %s: unknown name '%s' (%s)", path, name,
                  tostring(key), near and ("did you mean '%s'?"):format(near)
                  or "there are: " .. table.concat(NAMES, ", "))
    elseif not sets.has(TYPES[key], type(value)) then
      return fail("%s: profile %s: %s: expected a %s, got a %s", path, name,
                  key, table.concat(TYPES[key], " or a "), type(value))
    end
  end
  return found
end

local function read(path)
  local file, why = io.open(path, "rb")
  if not file then
    return fail("--profile needs a configuration file: %s", why)
  end
  local text = file:read(parse.MAX_SIZE + 1) or ""
  file:close()
  local config, err = parse.text(text, path)
  if not config then return fail("%s", tostring(err)) end
  if type(config.profiles) ~= "table" then
    return fail("%s: expected { profiles = { NAME = { space = ... } } }",
                path)
  end
  return config.profiles
end

--- Reads a profile.
-- @tparam ?string name
-- @treturn[1] table `space`, `region`, `base_url`, `rate`, `ca_file`,
--   `token_env`, `token_file`, `protected`; empty without a name
-- @treturn[2] nil
-- @treturn[2] integer the exit status
function profile.read(name)
  if not name then return {} end
  local path = profile.path()
  local profiles, code = read(path)
  if not profiles then return nil, code end
  local found = profiles[name]
  if type(found) == "table" then return check(path, name, found) end
  local names = {}
  for each in pairs(profiles) do names[#names + 1] = tostring(each) end
  table.sort(names)
  return fail("%s has no profile '%s'; there are: %s", path, name,
              #names > 0 and table.concat(names, ", ") or "none")
end

--- The names of all profiles; none where there is no file that can be read.
function profile.names()
  local file = io.open(profile.path(), "rb")
  if not file then return {} end
  local config = parse.text(file:read(parse.MAX_SIZE + 1) or "")
  file:close()
  local names = {}
  for name in pairs(config and config.profiles or {}) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  return names
end

-- ------------------------------------------------------------------ tokens

-- A file that others may read must not contain a token.
local function read_token_file(path)
  local file = path:gsub("^~/", home() .. "/")
  local mode = core.file_mode(file)
  if not mode then
    return fail("token_file: '%s' cannot be read", file)
  elseif mode & 63 ~= 0 then
    return fail("token_file: '%s' can be read by others (mode %04o). " ..
                "Run: chmod 600 %s", file, mode, screen.word(file))
  end
  local handle, why = io.open(file, "r")
  if not handle then return fail("token_file: %s", why) end
  local token = handle:read "l"
  handle:close()
  if not token or token == "" then
    return fail("token_file: '%s' is empty", file)
  end
  return token
end

--- The token that a profile names.
-- @tparam table found see `read`
-- @treturn[1] string
-- @treturn[2] nil when the profile names none
-- @treturn[3] nil
-- @treturn[3] integer the exit status
function profile.token(found)
  if found.token_file then return read_token_file(found.token_file) end
  if not found.token_env then return nil end
  local token = secrets.take_variable(found.token_env)
  if token then return token end
  return fail("The profile's token_env names %s, which is not set",
              found.token_env)
end

return profile
