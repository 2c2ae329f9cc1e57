"""Does one piece of work with Python's ftplib."""

import ftplib
import os
import socket
import ssl
import sys

host, port, user, password, folder, protection, mode, restart, work, name = sys.argv[1:]
# Names are bytes: whatever they are, they pass through as surrogates.
if protection == "clear":
    ftp = ftplib.FTP(timeout=30, encoding="utf-8")
else:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    version = ssl.TLSVersion.TLSv1_2 if protection == "1.2" else ssl.TLSVersion.TLSv1_3
    context.minimum_version = context.maximum_version = version
    ftp = ftplib.FTP_TLS(timeout=30, encoding="utf-8", context=context)


if name.encode("utf-8", "surrogateescape") != os.fsencode(name) or any("\udc80" <= c <= "\udcff" for c in name):
    ftp.encoding = "latin-1"
    name = os.fsencode(name).decode("latin-1")
    local = name.encode("latin-1")
else:
    local = name
ftp.connect(host, int(port))
if protection != "clear":
    ftp.auth()
ftp.login(user, password)
if protection != "clear":
    ftp.prot_p()
ftp.set_pasv(mode in ("Pasv", "Epsv"))
if mode == "Epsv":
    # It chooses the extended command by the family of the address.
    ftp.af = socket.AF_INET6
ftp.cwd(folder)
if work == "get":
    with open(local, "wb") as file:
        ftp.retrbinary("RETR " + name, file.write)
elif work == "put":
    with open(local, "rb") as file:
        ftp.storbinary("STOR " + name, file)
elif work == "reget":
    with open(local, "ab") as file:
        ftp.retrbinary("RETR " + name, file.write, rest=file.tell())
elif work == "reput":
    with open(local, "rb") as file:
        file.seek(int(restart))
        ftp.storbinary("STOR " + name, file, rest=int(restart))
elif work == "rename":
    ftp.rename("old.txt", "new.txt")
elif work == "delete":
    ftp.delete("old.txt")
elif work == "mkdir":
    ftp.mkd("made")
else:
    ftp.retrlines("LIST")
    print([name for name, facts in ftp.mlsd()])
ftp.quit()
