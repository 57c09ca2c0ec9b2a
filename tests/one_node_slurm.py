"""A private Slurm of one node for tests: its key, sockets, settings and logs are in one folder.

It listens on the loopback address only and stops only processes of its own. Needs root and the programs of the
distribution's packages (`make slurm-test` installs them). No control groups, since containers rarely have them.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scontrol", "scancel", "sinfo")
SETTINGS = """\
ClusterName=laborshift
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.sock,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/control
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=2,batch_sched_delay=0
PriorityType=priority/basic
MaxArraySize=1001
ReturnToService=2
KillWait=2
CompleteWait=0
MinJobAge=300
SlurmdTimeout=60
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes=n1 Default=YES MaxTime=INFINITE State=UP DefMemPerCPU=500
"""


def reason_to_skip() -> str | None:
    """Why no private Slurm can run here; None where it can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "a private Slurm needs root"
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"Slurm is not installed ({', '.join(missing)}): make slurm-test installs it where apt-get can"
    return None


class OneNodeSlurm:
    """Runs for as long as a `with` lasts; `environment` is what its clients need."""

    def __init__(self, folder: Path, cores: int = 2) -> None:
        self.folder, self.cores = folder, cores
        self.environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}

    def __enter__(self) -> Self:
        for name in ("control", "spool"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        host = socket.gethostname().split(".")[0]
        (self.folder / "slurm.conf").write_text(
            SETTINGS.format(
                folder=self.folder, host=host, control=_free_port(), node=_free_port(), cores=self.cores
            )
        )
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        at = self.folder
        files = {
            "socket": "munge.sock",
            "key-file": "munge.key",
            "pid-file": "munged.pid",
            "log-file": "munged.log",
        }
        files |= {"seed-file": "munged.seed"}
        words = [f"--{option}={at / name}" for option, name in files.items()]
        subprocess.run(["munged", "--force", "--num-threads=2", *words], check=True, timeout=30)
        for name in ("slurmctld", "slurmd"):
            quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
            command = [name, "-f", str(at / "slurm.conf")]
            subprocess.run(command, check=True, env=self.environment, timeout=30, **quiet)
        deadline = time.monotonic() + 30
        while self.ask("sinfo", "-h", "-o", "%T") not in ("idle", "mixed", "allocated"):
            if time.monotonic() > deadline:
                logs = "\n".join((at / f"{name}.log").read_text()[-2000:] for name in ("slurmctld", "slurmd"))
                raise TimeoutError(f"the node is not idle after 30 s\n{logs}")
            time.sleep(0.1)

    def ask(self, *command: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout.strip()

    def __exit__(self, *_: object) -> None:
        if _pid(self.folder / "slurmctld.pid"):
            self.ask("scancel", "--partition=main", "--signal=KILL", "--full")
            self.ask("scancel", "--partition=main")
            deadline = time.monotonic() + 10
            while self.ask("squeue", "-h", "-t", "R,CG") and time.monotonic() < deadline:
                time.sleep(0.1)
        for name in ("slurmd", "slurmctld", "munged"):
            if (pid := _pid(self.folder / f"{name}.pid")) and _alive(pid):
                os.kill(pid, signal.SIGTERM)
                deadline = time.monotonic() + 10
                while _alive(pid) and time.monotonic() < deadline:
                    time.sleep(0.05)
                if _alive(pid):
                    os.kill(pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _pid(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _alive(pid: int) -> bool:
    """Whether a process is there and no zombie, which is what daemons become that nobody waits for."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False
