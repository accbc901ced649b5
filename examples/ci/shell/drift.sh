#!/bin/sh
# Compares the live state with the merged manifests, with a read-only credential. Exits with 8 if they differ, so the job
# fails and the service notifies its watchers. Arguments go to `polwarden drift`.
#
# POLWARDEN  the program; default: `polwarden`
set -eu

exec "${POLWARDEN:-polwarden}" drift "$@"
