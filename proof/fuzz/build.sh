# How the fuzzers are built: for run and broken, from the project's folder.

targets="text record_file url http answer refusal paging parse plan journal \
writer query sandbox requests limit"
out=build/fuzz
instrumented="-O1 -g -fsanitize=fuzzer-no-link,address,undefined \
-fno-sanitize-recover=all"

# The archives and the sandbox, in a tree of their own.
build_tree() {
  mkdir -p "$out"
  rm -f "$out/sandbox.a"
  make -s -j2 BUILD="$out" CC=clang CFLAGS="$instrumented" \
    LDFLAGS=-shared-libasan embed sandbox >"$out/log" 2>&1 ||
    { cat "$out/log"; return 1; }
  ar rcs "$out/sandbox.a" "$out"/obj/src/sandbox/*.o \
    "$out"/obj/src/base/*.o "$out"/obj/src/json/*.o
}

# One fuzzer; objects that are named come before those of the tree.
build_fuzzer() { # TARGET PROGRAM [OBJECT]...
  target=$1 program=$2
  shift 2
  source=proof/fuzz/$target.c
  libraries="lua5.4 libcurl"
  case $target in
    text | record_file | limit) ;;
    http | url)
      set -- proof/fuzz/wire.c -Wl,--wrap=curl_multi_add_handle "$@"
      set -- -Wl,--wrap=ws_now "$@" ;;
    sandbox | requests) libraries="libmicrohttpd sqlite3" ;;
    *) source=proof/fuzz/lua.c
      set -- -DFUZZ_TARGET="\"$target\"" "$@" ;;
  esac
  case $target in
    sandbox | requests) archive=$out/sandbox.a ;;
    *) archive=$out/libworkstage_lua.a ;;
  esac
  # shellcheck disable=SC2046,SC2086
  clang -std=c11 -D_GNU_SOURCE -Wall -Wextra -O1 -g \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
    -Isrc -Isrc/sandbox -Ilua-binding $(pkg-config --cflags $libraries) \
    -o "$program" "$source" "$@" "$archive" \
    $(pkg-config --libs $libraries) -pthread -lm -ldl
}

# lua-cjson loses a buffer of its own where Lua raises inside it.
leaks_count() { # TARGET
  case $1 in
    answer | refusal | paging | literal | plan | journal | writer | query)
      echo 0 ;;
    *) echo 1 ;;
  esac
}
