-- Loaded before each script of a guide. The guides show clients of the real
-- service; here they get the address of a sandbox, unless the script names
-- one itself, no rate limit, and short pauses.

local workstage = require "workstage"

local function with_defaults(make, address)
  return function(opts)
    if type(opts) ~= "table" then return make(opts) end
    local options = { base_url = os.getenv(address), rate_limit = false,
                      settle_time = 0.2 }
    for name, value in pairs(opts) do options[name] = value end
    return make(options)
  end
end

workstage.storyblok = with_defaults(workstage.storyblok, "SPEC_STORYBLOK_URL")
workstage.kantata = with_defaults(workstage.kantata, "SPEC_KANTATA_URL")
