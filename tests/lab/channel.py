# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Commands in another machine: what runs there, over any stream of bytes."""
import base64
import os
import threading
import time

# TCG on a busy machine is slow; a hang is still found within minutes.
SLOW = float(os.environ.get("LAB_SLOW", "3"))


class Died(RuntimeError):
    """The machine that was talked to is gone, or its kernel is."""


class Result:
    def __init__(self, rc, out, err):
        self.rc, self.out, self.err = rc, out, err


class Process:
    """A command that runs at the other end of a channel. What it says, and its
    end, can go elsewhere."""

    def __init__(self, channel, number, command, sink, ended):
        self.channel, self.number, self.command = channel, number, command
        self.sink, self.ended = sink, ended
        self.raw, self.raw_err, self.rc = b"", b"", None
        self.changed = threading.Condition()

    def event(self, kind, data):
        with self.changed:
            if kind == "exit":
                self.rc = int(data)
                if self.ended:
                    self.ended()
            elif kind == "err":
                self.raw_err += data
            elif self.sink:
                self.sink(data)
            else:
                self.raw += data
            self.changed.notify_all()

    @property
    def out(self):
        return self.raw.decode(errors="replace")

    @property
    def err(self):
        return self.raw_err.decode(errors="replace")

    def write(self, data):
        if isinstance(data, str):
            data = data.encode()
        for i in range(0, len(data), 720):
            self.channel.send(self.number, "in", data[i:i + 720])

    def eof(self):
        self.channel.send(self.number, "eof")

    def kill(self, sig=9):
        self.channel.send(self.number, f"kill {sig}")

    def until(self, true, timeout, what):
        """Wait until true() holds; it looks at what has come so far."""
        end = time.monotonic() + timeout * SLOW
        with self.changed:
            while not true():
                if self.channel.dead:
                    raise Died(f"{self.command}: {self.channel.dead}")
                if time.monotonic() > end:
                    raise TimeoutError(
                        f"'{self.command}': no {what} within "
                        f"{timeout * SLOW:.0f} s\n{self.out}{self.err}")
                self.changed.wait(0.5)

    def expect(self, text, timeout=30):
        """Wait for text in stdout; a command that ended without is an error."""
        self.until(lambda: text in self.out or self.rc is not None, timeout,
                   f"'{text}'")
        if text not in self.out:
            raise RuntimeError(f"'{self.command}' ended with {self.rc} before "
                               f"it said '{text}'\n{self.out}{self.err}")

    def wait(self, timeout=60):
        self.until(lambda: self.rc is not None, timeout, "end")
        return Result(self.rc, self.out, self.err)


class Channel:
    """Commands for one agent, over any stream of bytes."""

    def __init__(self, name, write):
        self.name, self.write = name, write
        self.dead, self.ready = None, threading.Event()
        self.next, self.procs, self.buffer = 1, {}, b""
        self.lock = threading.Lock()

    def feed(self, data):
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            if b"Kernel panic" in line:
                self.lose(f"{self.name} panicked: {line.decode('latin1')}")
            # A message of the kernel may stand before it on the same line.
            at = line.rfind(b"\x01")
            words = line[at + 1:].split() if at >= 0 else []
            if len(words) == 3 and words[1] == b"ready":
                self.ready.set()
            elif len(words) == 3 and words[0].isdigit():
                self.dispatch(int(words[0]), words[1].decode("latin1"),
                              words[2])

    def lose(self, why):
        """Nobody is at the other end any more; the first reason counts."""
        self.dead = self.dead or why

    def dispatch(self, number, kind, data):
        proc = self.procs.get(number)
        if not proc or kind not in ("out", "err", "exit"):
            return
        if kind == "exit":
            del self.procs[number]
        proc.event(kind, data if kind == "exit" else base64.b64decode(data))

    def send(self, number, verb, data=None):
        text = f"{number} {verb}"
        if data is not None:
            text += " " + base64.b64encode(data).decode()
        with self.lock:
            self.write(text.encode() + b"\n")

    def popen(self, command, sink=None, ended=None):
        if self.dead:
            raise Died(f"{command}: {self.dead}")
        with self.lock:
            number, self.next = self.next, self.next + 1
        proc = Process(self, number, command, sink, ended)
        self.procs[number] = proc
        self.send(number, "run", command.encode())
        return proc

    def run(self, command, timeout=60, check=True, data=None):
        proc = self.popen(command)
        if data is not None:
            proc.write(data)
        proc.eof()
        try:
            r = proc.wait(timeout)
        except TimeoutError:
            proc.kill()
            raise
        if check and r.rc:
            raise RuntimeError(f"in {self.name}: '{command}': exit {r.rc}\n"
                               f"{r.out}{r.err}")
        return r

    def answer(self, timeout):
        """Wait for the agent; it may have said 'ready' before we listened."""
        end = time.monotonic() + timeout * SLOW
        while not self.ready.is_set():
            if self.dead or time.monotonic() > end:
                raise Died(f"{self.name}: no agent within "
                           f"{timeout * SLOW:.0f} s, {self.dead}")
            ping = self.popen("true")
            if self.ready.wait(2) or ping.rc == 0:
                break
