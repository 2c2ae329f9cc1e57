#!/usr/bin/env bash
# Records the captures in this folder anew: vsftpd serves curl and lftp over a loopback of its own, tcpdump looks on.
# Needs root, iproute2, and Debian's vsftpd, curl, lftp, tcpdump and openssl. The captures are other people's servers and
# clients talking, so they tell what our own code cannot: whether it shares a mistake with itself.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

# A network namespace keeps other programs' packets and ports out; 1500 bytes make segments of the usual size.
if [ -z "${INSIDE:-}" ]; then
    INSIDE=1 exec unshare --net "$0"
fi
ip link set lo mtu 1500 up

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir -p "$work/root/incoming" "$work/home" /var/run/vsftpd/empty
# The same bytes in every recording, without a random generator.
for number in $(seq 1 400); do printf 'line %04d of a file that was never interesting\n' "$number"; done >"$work/root/lines.txt"
head -c 9000 "$work/root/lines.txt" >"$work/upload.txt"
touch -d 2024-01-02T03:04:05Z "$work/root/lines.txt"
chmod 755 "$work" "$work/root" && chmod 777 "$work/root/incoming"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
cat >"$work/vsftpd.conf" <<CONF
listen=NO
listen_ipv6=YES
background=NO
anonymous_enable=YES
anon_root=$work/root
write_enable=YES
anon_upload_enable=YES
anon_other_write_enable=YES
anon_umask=022
port_enable=YES
pasv_min_port=50000
pasv_max_port=50100
connect_from_port_20=YES
seccomp_sandbox=NO
ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=NO
force_anon_data_ssl=NO
require_ssl_reuse=NO
rsa_cert_file=$work/certificate.pem
rsa_private_key_file=$work/key.pem
secure_chroot_dir=/var/run/vsftpd/empty
CONF
/usr/sbin/vsftpd "$work/vsftpd.conf" &
until (exec 3<>/dev/tcp/127.0.0.1/21) 2>/dev/null; do :; done

# record NAME COMMAND...: what COMMAND says to the server.
record() {
    local name=$1
    shift
    tcpdump -i lo -s 0 -U --immediate-mode -Z root -w "$here/$name.pcap" tcp 2>"$work/tcpdump.log" &
    local tcpdump=$!
    until grep -q listening "$work/tcpdump.log"; do :; done
    "$@" >/dev/null
    # The last acknowledgements come after the client has gone.
    sleep 0.5
    kill -TERM "$tcpdump" && wait "$tcpdump" || true
}

curl=(curl --silent --show-error --user anonymous:guest@example.org)
record curl-passive "${curl[@]}" --disable-epsv ftp://127.0.0.1/lines.txt
record curl-active "${curl[@]}" --disable-eprt --ftp-port 127.0.0.1 ftp://127.0.0.1/lines.txt
record curl-ipv6-passive "${curl[@]}" 'ftp://[::1]/lines.txt'
record curl-ipv6-active "${curl[@]}" --ftp-port ::1 'ftp://[::1]/lines.txt'
record curl-upload "${curl[@]}" --disable-epsv --upload-file "$work/upload.txt" ftp://127.0.0.1/incoming/
record curl-resume "${curl[@]}" --continue-at 10000 ftp://127.0.0.1/lines.txt
record curl-tls "${curl[@]}" --ssl-reqd --insecure ftp://127.0.0.1/lines.txt
HOME=$work/home record lftp-listing lftp -e 'set ssl:verify-certificate no; set ftp:ssl-allow no; ls; nlist; cat incoming/upload.txt; rm incoming/upload.txt; bye' ftp://127.0.0.1

(cd "$work" && sha256sum root/lines.txt upload.txt | sed 's# root/# #') >"$here/files.sha256"
