"""A client of Python's own library: port, TLS version (1.2, 1.3 or implicit), whether it resumes, and how many rounds."""
import ftplib
import io
import ssl
import sys

port, version, resumes, rounds = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "resume", int(sys.argv[4])


class Client(ftplib.FTP_TLS):
    implicit = version == "implicit"

    def connect_implicitly(self):
        import socket
        self.host, self.port = "127.0.0.1", port
        plain = socket.create_connection((self.host, port), timeout=30)
        self.af = plain.family
        self.sock = self.context.wrap_socket(plain)
        self.file = self.sock.makefile("r", encoding="utf-8")
        self.welcome = self.getresp()

    def ntransfercmd(self, command, rest=None):
        connection, size = ftplib.FTP.ntransfercmd(self, command, rest)
        if self._prot_p:
            session = self.sock.session if resumes else None
            connection = self.context.wrap_socket(connection, session=session)
            self.resumed = connection.session_reused
        return connection, size


context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
if version == "1.2":
    context.maximum_version = ssl.TLSVersion.TLSv1_2
elif version == "1.3":
    context.minimum_version = ssl.TLSVersion.TLSv1_3
client = Client(context=context, timeout=30)
if client.implicit:
    client.connect_implicitly()
    client.login("anna", "secret", secure=False)
else:
    client.connect("127.0.0.1", port)
    client.login("anna", "secret")
client.prot_p()
resumed = 0
for number in range(rounds):
    content = bytes([number % 256]) * (number * 997)
    client.storbinary("STOR python", io.BytesIO(content))
    resumed += client.resumed
    back = io.BytesIO()
    client.retrbinary("RETR python", back.write)
    resumed += client.resumed
    assert back.getvalue() == content, number
    assert "python" in client.nlst()
client.quit()
print("resumed", resumed)
