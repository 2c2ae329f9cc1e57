"""What inetd does, for servers that leave listening to it: address, port, and the command that gets each connection."""

import socket
import subprocess
import sys

family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.socket(family, socket.SOCK_STREAM)
listener.bind((sys.argv[1], int(sys.argv[2])))
listener.listen()
sessions = []
while True:
    connection, _ = listener.accept()
    sessions = [session for session in sessions if session.poll() is None]
    sessions.append(subprocess.Popen(sys.argv[3:], stdin=connection, stdout=connection))
    connection.close()
