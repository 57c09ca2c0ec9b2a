#!/bin/sh
# Chromium, for the test that opens a report in a browser (tests/test_report_browser.py), and a Korean font for the letters
# of the page. Does nothing where it is there; where it cannot be installed the test skips.
set -eu
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "Chromium is not installed and cannot be here (needs root and apt-get): the test that needs it skips"
    exit 0
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-nanum; } \
    >"$log" 2>&1; then
    tail -n 5 "$log"
    echo "Chromium could not be installed: the test that needs it skips"
fi
