# tests: the soak's private sshd as seen from outside: its processes by /proc, the operator's command, the
# clients that run.  Never signals a process that is not a test user's, a child of our sshd, or ours.
import dataclasses
import json
import os
import pwd
import signal
import subprocess
import threading

# Beyond what a loaded machine needs: who has not ended by then never would.
LIMIT = 120


@dataclasses.dataclass(frozen=True)
class Process:
    pid: int
    start: int
    parent: int
    uid: int
    name: str


def read_process(pid):
    """The process as it is now; None for one that is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            text = file.read()
        uid = os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None
    # The name may hold spaces and parentheses: the last one ends it (proc(5)).
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    if fields[0] in "ZX":
        return None
    return Process(int(pid), int(fields[19]), int(fields[1]), uid, name)


def is_running(process):
    now = read_process(process.pid)
    return now is not None and now.start == process.start


class Host:
    def __init__(self, env, users):
        self.place = env["place"]
        self.support = env["support"]
        self.port = env["sshd_port"]
        self.listener = int(env["sshd_pid"])
        # The first of two counts.  At INFO clients say why their connection has ended.
        self.options = ["-o", "LogLevel=INFO", *env["ssh_options"].split("\n")]
        self.uids = {pwd.getpwnam(user).pw_uid: user for user in users}
        self._control = [env["control"], "--config", env["config"]]
        self._control += ["--rundir", env["rundir"], "--shmdir", env["shmdir"]]
        self._lock = threading.Lock()
        self._running = {"client": {}, "command": {}, "hold": {}}

    # processes

    def users_processes(self, user=None):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            process = read_process(pid)
            if process and process.uid in self.uids and user in (None, self.uids[process.uid]):
                found.append(process)
        return found

    def sessions(self, user=None):
        return [p for p in self.users_processes(user) if p.name == "sftp-server"]

    def victims(self, kind):
        """What may be killed, as (process, user, label of a client's round), the oldest first."""
        if kind in self._running:
            with self._lock:
                running = list(self._running[kind].items())
            found = [(read_process(pid), *of) for pid, of in running]
            found = [entry for entry in found if entry[0]]
        else:
            mine = self.users_processes()
            found = [(p, self.uids[p.uid], None) for p in mine if self._kind_of(p) == kind]
            if kind == "monitor":
                found = self._monitors(mine)
        return sorted(found, key=lambda entry: (entry[0].start, entry[0].pid))

    def _kind_of(self, process):
        if process.name == "sftp-server":
            return "session"
        if process.name == "sftp-closer":
            return "guard"
        try:
            program = os.path.basename(os.readlink(f"/proc/{process.pid}/exe"))
        except OSError:
            return None
        return "sshd" if program.startswith("sshd") else None

    def _monitors(self, processes):
        found = {}
        for process in processes:
            parent = read_process(process.parent)
            if parent and parent.uid == 0 and parent.parent == self.listener:
                found[parent] = self.uids[process.uid]
        return [(process, user, None) for process, user in found.items()]

    def pids_below(self, process):
        """The process and those of the test users that descend from it."""
        below = {process.pid}
        for other in sorted(self.users_processes(), key=lambda other: other.start):
            if other.parent in below:
                below.add(other.pid)
        return sorted(below)

    def signal(self, process, number):
        """Returns whether it was that very process that got it."""
        try:
            pin = os.pidfd_open(process.pid)
        except OSError:
            return False
        try:
            if not is_running(process):
                return False
            signal.pidfd_send_signal(pin, number)
            return True
        except OSError:
            return False
        finally:
            os.close(pin)

    # programs that we run

    def start(self, kind, user, label, argv, **options):
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, **options
        )
        with self._lock:
            self._running[kind][process.pid] = (user, label)
        return process

    def forget(self, kind, process):
        with self._lock:
            self._running[kind].pop(process.pid, None)

    def run(self, kind, user, label, argv, text="", **options):
        """Returns the exit status, None when it does not end in time, and all that it printed."""
        options.setdefault("stderr", subprocess.STDOUT)
        process = self.start(kind, user, label, argv, **options)
        try:
            output, _ = process.communicate(text.encode(), timeout=LIMIT)
            return process.returncode, output.decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            return None, process.communicate()[0].decode(errors="replace")
        finally:
            self.forget(kind, process)

    def control(self, *args):
        """Runs the operator's command, which may be killed like everything else."""
        return self.run("command", None, None, [*self._control, *args])

    def connections(self):
        """What `list --json` shows."""
        done = subprocess.run([*self._control, "list", "--json"], capture_output=True, timeout=LIMIT)
        return json.loads(done.stdout)["connections"]

    def end_all(self):
        """Ends the programs that we run, for an interrupt."""
        with self._lock:
            pids = [pid for running in self._running.values() for pid in running]
        for pid in pids:
            process = read_process(pid)
            if process and process.parent == os.getpid():
                self.signal(process, signal.SIGKILL)
