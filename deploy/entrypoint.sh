#!/bin/sh
# Starts one app; its telemetry is loaded before everything else.
set -e
app="/atoll/apps/$1/dist"
shift
[ -f "$app/telemetry.js" ] && preload="--import=$app/telemetry.js"
exec node $preload "$app/main.js" "$@"
