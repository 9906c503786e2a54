# workstage: see CONTRIBUTING.md for the layout.
#
#   make            the module, the sandbox, archives for C, into build/
#   make demo       the main job, on the embedded sandbox
#   make test       all specs; SPEC=spec/sandbox for a part, FILTER=pattern
#   make bench      benchmarks, a few minutes; BENCH=requests for a part
#   make bench-peers    the same for other clients, from Debian and npm
#   make proof      half an hour of fault tests: one table (docs/proof.md)
#   make fuzz soak  the fuzzers, and a run with faults, alone and for longer
#   make mutation   changes the sources in small ways, which specs must notice
#   make check      linters, warnings as errors, width of lines, plain words
#   make tidy       only clang-tidy and clang's analyzer
#   make asan tsan  all specs under the sanitizers (SPEC as above)
#   make valgrind gc    the same under memcheck; with an eager collector
#   make install    PREFIX, DESTDIR; make uninstall removes everything
#   make docs       the site (guides, reference) into build/docs, with Node
#   make types      definitions for editors, into build/types
#   make env        shell lines for the built tree: eval "$(make -s env)"
#
# PORTABLE=1 builds with POSIX alone, without what only Linux has, into
# build/portable: make PORTABLE=1 test. Other systems are always built so.
#
# CC, AR, CPPFLAGS, CFLAGS, LDFLAGS and BUILD (the build's folder) are yours;
# V=1 shows each command in full.

LUA_VERSION = 5.4
LUA         = lua$(LUA_VERSION)
PREFIX      = /usr/local
BUILD       = $(if $(and $(LINUX),$(PORTABLE)),build/portable,build)
SPEC        = spec
FILTER      =
BENCH       = requests callgrind startup json migration growth allowance poll
PKG_CONFIG  = pkg-config
CFLAGS     ?= -O2 -g

WARN   = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
         -Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
         -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2 \
         -Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion \
         -Wconversion
STD    = -std=c11 $(NAMES) -D_FILE_OFFSET_BITS=64 -fPIC $(NO_PLT) \
         -fvisibility=hidden
MODULE = $(LIBFLAG) $(MODULE_LINK)

# What differs between systems. Modules are never unloaded: -z nodelete, or
# stay_loaded in lua-binding/core.c.
SYSTEM := $(shell uname -s)
LINUX  := $(filter Linux,$(SYSTEM))
ifeq ($(SYSTEM),Darwin)
LIBFLAG     = -bundle -undefined dynamic_lookup
else
LIBFLAG     = -shared
MODULE_LINK = -Wl,-z,nodelete -Wl,--exclude-libs,ALL
NO_PLT      = -fno-plt
endif
ifeq ($(LINUX),)
PORTABLE    = 1
else
NAMES       = $(if $(PORTABLE),-D_XOPEN_SOURCE=700,-D_GNU_SOURCE)
endif

# Libraries. Each is searched for only when a recipe needs it: the client
# builds without those of the sandbox. LuaRocks sets directories (LUA_INCDIR,
# CURL_INCDIR, CURL_LIBDIR); otherwise pkg-config is used, or, on other systems
# than Linux, the folders of Homebrew, MacPorts and the BSDs.
PREFIXES = /opt/homebrew /opt/local /usr/local
known = $(shell $(PKG_CONFIG) --exists $(1) && echo yes)
pkg  = $(if $(call known,$(2)),$(shell $(PKG_CONFIG) $(1) $(2)),$(if \
         $(LINUX),$(error $(2) not found by $(PKG_CONFIG): script/setup \
         installs what a build needs),$(call without_pkg$(1),$(2))))
without_pkg--cflags = $(patsubst %,-I%,$(wildcard $(PREFIXES:%=%/include) \
         $(foreach each,lua$(LUA_VERSION) lua-$(LUA_VERSION) lua54 lua,\
         $(PREFIXES:%=%/include/$(each)))))
without_pkg--libs = $(patsubst %,-L%,$(wildcard $(PREFIXES:%=%/lib))) \
         $(patsubst %,-l%,$(1:lib%=%))
inc  = $(if $(1),-I$(1),$(call pkg,--cflags,$(2)))
lib  = $(if $(1),-L$(1) -l$(2:lib%=%),$(call pkg,--libs,$(2)))
once = $(eval $(1) := $(2))$($(1))

LUA_PCS        = lua$(LUA_VERSION) lua-$(LUA_VERSION) lua54
LUA_PC         = $(firstword $(foreach each,$(LUA_PCS),$(if \
                   $(call known,$(each)),$(each))) lua$(LUA_VERSION))
LUA_CFLAGS     = $(call once,LUA_CFLAGS,$(call inc,$(LUA_INCDIR),$(LUA_PC)))
CURL_CFLAGS    = $(call once,CURL_CFLAGS,$(call inc,$(CURL_INCDIR),libcurl))
CURL_LIBS      = $(call once,CURL_LIBS,$(call lib,$(CURL_LIBDIR),libcurl))
SANDBOX_NEEDS  = libmicrohttpd sqlite3
SANDBOX_CFLAGS = $(call once,SANDBOX_CFLAGS,$(call inc,,$(SANDBOX_NEEDS)))
SANDBOX_LIBS   = $(call once,SANDBOX_LIBS,$(call lib,,$(SANDBOX_NEEDS)))

# Sources. New files are found by their folder. What POSIX lacks has two
# versions: X_linux.c and X_posix.c.
OTHER_KIND := $(if $(PORTABLE),linux,posix)
sources     = $(filter-out %_$(OTHER_KIND).c,$(wildcard $(1)))
CORE_C    := $(filter-out src/sandbox/%,$(call sources,src/*/*.c))
TERM_C    := lua-binding/terminal.c
EMBED_C   := lua-binding/embed.c
BINDING_C := $(filter-out lua-binding/sandbox.c $(TERM_C) $(EMBED_C),\
               $(call sources,lua-binding/*.c))
SANDBOX_C := $(wildcard src/sandbox/*.c) lua-binding/sandbox.c
ALL_LUA   := $(shell find lua-binding/workstage -name '*.lua')
SANDBOX_LUA := $(filter lua-binding/workstage/sandbox.lua \
                 lua-binding/workstage/sandbox/%,$(ALL_LUA))
CLIENT_LUA  := $(filter-out $(SANDBOX_LUA),$(ALL_LUA))
EMBED_LUA   := $(sort $(filter-out lua-binding/workstage/tool.lua \
                 lua-binding/workstage/tool/%,$(CLIENT_LUA)))

object       = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
linked       = $(patsubst lua-binding/%,$(BUILD)/lua/%,$(1))
CORE_SO      = $(BUILD)/lua/workstage/core.so
SANDBOX_SO   = $(BUILD)/lua/workstage/sandbox.so
TERM_SO      = $(BUILD)/lua/workstage/terminal.so
CORE_A       = $(BUILD)/libworkstage.a
LUA_A        = $(BUILD)/libworkstage_lua.a
OBJECTS      = $(call object,$(CORE_C) $(BINDING_C) $(SANDBOX_C) \
                 $(TERM_C) $(EMBED_C) $(wildcard spec/support/*.c bench/*.c))

all: client sandbox embed precompiled
client: $(CORE_SO) $(TERM_SO) $(call linked,$(CLIENT_LUA))
sandbox: $(SANDBOX_SO) $(call linked,$(SANDBOX_LUA))
embed: $(CORE_A) $(LUA_A)
objects: $(call object,$(CORE_C) $(BINDING_C) $(SANDBOX_C) $(TERM_C) $(EMBED_C))

say     = $(if $(V),,@echo "$(1)" $@;)
COMPILE = $(call say,cc  )$(CC) $(STD) $(WARN) $(CPPFLAGS) $(CFLAGS) \
            -Isrc -MMD -MP -c -o $@ $<
LINK    = $(call say,link)$(CC) $(CFLAGS) $(MODULE) $(LDFLAGS) -o $@ $^
PROGRAM = $(call say,link)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(BUILD)/obj/src/sandbox/%.o: src/sandbox/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(COMPILE) -Isrc/sandbox $(SANDBOX_CFLAGS)

$(BUILD)/obj/src/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(COMPILE) $(CURL_CFLAGS)

$(BUILD)/obj/lua-binding/sandbox.o: lua-binding/sandbox.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(COMPILE) -Isrc/sandbox $(LUA_CFLAGS) $(SANDBOX_CFLAGS)

$(BUILD)/obj/lua-binding/%.o: lua-binding/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(COMPILE) $(LUA_CFLAGS)

$(CORE_SO): $(call object,$(CORE_C) $(BINDING_C))
	@mkdir -p $(@D)
	$(LINK) $(CURL_LIBS) -pthread

$(SANDBOX_SO): $(call object,$(SANDBOX_C) $(filter src/base/% src/json/%,\
    $(CORE_C)))
	@mkdir -p $(@D)
	$(LINK) $(SANDBOX_LIBS) -pthread

# Only for the command line tool.
$(TERM_SO): $(call object,$(TERM_C))
	@mkdir -p $(@D)
	$(LINK)

# For programs: the core alone, and the whole module with its Lua files as
# text. Rebuilt each time, so that it has no object of a deleted file.
ARCHIVE = $(call say,ar  )rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(CORE_A): $(call object,$(CORE_C))
	$(ARCHIVE)

$(LUA_A): $(call object,$(CORE_C) $(BINDING_C) $(EMBED_C)) \
    $(BUILD)/obj/lua_half.o
	$(ARCHIVE)

$(BUILD)/obj/lua_half.c: $(EMBED_LUA) script/embed-lua $(BUILD)/lua_half
	@mkdir -p $(@D)
	$(call say,text)script/embed-lua $(EMBED_LUA) >$@.new && mv $@.new $@

$(BUILD)/obj/lua_half.o: $(BUILD)/obj/lua_half.c $(BUILD)/flags
	$(COMPILE) -Ilua-binding

# Small modules that give specs access to the core.
PROBES = $(patsubst spec/support/%.c,$(BUILD)/spec/%.so,\
           $(wildcard spec/support/*.c))
probes: $(PROBES)

$(BUILD)/obj/spec/%.o: spec/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(COMPILE) -D_GNU_SOURCE -Ilua-binding $(LUA_CFLAGS)

$(BUILD)/spec/%.so: $(BUILD)/obj/spec/support/%.o $(call object,$(CORE_C) \
    lua-binding/lua_source.c)
	@mkdir -p $(@D)
	$(LINK) $(CURL_LIBS) -pthread

# Links, not copies, so that changes in the sources apply here.
$(BUILD)/lua/%.lua: lua-binding/%.lua
	@mkdir -p $(@D)
	@ln -sf "$(CURDIR)/$<" $@

# Bytecode of the client's Lua files, for the Lua that runs here. A module
# without it (that of LuaRocks, or built for another system) loads the text.
# The files that make `require` use it are loaded before.
PRECOMPILED = $(BUILD)/precompiled
WITH_BYTECODE = $(filter-out lua-binding/workstage/init.lua \
                  lua-binding/workstage/precompiled.lua,$(CLIENT_LUA))
precompiled: $(PRECOMPILED)
precompile  = eval "$$(script/env "$(BUILD)")" && umask 022 && \
                $(LUA) script/precompile $(1) $(WITH_BYTECODE) 2>/dev/null || \
                echo "no bytecode: $(LUA) cannot load the module" >&2

$(PRECOMPILED): $(CORE_SO) $(call linked,$(CLIENT_LUA)) script/precompile
	$(call say,luac)$(call precompile,"$$(cd "$(BUILD)/lua" && pwd)" \
	  "$(BUILD)/lua")
	@touch $@

# Objects depend on the flags, and the archive on the list of Lua files. Specs
# that build against a tree read its flags. Links to moved or deleted sources
# are removed.
define FLAGS
CC=$(CC)
STD=$(STD)
CPPFLAGS=$(CPPFLAGS)
CFLAGS=$(CFLAGS)
LDFLAGS=$(LDFLAGS)
endef
$(BUILD)/flags: export NOW = $(FLAGS)
$(BUILD)/lua_half: export NOW = $(EMBED_LUA)
$(BUILD)/flags $(BUILD)/lua_half: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$NOW" | cmp -s - $@ || printf '%s\n' "$$NOW" > $@
	@find $(BUILD) -path '$(BUILD)/lua/*' -type l ! -exec test -e {} ';' \
	  -exec rm -f {} +

-include $(OBJECTS:.o=.d)

env:
	@script/env "$(BUILD)"

clean:
	rm -rf $(BUILD)

# The reference and the types: generated from the built module, its schemas and
# source comments.

types: client sandbox
	@eval "$$(script/env "$(BUILD)")" && \
	  $(LUA) script/make-types "$(BUILD)/types"

docs: client sandbox
	@script/setup docs
	@LUA="$(LUA)" script/make-docs "$(BUILD)"
	@echo "docs: $(BUILD)/docs/index.html"

# The main job and the specs. Both install missing packages first.

demo:
	@script/setup demo
	@$(MAKE) --no-print-directory all
	@eval "$$(script/env "$(BUILD)")" && $(LUA) examples/move_stage.lua && \
	  examples/demo.sh

# Bare libcurl programs, and a program that measures all of them.
BENCH_PROGRAMS = $(patsubst %,$(BUILD)/bench/%,bare_easy bare_multi measure \
                   service allocations.so)
bench-programs: $(BENCH_PROGRAMS)

$(BUILD)/obj/bench/%.o: bench/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(COMPILE) -D_GNU_SOURCE $(CURL_CFLAGS) $(LUA_CFLAGS)

$(BUILD)/bench/bare_%: $(BUILD)/obj/bench/bare_%.o $(BUILD)/obj/bench/bare.o
	@mkdir -p $(@D)
	$(PROGRAM) $(CURL_LIBS)

$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o
	@mkdir -p $(@D)
	$(PROGRAM)

# Counts allocations by wrapping malloc.
$(BUILD)/bench/allocations.so: $(BUILD)/obj/bench/allocations.o
	@mkdir -p $(@D)
	$(LINK)

bench:
	@script/setup bench
	@$(MAKE) --no-print-directory all bench-programs
	@BUILD="$(BUILD)" LUA="$(LUA)" bench/run $(BENCH)

# Compares other clients, which are installed into a folder of their own.
PEERS = $(abspath $(BUILD))/peers
bench-peers:
	@script/setup bench
	@$(MAKE) --no-print-directory all bench-programs
	@bench/peers/install "$(PEERS)"
	@BUILD="$(BUILD)" LUA="$(LUA)" BENCH_PEERS="$(PEERS)" bench/run \
	  requests startup allowance_peers

test:
	@script/setup test
	@script/setup browser || :
	@$(MAKE) --no-print-directory all probes
	@LUA="$(LUA)" WORKSTAGE_BUILD="$(BUILD)" FILTER="$(FILTER)" \
	  $(LUA) script/run-specs $(SPEC)

# Its parts are in proof/parts; PART="soak chance" runs some of them.
PART =
proof: check-tools
	@script/setup test
	@$(MAKE) --no-print-directory all probes
	@BUILD="$(BUILD)" LUA="$(LUA)" proof/run $(PART)

fuzz:
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-600} proof/fuzz/run

mutation:
	@script/setup test
	@PROOF_MUTANTS=$${PROOF_MUTANTS:-0} LUA="$(LUA)" proof/mutation/run

soak: all probes
	@eval "$$(script/env "$(BUILD)")" && \
	  SOAK_SECONDS=$${SOAK_SECONDS:-3600} $(LUA) proof/soak.lua

SANITIZED = -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
asan: KIND = address,undefined
tsan: KIND = thread
asan tsan:
	@script/setup test
	@$(MAKE) --no-print-directory BUILD="$(BUILD)/$@" CC=gcc \
	  CFLAGS="$(SANITIZED) -fsanitize=$(KIND)" all probes
	@LUA="$(LUA)" WORKSTAGE_BUILD="$(BUILD)" FILTER="$(FILTER)" \
	  script/sanitize $@ $(SPEC)

# Memcheck, and an eager garbage collector; script/left-out lists the specs
# they skip.
valgrind gc:
	@script/setup test
	@$(MAKE) --no-print-directory all probes
	@LUA="$(LUA)" WORKSTAGE_BUILD="$(BUILD)" FILTER="$(FILTER)" \
	  script/sanitize $@ $(SPEC)

# Static checks.

TIDY       = clang-tidy --quiet
FOLDERS    = $(wildcard src lua-binding spec examples bench script proof)
C_FILES    = $(shell find $(FOLDERS) -name '*.[ch]')
LUA_SCRIPT = $(wildcard lua-binding/bin/workstage) script/run-specs \
             script/make-types script/make-reference script/make-gallery \
             script/make-picture bench/draw bench/tables
LUA_FILES  = $(shell find $(FOLDERS) -name '*.lua') $(LUA_SCRIPT) .busted

check: check-tools check-lua check-c check-width check-words check-gcc \
       check-clang check-musl tidy check-fuzz
	@echo "check: nothing found"

check-tools:
	@script/setup check

# Lua 5.5, where it is installed, refuses assignments to loop variables.
check-lua: check-tools
	@luacheck --quiet --no-color $(LUA_FILES)
	@! command -v luac5.5 >/dev/null || \
	  printf '%s\n' $(LUA_FILES) | xargs -n 1 luac5.5 -p

# Suppressed: false positives of cppcheck 2.10 and 2.17. Uninitialised
# variables are found by both compilers and by the sanitizers.
check-c: check-tools
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
	  --enable=warning,performance,portability --suppress=missingInclude \
	  --suppress=identicalInnerCondition --suppress=varFuncNullUB \
	  --suppress=normalCheckLevelMaxBranches --suppress=uninitvar \
	  -D__linux__ -D__GNUC__ -DLIBCURL_VERSION_NUM=0x075800 \
	  -Isrc -Isrc/sandbox src lua-binding

check-width:
	@script/check-width $(C_FILES) $(LUA_FILES)

check-words:
	@script/check-words

check-gcc: check-tools
	$(MAKE) --no-print-directory BUILD=build/check/gcc CC=gcc \
	  CFLAGS="-O2 -Werror" all probes bench-programs
	$(MAKE) --no-print-directory BUILD=build/check/posix CC=gcc PORTABLE=1 \
	  CFLAGS="-O2 -Werror" all

check-clang: check-tools
	$(MAKE) --no-print-directory BUILD=build/check/clang CC=clang \
	  CFLAGS="-O2 -Werror" all probes bench-programs

check-musl: check-tools
	@script/check-musl

# One process per file: with several, it reports a va_list of the second file
# as not started. .clang-tidy has the checks.
tidy: check-tools
	@printf '%s\n' $(CORE_C) $(wildcard src/sandbox/*.c lua-binding/*.c) | \
	  xargs -n 1 -P 2 sh -c '$(TIDY) "$$1" -- $(STD) -Isrc -Isrc/sandbox \
	    $(LUA_CFLAGS) $(CURL_CFLAGS) $(SANDBOX_CFLAGS) 2>/dev/null' sh
	@echo "tidy: nothing found"

check-fuzz: check-tools
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-5} proof/fuzz/run

# Installing. The rocks set the three directories of LuaRocks.

INST_LUADIR = $(PREFIX)/share/lua/$(LUA_VERSION)
INST_LIBDIR = $(PREFIX)/lib/lua/$(LUA_VERSION)
INST_BINDIR = $(PREFIX)/bin
INST_INCDIR = $(PREFIX)/include
INST_ARDIR  = $(PREFIX)/lib
INST_PCDIR  = $(INST_ARDIR)/pkgconfig
VERSION     = $(shell sed -n 's/^.define WS_VERSION "\(.*\)"/\1/p' \
                src/workstage.h)
HEADERS     = src/workstage.h lua-binding/workstage_lua.h

install: install-client install-sandbox install-embed install-share \
         install-precompiled

install-client: client
	@script/install-files "$(DESTDIR)$(INST_LUADIR)" $(CLIENT_LUA)
	install -d "$(DESTDIR)$(INST_LIBDIR)/workstage" "$(DESTDIR)$(INST_BINDIR)"
	install -m 644 $(CORE_SO) $(TERM_SO) \
	  "$(DESTDIR)$(INST_LIBDIR)/workstage"
	install -m 755 lua-binding/bin/workstage "$(DESTDIR)$(INST_BINDIR)"

install-precompiled: client
	@$(call precompile,"$(INST_LUADIR)" "$(DESTDIR)$(INST_LIBDIR)")

install-sandbox: sandbox
	@script/install-files "$(DESTDIR)$(INST_LUADIR)" $(SANDBOX_LUA)
	install -d "$(DESTDIR)$(INST_LIBDIR)/workstage"
	install -m 644 $(SANDBOX_SO) "$(DESTDIR)$(INST_LIBDIR)/workstage"

pc_file = script/pkg-config-file $(1) $(VERSION) "$(INST_PCDIR)" \
            "$(INST_INCDIR)" "$(INST_ARDIR)" "$(2)" \
            >"$(DESTDIR)$(INST_PCDIR)/$(1).pc"

install-embed: embed
	install -d "$(DESTDIR)$(INST_INCDIR)" "$(DESTDIR)$(INST_PCDIR)"
	install -m 644 $(HEADERS) "$(DESTDIR)$(INST_INCDIR)"
	install -m 644 $(CORE_A) $(LUA_A) "$(DESTDIR)$(INST_ARDIR)"
	$(call pc_file,workstage,libcurl >= 7.88)
	$(call pc_file,workstage-lua,$(LUA_PC) libcurl >= 7.88)

# Definitions for editors, and completions for shells.
INST_TYPES = $(PREFIX)/share/workstage/types
COMPLETIONS = bash:bash-completion/completions/workstage \
              zsh:zsh/site-functions/_workstage \
              fish:fish/vendor_completions.d/workstage.fish

install-share: types
	rm -rf "$(DESTDIR)$(INST_TYPES)"
	install -d "$(DESTDIR)$(INST_TYPES)"
	cp -R "$(BUILD)/types/." "$(DESTDIR)$(INST_TYPES)"
	@eval "$$(script/env "$(BUILD)")" && for each in $(COMPLETIONS); do \
	  to="$(DESTDIR)$(PREFIX)/share/$${each#*:}"; \
	  $(LUA) lua-binding/bin/workstage completion "$${each%%:*}" \
	    >"$(BUILD)/completion" && \
	  install -d "$${to%/*}" && \
	  install -m 644 "$(BUILD)/completion" "$$to" || exit 1; \
	done

uninstall:
	rm -rf "$(DESTDIR)$(INST_LUADIR)/workstage"
	rm -rf "$(DESTDIR)$(INST_LIBDIR)/workstage"
	rm -f "$(DESTDIR)$(INST_BINDIR)/workstage"
	cd "$(DESTDIR)$(INST_INCDIR)" 2>/dev/null && \
	  rm -f $(notdir $(HEADERS)) || :
	cd "$(DESTDIR)$(INST_ARDIR)" 2>/dev/null && \
	  rm -f $(notdir $(CORE_A) $(LUA_A)) || :
	cd "$(DESTDIR)$(INST_PCDIR)" 2>/dev/null && \
	  rm -f workstage.pc workstage-lua.pc || :
	rm -rf "$(DESTDIR)$(INST_TYPES)"
	cd "$(DESTDIR)$(PREFIX)/share" 2>/dev/null && \
	  rm -f $(foreach each,$(COMPLETIONS),$(lastword $(subst :, ,$(each)))) \
	  || :
	@DESTDIR="$(DESTDIR)" script/remove-empty "$(PREFIX)" \
	  "$(INST_LUADIR)" "$(INST_LIBDIR)" "$(INST_BINDIR)" \
	  "$(INST_INCDIR)" "$(INST_PCDIR)" "$(INST_ARDIR)" "$(INST_TYPES)" \
	  $(foreach each,$(COMPLETIONS),\
	  "$(PREFIX)/share/$(dir $(lastword $(subst :, ,$(each))))")

.SECONDARY:
FORCE:

.PHONY: all client sandbox embed precompiled probes env clean demo bench \
  bench-programs bench-peers test asan tsan valgrind gc check check-tools check-lua check-c \
  check-width check-gcc check-clang check-fuzz tidy proof fuzz mutation soak \
  types docs \
  install install-client install-sandbox install-embed install-share \
  install-precompiled uninstall FORCE
.PRECIOUS: $(BUILD)/obj/spec/%.o
