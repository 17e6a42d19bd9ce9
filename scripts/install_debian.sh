#!/usr/bin/env bash
# Debian and Ubuntu: the browser that the tests of the dossier run in. Needs root, or sudo without a password.
set -euo pipefail
AS_ROOT=""
[ "$(id -u)" = 0 ] || AS_ROOT="sudo -n"
export DEBIAN_FRONTEND=noninteractive
$AS_ROOT apt-get update -qq
$AS_ROOT apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
