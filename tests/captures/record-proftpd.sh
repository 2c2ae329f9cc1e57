#!/usr/bin/env bash
# Records ncftp-*.pcap and ftplib-*.pcap anew: proftpd serves ncftp and Python's ftplib, as record.sh does it with vsftpd, which
# Debian does not install beside proftpd. Needs root, iproute2, and Debian's proftpd-core, ncftp, python3 and tcpdump.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

# A network namespace keeps other programs' packets and ports out; 1500 bytes make segments of the usual size.
if [ -z "${INSIDE:-}" ]; then
    INSIDE=1 exec unshare --net "$0"
fi
ip link set lo mtu 1500 up

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
home="$work/home of carol" server="$work/server"
mkdir -p "$home/Berichte älter" "$server" "$work/client/got"
# The same bytes in every recording, without a random generator.
for number in $(seq 1 250); do printf 'row %04d of a table that nobody will read\n' "$number"; done >"$home/table one.txt"
for number in $(seq 1 300); do printf '\x00\xff\r\n\xf2%05d' "$number"; done >"$home/Berichte älter/bytes.bin"
printf 'short\nlines\n' >"$home/Berichte älter/notes.txt"
tail -c 5000 "$home/table one.txt" >"$work/client/upload \"a\".txt"
find "$home" -exec touch -d 2024-01-02T03:04:05Z {} +
chown -R nobody "$home" && chmod 755 "$work"
printf 'carol:%s:65534:65534::%s:/bin/sh\n' "$(printf 'open sesame' | openssl passwd -1 -salt port21 -stdin)" "$home" >"$work/accounts"
chmod 600 "$work/accounts"
cat >"$work/proftpd.conf" <<CONF
ServerType standalone
DefaultAddress 127.0.0.1
Port 21
User nobody
Group nogroup
DefaultRoot ~
AuthOrder mod_auth_file.c
AuthUserFile $work/accounts
RequireValidShell off
UseReverseDNS off
WtmpLog none
PidFile $server/pid
ScoreboardFile $server/scoreboard
SystemLog $server/log
DelayEngine off
PassivePorts 50000 50100
AllowStoreRestart on
AllowOverwrite on
AllowRetrieveRestart on
CONF
/usr/sbin/proftpd --nodaemon --config "$work/proftpd.conf" &
until (exec 3<>/dev/tcp/127.0.0.1/21) 2>/dev/null; do :; done

# record NAME COMMAND...: what COMMAND says to the server.
record() {
    local name=$1
    shift
    tcpdump -i lo -s 0 -U --immediate-mode -Z root -w "$here/$name.pcap" tcp 2>"$work/tcpdump.log" &
    local tcpdump=$!
    until grep -q listening "$work/tcpdump.log"; do :; done
    (cd "$work/client" && HOME=$work/client "$@" >/dev/null)
    # The last acknowledgements come after the client has gone.
    sleep 0.5
    kill -TERM "$tcpdump" && wait "$tcpdump" || true
}

account=(-u carol -p 'open sesame')
record ncftp-get ncftpget -V -R -T "${account[@]}" 127.0.0.1 got 'Berichte älter'
record ncftp-put ncftpput -V -E "${account[@]}" 127.0.0.1 . 'upload "a".txt'
record ftplib-session python3 - <<'PYTHON'
import ftplib, io
ftp = ftplib.FTP('127.0.0.1')
ftp.login('carol', 'open sesame')
ftp.cwd('Berichte älter')
print(ftp.pwd())
print(list(ftp.mlsd()))
print(ftp.nlst())
ftp.retrlines('RETR notes.txt', print)
ftp.cwd('..')
try:
    ftp.retrbinary('RETR never there.txt', print)
except ftplib.error_perm:
    pass
ftp.retrbinary('RETR table one.txt', len)
ftp.set_pasv(False)
ftp.retrbinary('RETR table one.txt', len, rest=4000)
ftp.storbinary('STOR in two parts.bin', io.BytesIO(b'first part, '))
ftp.storbinary('APPE in two parts.bin', io.BytesIO(b'second part'))
ftp.mkd('a "quoted" folder')
ftp.rename('in two parts.bin', 'a "quoted" folder/whole.bin')
ftp.cwd('a "quoted" folder')
ftp.retrbinary('RETR whole.bin', len)
ftp.delete('whole.bin')
ftp.cwd('/')
ftp.quit()
PYTHON

(cd "$home" && sha256sum "Berichte älter/bytes.bin" "Berichte älter/notes.txt" "table one.txt"; cd "$work/client" && sha256sum 'upload "a".txt') >"$here/files-proftpd.sha256"
