rockspec_format = "3.0"
package = "workstage"
version = "0.1.0-1"

description = {
  summary = "Workflow stages of Storyblok and Kantata OX, from Lua",
  detailed = [[
Reads and changes workflow stages, moves work items from stage to stage, and
migrates whole workflows: safely, at the full speed that the service allows,
and so that a long migration can be stopped at any moment and carried on.]],
  license = "MIT",
  labels = { "storyblok", "kantata", "workflow", "api", "http" },
}

source = {
  url = "git+https://workstage.example/workstage.git",
  tag = "v0.1.0",
}

supported_platforms = { "unix" }

dependencies = {
  "lua >= 5.4, < 5.5",
  "lua-cjson",
  "argparse >= 0.7",
}

-- libcurl 7.88 or later. By its library alone: Debian's header lies in a
-- folder of the architecture, where LuaRocks does not look. On other systems
-- the Makefile finds it: LuaRocks does not know all prefixes of macOS.
external_dependencies = {
  platforms = {
    linux = { CURL = { library = "curl" } },
  },
}

build = {
  type = "make",
  variables = {
    BUILD = "build/rock",
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA_INCDIR = "$(LUA_INCDIR)",
  },
  platforms = {
    linux = {
      variables = {
        CURL_INCDIR = "$(CURL_INCDIR)",
        CURL_LIBDIR = "$(CURL_LIBDIR)",
      },
    },
  },
  build_target = "client",
  install_target = "install-client",
  install_variables = {
    INST_LUADIR = "$(LUADIR)",
    INST_LIBDIR = "$(LIBDIR)",
    INST_BINDIR = "$(BINDIR)",
  },
}

test = {
  type = "command",
  command = "make test",
}
