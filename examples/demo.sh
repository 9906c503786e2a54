#!/bin/sh
# The main job with the command line tool, on a sandbox: a workflow is
# exported, changed, planned, rehearsed with faults, applied with a crash in
# the middle, resumed and rolled back. `make demo` runs it; by hand:
#
#   eval "$(make -s env)" && sh examples/demo.sh
#
# Each command stands behind a $ as a user would type it, with its output.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ -n "${DEMO_ISOLATED:-}" ] ||
  DEMO_ISOLATED=yes exec "$here/../script/isolate" sh "$here/demo.sh"
folder=$(mktemp -d)
server= run=

end() {
  [ -z "$run" ] || kill -9 "$run" 2>/dev/null || :
  [ -z "$server" ] || kill "$server" 2>/dev/null || :
  rm -rf "$folder"
}
trap end EXIT
trap 'exit 1' HUP INT TERM
cd "$folder"

bold= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

say() { printf '\n%s\n' "$*"; }
typed() { printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"; }

# Shows a command and runs it; its exit status has to be this one.
must() { # STATUS COMMAND
  expected=$1
  shift
  typed "$*"
  status=0
  eval "$*" || status=$?
  [ "$status" = "$expected" ] || {
    echo "demo: exit status $status, expected $expected" >&2
    exit 1
  }
}

say "A migration with the command line tool, on a sandbox with 1,200 stories.
To keep the demo short, the rate limit is 100 requests a second (the service's
is 3 or 6), and a change is expected to show within 1 second (default: 5)."
typed "workstage sandbox --stories 1200 --rate-limit 100 &"
workstage sandbox --stories 1200 --rate-limit 100 >url &
server=$!
tries=0
until [ -s url ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || { echo "demo: no sandbox" >&2; exit 1; }
  sleep 0.1
done
read -r url <url
echo "$url"

export XDG_CONFIG_HOME="$folder"
WORKSTAGE_BASE_URL=$url
STORYBLOK_SPACE_ID=288868932106293
STORYBLOK_TOKEN=any-token-will-do
WORKSTAGE_RATE_LIMIT=100
WORKSTAGE_SETTLE_TIME=1
echo
for name in WORKSTAGE_BASE_URL STORYBLOK_SPACE_ID STORYBLOK_TOKEN \
  WORKSTAGE_RATE_LIMIT WORKSTAGE_SETTLE_TIME; do
  export "${name?}"
  eval "echo \"\$ export $name=\$$name\""
done

must 0 workstage whoami
must 0 workstage stages Article --count
must 0 workstage export Article -o article.lua
cp article.lua before.lua

say "You edit the blueprint. The difference:"
cp "$here/demo_blueprint.lua" article.lua
must 1 diff -U 1 before.lua article.lua

must 2 workstage plan article.lua -o article.plan
must 0 workstage rehearse article.lua --faults 5 "| tail -n 4"

say "The plan is applied, and the process is killed during the run:"
typed workstage apply article.plan --yes
workstage apply article.plan --yes >screen &
run=$!
tries=0
until [ "$(grep -c '"type":"moved"' article.plan.journal 2>/dev/null)" \
  -ge 120 ] 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || { echo "demo: nothing moves" >&2; exit 1; }
  sleep 0.05
done
typed kill -9 "$run"
kill -9 "$run"
wait "$run" 2>/dev/null || :
run=

must 0 workstage progress article.plan.journal
must 0 workstage resume article.plan.journal --yes
must 0 workstage stages Article --count
must 0 workstage plan article.lua

say "The run is undone:"
must 0 workstage rollback article.plan.journal --yes
must 0 workstage export Article -o after.lua
must 0 diff before.lua after.lua
must 0 workstage stages Article --count
say "The workflow and the number of stories in each stage are as before."
