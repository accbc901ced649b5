#!/bin/sh
# Compares what is live with what is merged, with a credential that may only read. Exits with 8 if they differ, so that
# the job fails and the service tells those who watch it. Arguments go to `polwarden drift`.
#
# POLWARDEN  the program; `polwarden` without it
set -eu

exec "${POLWARDEN:-polwarden}" drift "$@"
