--- Installs the built tree elsewhere and builds the hosts against it, with
-- the compiler and the flags of the build under test.
local shell = require "house.shell"

local hosts = {}

local root = shell.must "pwd":gsub("\n$", "")
local build = os.getenv "WORKSTAGE_BUILD" or "build"

--- True if long runs are requested (make proof).
hosts.thorough = (os.getenv "WORKSTAGE_PROOF" or "") ~= ""

--- The variables of make that a tree was built with.
function hosts.flags(folder)
  local flags = {}
  for line in io.lines((folder or build) .. "/flags") do
    local name, value = line:match "^(%w+)=(.*)$"
    if name then flags[name] = value end
  end
  return flags
end

local function variables(flags)
  local words = {}
  for name, value in pairs(flags) do
    words[#words + 1] = shell.quote(name .. "=" .. value)
  end
  return table.concat(words, " ")
end

--- Installs a tree below a folder, built first if need be.
-- @tparam string target becomes DESTDIR
-- @tparam[opt] string folder of the build
-- @tparam[opt] table flags it is to be built with
function hosts.install(target, folder, flags)
  folder = folder or build
  shell.must("make -s -j2 install-embed BUILD=%s %s DESTDIR=%s",
             shell.quote(folder), variables(flags or hosts.flags(folder)),
             shell.quote(target))
  return target .. "/usr/local"
end

local function pkg_config(prefix)
  return "PKG_CONFIG_PATH=" .. shell.quote(prefix .. "/lib/pkgconfig")
end

--- The output of pkg-config for an installation.
function hosts.pkg_config(prefix, words)
  return (shell.must("%s pkg-config %s", pkg_config(prefix), words)
          :gsub("%s+$", ""))
end

--- Builds the examples' hosts, and `checks` beside them, in a folder.
function hosts.build(prefix, folder, flags)
  flags = flags or hosts.flags()
  local makefile = root .. "/examples/embed/Makefile"
  shell.must("mkdir -p %s && cd %s && %s make -s -f %s %s all",
             folder, folder, pkg_config(prefix), makefile, variables(flags))
  local cjson = hosts.has_cjson() and
    "-DHOST_CJSON -L$(pkg-config --variable=libdir lua5.4-cjson)" or ""
  shell.must(
    "cd %s && %s sh -c %s", folder, pkg_config(prefix), shell.quote(
      table.concat({ flags.CC or "cc", "-std=c11 -D_GNU_SOURCE -Wall -Wextra",
        flags.CPPFLAGS or "", flags.CFLAGS or "", cjson,
        "-I" .. root .. "/examples/embed -o checks",
        root .. "/spec/embed/checks.c", root .. "/examples/embed/budget.c",
        "$(pkg-config --cflags workstage-lua)", flags.LDFLAGS or "",
        hosts.has_cjson() and "-l:liblua5.4-cjson.a" or "",
        "$(pkg-config --libs workstage-lua)" }, " ")))
end

--- Builds the program that checks the core's C API, in a folder.
function hosts.build_core_api(prefix, folder)
  local flags = hosts.flags()
  shell.must("cd %s && %s sh -c %s", folder, pkg_config(prefix), shell.quote(
    table.concat({ flags.CC or "cc", "-std=c11 -D_GNU_SOURCE -Wall -Wextra",
      "-Werror", flags.CPPFLAGS or "", flags.CFLAGS or "", "-o core_api",
      root .. "/spec/embed/core_api.c",
      "$(pkg-config --cflags workstage)", flags.LDFLAGS or "",
      "$(pkg-config --libs workstage)" }, " ")))
end

--- True if lua-cjson can be linked; otherwise hosts find it as scripts do.
function hosts.has_cjson()
  local _, code = shell.run "pkg-config --exists lua5.4-cjson"
  return code == 0
end

--- Runs a host in an empty folder, with empty Lua paths and with a time limit:
-- a host that hangs is killed by a signal that it cannot handle.
function hosts.run(format, ...)
  local empty = shell.temporary()
  local suppressions = "suppressions='" .. root .. "/script/lsan.supp'"
  local output, code = shell.run(
    "cd %s && export LSAN_OPTIONS=%s:print_suppressions=0 && "
    .. "env -u LUA_PATH_5_4 -u LUA_CPATH_5_4 LUA_PATH= LUA_CPATH=%s "
    .. "timeout --signal=KILL " .. (hosts.thorough and 900 or 120) .. " "
    .. format, empty, shell.quote(suppressions),
    hosts.has_cjson() and "" or shell.quote(package.cpath), ...)
  assert(shell.must("find %s -mindepth 1", empty) == "")
  shell.remove(empty)
  return output, code
end

--- The sums over threads, and the memory, that a host printed.
function hosts.read(output)
  local sums = {}
  for count, what in output:gmatch "(%d+) (%l[%l ]*%l)" do
    sums[what] = (sums[what] or 0) + math.tointeger(count)
  end
  return {
    done = sums.done, cancelled = sums.cancelled, failed = sums.failed,
    without = sums["out of memory"], responses = sums.responses,
    core = tonumber(output:match "core: (%d+) bytes"),
    resident = tonumber(output:match "resident: (%d+) KiB"),
  }
end

return hosts
