--- The tokens, taken out of the environment before anything else: programs
-- that the tool starts must not have them, nor a core dump.
local terminal = require "workstage.terminal"

local secrets = {}

local taken = {}

--- Returns the token that a variable holds, and removes it from the
-- environment; nil where there is none.
function secrets.take_variable(name)
  taken[name] = terminal.take_variable(name) or taken[name]
  if taken[name] ~= "" then return taken[name] end
end

--- Takes the known tokens out, and turns core dumps off.
function secrets.take()
  terminal.no_core()
  for _, name in ipairs { "STORYBLOK_TOKEN", "STORYBLOK_OAUTH_TOKEN",
                          "KANTATA_TOKEN" } do
    secrets.take_variable(name)
  end
end

--- The token that a variable held; nil where there was none.
function secrets.get(name)
  if taken[name] ~= "" then return taken[name] end
end

return secrets
