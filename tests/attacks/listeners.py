"""Sockets on this machine that note whoever reaches them: the host that a command must not reach."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import socket
import tempfile
import threading
from pathlib import Path

_FD_FOLDER = "/proc/self/fd"


class Listeners:
    """TCP and UDP on loopback in both versions, a Unix socket with a path and an abstract one; a thread serves them."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        """Who was reached since the last look."""
        self._selector = selectors.DefaultSelector()
        self._folder = Path(tempfile.mkdtemp(prefix="aigentflow-listen-"))
        self._wake, self._woken = socket.socketpair()
        self._lock = threading.Lock()
        self._selector.register(self._woken, selectors.EVENT_READ, "wake")
        self.words: dict[str, str] = {}
        self._open_all()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _open_all(self) -> None:
        tcp = self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), "tcp")
        udp = self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0), "udp")
        path = str(self._folder / "docker.sock")
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, path, "path socket")
        name = f"aigentflow-{os.getpid()}-{self._folder.name}"
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + name, "abstract socket")
        self.words = {"tcp": str(tcp.getsockname()[1]), "udp": str(udp.getsockname()[1]), "socket": path, "abstract": name, "tcp6": "1"}
        with contextlib.suppress(OSError):
            tcp6 = self._listen(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0), "tcp6")
            self.words["tcp6"] = str(tcp6.getsockname()[1])

    def _listen(self, family: int, kind: int, address: object, name: str) -> socket.socket:
        listener = socket.socket(family, kind)
        listener.bind(address)  # type: ignore[arg-type]
        if kind == socket.SOCK_STREAM:
            listener.listen(16)
        listener.setblocking(False)
        with self._lock:
            self._selector.register(listener, selectors.EVENT_READ, name)
        return listener

    def listen_at(self, path: Path) -> None:
        """Listen on a Unix socket at the path, however long it is."""
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            self._listen(socket.AF_UNIX, socket.SOCK_STREAM, f"{_FD_FOLDER}/{folder}/{path.name}", f"socket {path.name}")
        finally:
            os.close(folder)
        self._wake.send(b"x")

    def take(self) -> list[str]:
        """Return who was reached since the last look."""
        found, self.reached = self.reached, []
        return found

    def close(self) -> None:
        """Give everything back."""
        self._wake.send(b"q")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._wake.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select(timeout=0.5):
                assert isinstance(key.fileobj, socket.socket)
                if key.data == "wake":
                    if b"q" in self._woken.recv(16):
                        return
                    continue
                self.reached.append(key.data)
                with contextlib.suppress(OSError):
                    if key.fileobj.type == socket.SOCK_DGRAM:
                        key.fileobj.recv(1 << 16)
                    else:
                        key.fileobj.accept()[0].close()
