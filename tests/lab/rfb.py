# SPDX-License-Identifier: GPL-2.0 OR MIT
"""A VNC server on loopback that shows what a function returns; no input."""
import socket
import struct
import threading

# 32 bits per pixel, depth 24, little endian, true colour, R G B at 16, 8, 0.
PIXELS = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)


def receive(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise ConnectionError("the viewer is gone")
        data += more
    return data


def bgrx(rgb):
    out = bytearray(len(rgb) // 3 * 4)
    out[0::4], out[1::4], out[2::4] = rgb[2::3], rgb[1::3], rgb[0::3]
    return bytes(out)


def serve_one(sock, picture):
    w, h, rgb = picture()
    sock.sendall(b"RFB 003.003\n")
    receive(sock, 12)
    sock.sendall(struct.pack(">I", 1))
    receive(sock, 1)
    name = b"what the backend shows"
    sock.sendall(struct.pack(">HH", w, h) + PIXELS
                 + struct.pack(">I", len(name)) + name)
    sizes = {0: 19, 4: 7, 5: 5, 6: 7}
    while True:
        kind = receive(sock, 1)[0]
        if kind == 2:
            count = struct.unpack(">xH", receive(sock, 3))[0]
            receive(sock, 4 * count)
        elif kind == 3:
            receive(sock, 9)
            w, h, rgb = picture()
            sock.sendall(struct.pack(">BxHHHHHi", 0, 1, 0, 0, w, h, 0)
                         + bgrx(rgb))
        elif kind == 6:
            receive(sock, struct.unpack(">3xI", receive(sock, 7))[0])
        elif kind in sizes:
            receive(sock, sizes[kind])
        else:
            raise ConnectionError(f"message {kind} of the viewer is unknown")


def serve(picture, port):
    """picture() returns (width, height, RGB bytes); serves for ever."""
    server = socket.create_server(("127.0.0.1", port))

    def viewer(sock):
        with sock:
            try:
                serve_one(sock, picture)
            except OSError:
                pass
    while True:
        threading.Thread(target=viewer, args=(server.accept()[0],),
                         daemon=True).start()
