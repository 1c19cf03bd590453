"""Processes that end with the test, whatever happens to it."""

import os
import pathlib
import signal
import subprocess
import time


class Process:
    """A program in a process group of its own, its output in a file.

    It is killed when the test process dies. `user` runs it as somebody else (only as root).
    """

    def __init__(self, name, argv, log_dir, *, env=None, cwd=None, user=None, limit_files=None):
        self.name = name
        self.log_path = pathlib.Path(log_dir) / f"{name}.log"
        self._log = open(self.log_path, "ab")

        # setpriv rather than preexec_fn, which is not safe with the threads of harness.servers.
        wrapper = ["setpriv", "--pdeathsig", "KILL"]
        if user is not None and os.geteuid() == 0:
            wrapper += ["--reuid", user, "--regid", _group_of(user), "--init-groups"]
        if limit_files is not None:
            wrapper = ["prlimit", f"--nofile={limit_files}:{limit_files}", *wrapper]
        argv = [*wrapper, "--", *argv]
        self._popen = subprocess.Popen(
            [str(a) for a in argv],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )

    @property
    def pid(self):
        return self._popen.pid

    def is_running(self):
        return self._popen.poll() is None

    def exit_status(self):
        return self._popen.poll()

    def signal(self, number):
        if self.is_running():
            self._popen.send_signal(number)

    def wait(self, timeout):
        """The exit status; TimeoutExpired when it takes longer."""
        return self._popen.wait(timeout)

    def kill(self):
        """SIGKILL to the whole process group: what a crash of the machine does to it."""
        try:
            os.killpg(self._popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._popen.wait(10)

    def stop(self, timeout=10):
        """SIGTERM, and SIGKILL to the group when that does not help in time."""
        if self.is_running():
            self._popen.terminate()
            try:
                self._popen.wait(timeout)
            except subprocess.TimeoutExpired:
                pass
        self.kill()
        self._log.close()

    def log(self):
        return self.log_path.read_text(errors="replace")


def _group_of(user):
    import grp
    import pwd

    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


def descendants(pid):
    """The pids of a process's children, theirs, and so on."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        parent = int(stat.rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def kill_all(pids):
    """SIGKILL to exactly these processes."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def wait_until(condition, what, timeout=10, interval=0.05):
    """Polls until condition() is true and returns its value; fails with `what` and the last exception or value."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (OSError, ValueError, KeyError, AssertionError, subprocess.SubprocessError) as problem:
            last = problem
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain: {what} (last: {last!r})")
        time.sleep(interval)


def run(argv, *, timeout=30, env=None, user=None, check=True, cwd=None):
    """Runs a program to its end. Its CompletedProcess, with text output."""
    if user is not None and os.geteuid() == 0:
        argv = ["setpriv", "--reuid", user, "--regid", _group_of(user), "--init-groups", "--", *argv]
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, cwd=cwd, errors="replace")
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(str(a) for a in argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done
