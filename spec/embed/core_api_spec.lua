-- The core's C API, used by a program that is linked to the installed archive
-- (spec/embed/core_api.c): one check per run.

local hosts = require "embed.hosts"
local sandbox = require "workstage.sandbox"
local shell = require "house.shell"

describe("the C API", function()
  local target, server

  lazy_setup(function()
    target = shell.temporary()
    hosts.build_core_api(hosts.install(target), target)
  end)

  lazy_teardown(function() shell.remove(target) end)

  before_each(function()
    server = assert(sandbox.start { rate_limit = false })
  end)

  after_each(function() server:stop() end)

  local function check(name)
    local output, code = hosts.run("%s/core_api %s %s", target,
                                   shell.quote(name), server.url)
    assert.equal("", output)
    assert.equal(0, code)
  end

  for name, what in pairs {
    callbacks = "calls each completion callback once, at the right time",
    data = "keeps the host's pointers of clients and calls",
    configure = "lets the host set up libcurl's handles, for a trace",
    sizes = "takes options of an older and of a newer header",
    bodies = "writes bodies by schema, and says what is wrong with others",
    refusals = "refuses times, methods, paths and queries that make no sense",
    events = "lets a call be waited for with events that nobody takes",
    pending = "does not call a running call done",
    resolver = "cancels, times out and closes while a name is resolved",
    ["unknown host"] = "gives a name that does not exist up soon",
    closed = "says why a call was cancelled by closing its client or loop",
    idle = "keeps the order of calls when an idle connection was closed",
    children = "opens sockets that child processes do not inherit",
  } do
    it(what, function() check(name) end)
  end
end)
