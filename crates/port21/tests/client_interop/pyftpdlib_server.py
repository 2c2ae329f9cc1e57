"""pyftpdlib for the tests: address, port, root, and with TLS the file of certificate and key."""

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

address, port, root = sys.argv[1], int(sys.argv[2]), sys.argv[3]
handler = FTPHandler
if len(sys.argv) > 4:
    handler = TLS_FTPHandler
    handler.certfile = sys.argv[4]
    handler.tls_control_required = True
    handler.tls_data_required = True
handler.authorizer = DummyAuthorizer()
handler.authorizer.add_user("joe", "secret", root, perm="elradfmwMT")
handler.use_sendfile = False
FTPServer((address, port), handler).serve_forever()
