# tests: the private syslog of the soak: syslog.py SOCKET FILE.  Every message becomes a line of the file.
import os
import socket
import sys

log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
with open(sys.argv[2], "w", buffering=1) as file:
    while True:
        message = log.recv(8192).decode(errors="replace").rstrip("\0\n")
        file.write(message.replace("\n", " ") + "\n")
