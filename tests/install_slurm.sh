#!/bin/sh
# Slurm from the distribution's packages, for `make slurm-test`. Where that cannot be, says why and ends well: the tests skip.
if command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null && command -v sbatch >/dev/null; then
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "slurm-test: Slurm is not installed, and only root with apt-get could install it here: the tests are skipped"
    exit 0
fi
echo "installing Slurm from the distribution's packages (once, some ten seconds)"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends \
    slurmctld slurmd slurm-client munge slurm-wlm-basic-plugins; } >"$log" 2>&1; then
    tail -n 5 "$log"
    echo "slurm-test: apt-get could not install Slurm: the tests are skipped"
fi
rm -f "$log"
