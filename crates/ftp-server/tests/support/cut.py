"""Uploads 1000 bytes over TLS and closes the data connection without TLS's close_notify; prints the reply."""
import ftplib
import socket
import ssl
import sys

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
client = ftplib.FTP_TLS(context=context, timeout=30)
client.connect("127.0.0.1", int(sys.argv[1]))
client.login("anna", "secret")
client.prot_p()
data = client.transfercmd("STOR cut")
data.sendall(bytes(1000))
# The end of TCP without the end of TLS.
data.shutdown(socket.SHUT_WR)
try:
    print(client.voidresp())
except ftplib.Error as error:
    print(error)
