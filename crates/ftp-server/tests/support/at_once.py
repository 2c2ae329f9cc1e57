"""Uploads so many bytes over TLS, all of them in one piece with the end of its handshake; prints the reply. "changed" changes a byte of them."""
import ftplib
import ssl
import sys

port, version, length = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
chosen = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
context.minimum_version = context.maximum_version = chosen
client = ftplib.FTP_TLS(context=context, timeout=30)
client.connect("127.0.0.1", port)
client.login("anna", "secret")
client.prot_p()
# Without the library's handshake: it is made by hand below.
client.voidcmd("TYPE I")
host, data_port = client.makepasv()
import socket
data = socket.create_connection((host, data_port), timeout=30)
client.putcmd("STOR once")
came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(came, goes)
while True:
    try:
        tls.do_handshake()
        break
    except ssl.SSLWantReadError:
        data.sendall(goes.read())
        came.write(data.recv(65536))
tls.write(bytes(number % 251 for number in range(length))) if length else None
begin = goes.read()
if "changed" in sys.argv:
    begin = begin[:-1] + bytes([begin[-1] ^ 1])
else:
    try:
        tls.unwrap()
    except ssl.SSLWantReadError:
        pass
data.sendall(begin + goes.read())
if "changed" in sys.argv:
    came.write(data.recv(65536))
    try:
        tls.read()
    except ssl.SSLError as error:
        print(error)
else:
    data.shutdown(socket.SHUT_WR)
print(client.getresp())
try:
    print(client.getresp())
except ftplib.Error as error:
    print(error)
