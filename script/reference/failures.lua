--- The kinds of errors that functions and methods of the reference fail with,
-- by the last part of their names.
local REQUEST = "Any kind of a failed request: `unauthorized`, `forbidden`, " ..
                "`rate_limited`, `server`, `network`, `timeout`."

local failures = {
  list = "`invalid`: an unknown filter or option. " .. REQUEST,
  find = "`not_found`: no item, or several, have the name. " .. REQUEST,
  get = "`not_found`. " .. REQUEST,
  create = "`invalid`: an unknown or missing attribute. `rejected`: " ..
           "`fields` has the reasons. `ambiguous`: it may have been created." ..
           " " .. REQUEST,
  update = "`invalid`, `rejected`, `not_found`. " .. REQUEST,
  delete = "`not_found`, `rejected`. " .. REQUEST,
  publish = "`ambiguous`: the response was lost. `rejected`: the stage does " ..
            "not allow it. " .. REQUEST,
  request = "`not_found`, `rejected`; `ambiguous`: a write whose response " ..
            "was lost. " .. REQUEST,
  whoami = REQUEST, info = REQUEST,
  storyblok = "`invalid`: an option is unknown, missing or wrong.",
  export = "`not_found`: the space has no such workflow. " .. REQUEST,
  export_all = REQUEST,
  plan = "`refused`: `problems` has the reasons, `moves` what to add. " ..
         "`invalid`: the blueprint is wrong. " .. REQUEST,
  apply = "Nothing was done. `stale`: the workflow has changed. `refused`, " ..
          "`locked`, `io`: the journal cannot be used. " .. REQUEST,
  resume = "Nothing was done. `refused`, `locked`, `damaged`, `io`: the " ..
           "journal cannot be used. `stale`: the workflow has changed. " ..
           REQUEST,
  rollback = "Nothing was done. `refused`: not confirmed, or not possible. " ..
             "`locked`, `damaged`, `io`: the journal cannot be used. " ..
             REQUEST,
  read = "`invalid`: with `file` and `line`. `io`.",
  write = "`invalid`, `io`.",
  load = "`damaged`: with the line. `io`.",
  save = "`io`.",
  open = "`refused`, `locked`, `damaged`, `io`.",
  progress = "`damaged`, `io`.",
  report = "`damaged`, `io`: the journal cannot be read.",
  rehearse = "As `plan`; `refused`: the sandbox is not installed.",
  check = "The findings, of which at least one is an error.",
  names = REQUEST, of = "`not_found`. " .. REQUEST, cost = REQUEST,
}

for name, like in pairs {
  page = "list", unpublish = "publish", duplicate = "create",
  from_env = "storyblok", kantata = "storyblok",
} do failures[name] = failures[like] end

return failures
