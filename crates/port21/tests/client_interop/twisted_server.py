"""Twisted's FTP server for the tests: address, port and root."""

import sys

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor
from twisted.protocols.ftp import FTPFactory, FTPShell, IFTPShell
from twisted.python.filepath import FilePath
from zope.interface import implementer


@implementer(IRealm)
class Realm:
    def requestAvatar(self, avatar, mind, *interfaces):
        return IFTPShell, FTPShell(FilePath(sys.argv[3])), lambda: None


accounts = InMemoryUsernamePasswordDatabaseDontUse()
# Its server asks with text, where other protocols of Twisted have bytes.
accounts.addUser("joe", "secret")
reactor.listenTCP(int(sys.argv[2]), FTPFactory(Portal(Realm(), [accounts])), interface=sys.argv[1])
reactor.run()
