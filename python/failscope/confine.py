"""What a candidate of the search may not do, as far as the platform allows it to be kept from it; of that, runs that
try a fix may not write outside of the copy (``without_writing``): they keep the network, which the project's own tests
may need.

Everywhere: its process group is killed when its time is over or its tests have ended. Where there are resource limits
(POSIX): processor time, memory and the size of files. On Linux besides: what has left the process group is killed as
well, and where the kernel lets a process give up rights, no file outside of the copy and its scratch folder can be
written, made or deleted (Landlock, from 5.13), and there is no network but the process's own loopback (network
namespaces).
"""

import ctypes
import os
import signal
import struct
import sys

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_MEMORY = 2 << 30
_FILE_SIZE = 64 << 20


#: Processes that the project's own conftest files and plugins have started.
_own = set()


def at_start():
    """Gives up what the whole worker does not need; tells what is guaranteed."""
    kept = ["processes"]
    if _limits() is not None:
        kept += ["time", "memory", "file size"]
    if sys.platform == "linux":
        # Orphans become children of this process, PR_SET_CHILD_SUBREAPER of prctl(2).
        _call("prctl", 36, 1, 0, 0, 0)
        try:
            _own.update(_children())
        except OSError:
            pass
        if _without_network():
            kept.append("network")
        if _without_writing():
            kept.append("files")
    return kept


def end_orphans():
    """Kills what a candidate has started outside of its process group: it has become a child of this process."""
    if sys.platform != "linux":
        return
    try:
        for _ in range(1000):
            orphans = _children() - _own
            if not orphans:
                return
            for orphan in orphans:
                os.kill(orphan, signal.SIGKILL)
                os.waitpid(orphan, 0)
    except OSError:
        pass  # the kernel does not tell, or it has ended by itself


def _children():
    with open("/proc/self/task/%d/children" % os.getpid()) as file:
        return {int(child) for child in file.read().split()}


def in_child(seconds, parent):
    """Limits of one candidate: seconds of processor time, and what it may take besides."""
    resource = _limits()
    if resource is not None:
        _lower(resource, resource.RLIMIT_CPU, int(seconds) + 1)
        _lower(resource, resource.RLIMIT_FSIZE, _FILE_SIZE)
        _lower(resource, resource.RLIMIT_CORE, 0)
        if sys.platform == "linux":
            with open("/proc/self/statm") as file:
                used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            _lower(resource, resource.RLIMIT_AS, used + _MEMORY)
    if sys.platform == "linux":
        # It ends with the worker, however that ends.
        _call("prctl", 1, 9, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def _limits():
    try:
        import resource
    except ImportError:
        return None
    return resource


def _lower(resource, what, value):
    hard = resource.getrlimit(what)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    try:
        resource.setrlimit(what, (value, value))
    except (ValueError, OSError):
        pass


def _call(name, *args):
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    function.restype = ctypes.c_long
    return function(*[ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args])


def _without_network():
    """A network namespace of its own, in which only the loopback is up."""
    user, group = os.getuid(), os.getgid()
    if _call("unshare", _CLONE_NEWNET) != 0:
        if _call("unshare", _CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            return False
        try:
            for name, text in (
                ("setgroups", "deny"),
                ("uid_map", "%d %d 1" % (user, user)),
                ("gid_map", "%d %d 1" % (group, group)),
            ):
                with open("/proc/self/" + name, "w") as file:
                    file.write(text)
        except OSError:
            pass
    import fcntl
    import socket

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            # SIOCSIFFLAGS with IFF_UP | IFF_RUNNING: netdevice(7).
            fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
    except OSError:
        pass
    return True


# Landlock: https://docs.kernel.org/userspace-api/landlock.html. The numbers of the calls are the same on all
# architectures.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
# Writing, deleting and making; from the second version on also moving, from the third also truncating.
_WRITES = [0x2 | 0x1FF0, 0x2000, 0x4000]


def without_writing():
    """Keeps this process and those it starts from writing outside of the copy; tells whether it can."""
    try:
        return sys.platform == "linux" and _without_writing()
    except (AttributeError, OSError, KeyError):
        return False  # this kernel or C library has no such calls


def _without_writing():
    version = _call("syscall", _CREATE, None, 0, 1)
    if version < 1:
        return False
    rights = sum(_WRITES[: min(version, 3)])
    ruleset = _call("syscall", _CREATE, ctypes.create_string_buffer(struct.pack("Q", rights), 8), 8, 0)
    if ruleset < 0:
        return False
    try:
        scratch = os.path.dirname(os.environ["FAILSCOPE_COPY_REPORT"])
        for folder in (os.environ["FAILSCOPE_COPY"], scratch, "/dev", "/proc/self"):
            try:
                fd = os.open(folder, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            rule = struct.pack("=Qi", rights, fd)
            _call("syscall", _ADD, ruleset, 1, ctypes.create_string_buffer(rule, len(rule)), 0)
            os.close(fd)
        if _call("prctl", 38, 1, 0, 0, 0) != 0:
            return False
        return _call("syscall", _RESTRICT, ruleset, 0) == 0
    finally:
        os.close(ruleset)
