rockspec_format = "3.0"
package = "workstage-sandbox"
version = "scm-1"

description = {
  summary = "A stand-in for the Storyblok and Kantata OX workflow services",
  detailed = [[
A server with the contract of both services, in one process with the script:
rules, paging, rate limit and faults on demand. For rehearsing migrations of
workstage, and for your own tests.]],
  license = "MIT",
  labels = { "storyblok", "kantata", "test" },
}

source = {
  url = "git+https://workstage.example/workstage.git",
}

supported_platforms = { "unix" }

dependencies = {
  "lua >= 5.4, < 5.5",
}

-- By their libraries alone, as in the rock of workstage itself.
external_dependencies = {
  platforms = {
    linux = {
      MICROHTTPD = { library = "microhttpd" },
      SQLITE = { library = "sqlite3" },
    },
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
  build_target = "sandbox",
  install_target = "install-sandbox",
  install_variables = {
    INST_LUADIR = "$(LUADIR)",
    INST_LIBDIR = "$(LIBDIR)",
  },
}

test = {
  type = "command",
  command = "make test SPEC=spec/sandbox",
}
