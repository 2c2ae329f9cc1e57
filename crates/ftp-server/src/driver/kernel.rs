//! TLS records that the kernel makes of what is sent (kTLS): of the pages of the file, which nobody has to copy.
//!
//! rustls shakes hands; then the kernel gets the key and the number of the next record. What it cannot do is left to rustls:
//! it has no key updates (before Linux 6.14), and its ChaCha20-Poly1305 is slower than that of rustls.

use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{MsgHdr, SockRef};
use tokio_rustls::rustls::{ConnectionTrafficSecrets, ProtocolVersion, ServerConnection};

use super::socket::retry;

/// The shortest file for which it is worth the kernel's preparations.
const SHORTEST: u64 = 1 << 20;

/// The longest: rustls would take a new key before 2^24 records (RFC 8446, section 5.5), and this is half of it.
const LONGEST: u64 = 1 << 37;

/// Ciphers that are left to the kernel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cipher {
    Aes128Gcm,
    Aes256Gcm,
}

/// What the kernel has to know to go on where rustls stopped.
struct Position<'a> {
    version: u16,
    sequence: [u8; 8],
    key: &'a [u8],
    iv: [u8; 12],
}

/// Whether so many bytes are worth it.
pub(super) fn suits(bytes: u64) -> bool {
    (SHORTEST..=LONGEST).contains(&bytes)
}

/// Whether the kernel can go on with this connection; it is asked once for each version and cipher.
pub(super) fn can_take(connection: &ServerConnection) -> bool {
    let Some((version, cipher)) = version(connection).zip(cipher(connection)) else { return false };
    static KNOWN: [OnceLock<bool>; 4] = [const { OnceLock::new() }; 4];
    let place = cipher as usize * 2 + usize::from(version == VERSION_1_3);
    KNOWN.get(place).is_some_and(|known| *known.get_or_init(|| try_out(version, cipher).is_ok()))
}

const VERSION_1_2: u16 = 0x0303;
const VERSION_1_3: u16 = 0x0304;

fn version(connection: &ServerConnection) -> Option<u16> {
    match connection.protocol_version()? {
        ProtocolVersion::TLSv1_2 => Some(VERSION_1_2),
        ProtocolVersion::TLSv1_3 => Some(VERSION_1_3),
        _ => None,
    }
}

fn cipher(connection: &ServerConnection) -> Option<Cipher> {
    let name = connection.negotiated_cipher_suite()?.suite().as_str()?;
    [("AES_128_GCM_SHA256", Cipher::Aes128Gcm), ("AES_256_GCM_SHA384", Cipher::Aes256Gcm)]
        .into_iter()
        .find_map(|(ending, cipher)| name.ends_with(ending).then_some(cipher))
}

/// On a connection of its own, with a key that protects nothing: one that the kernel refused could not go on.
fn try_out(version: u16, cipher: Cipher) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let socket = TcpStream::connect(listener.local_addr()?)?;
    let key: &[u8] = if cipher == Cipher::Aes128Gcm { &[0; 16] } else { &[0; 32] };
    hand_over(&socket, cipher, &Position { version, sequence: [0; 8], key, iv: [0; 12] })
}

/// Has the kernel make the records of what is sent from here on.
pub(super) fn take(socket: impl AsFd, connection: ServerConnection) -> io::Result<()> {
    let version = version(&connection).ok_or(io::ErrorKind::Unsupported)?;
    let (sequence, secrets) = connection.dangerous_extract_secrets().map_err(io::Error::other)?.tx;
    let (cipher, key, iv) = match &secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv } if key.as_ref().len() == 32 => {
            (Cipher::Aes256Gcm, key, iv)
        }
        ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (Cipher::Aes128Gcm, key, iv),
        ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (Cipher::Aes256Gcm, key, iv),
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let iv = sized(iv.as_ref())?;
    let iv = if version == VERSION_1_2 { unused_from(iv, sequence) } else { iv };
    hand_over(socket, cipher, &Position { version, sequence: sequence.to_be_bytes(), key: key.as_ref(), iv })
}

/// A nonce for TLS 1.2 from which on none was used.
///
/// The kernel counts up the explicit part of a nonce (RFC 5288, section 3) for each record, whatever the sequence number. rustls has used the
/// first one XOR each number below this one; the sum is more than any of them.
fn unused_from(iv: [u8; 12], sequence: u64) -> [u8; 12] {
    let [a, b, c, d, explicit @ ..] = iv;
    let explicit = u64::from_be_bytes(explicit).wrapping_add(sequence).to_be_bytes();
    let [e, f, g, h, i, j, k, l] = explicit;
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

fn hand_over(socket: impl AsFd, cipher: Cipher, position: &Position<'_>) -> io::Result<()> {
    let &Position { version, sequence, key, iv } = position;
    let info = |cipher_type| libc::tls_crypto_info { version, cipher_type };
    let (salt, explicit) = iv.split_at(4);
    let crypto = match cipher {
        Cipher::Aes128Gcm => sockopt::TlsCryptoInfo::Aes128Gcm(libc::tls12_crypto_info_aes_gcm_128 {
            info: info(libc::TLS_CIPHER_AES_GCM_128),
            iv: sized(explicit)?,
            key: sized(key)?,
            salt: sized(salt)?,
            rec_seq: sequence,
        }),
        Cipher::Aes256Gcm => sockopt::TlsCryptoInfo::Aes256Gcm(libc::tls12_crypto_info_aes_gcm_256 {
            info: info(libc::TLS_CIPHER_AES_GCM_256),
            iv: sized(explicit)?,
            key: sized(key)?,
            salt: sized(salt)?,
            rec_seq: sequence,
        }),
    };
    setsockopt(&socket, sockopt::TcpUlp::default(), b"tls")?;
    setsockopt(&socket, sockopt::TcpTlsTx, &crypto)?;
    Ok(())
}

fn sized<const N: usize>(bytes: &[u8]) -> io::Result<[u8; N]> {
    bytes.try_into().map_err(io::Error::other)
}

/// Says that this was all (RFC 8446, section 6.1).
///
/// What did not fit into the socket's buffer waits as whole records in the kernel, which tells nobody so. Sent while there is space, the
/// alert takes all of it along.
pub(super) fn send_close_notify(socket: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [PollFd::new(&socket, PollFlags::OUT)];
    if retry(|| poll(&mut space, Some(&Timespec::default())))? == 0 {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    const WARNING_CLOSE_NOTIFY: [u8; 2] = [1, 0];
    const ALERT: u8 = 21;
    // A control message (cmsg(3)): its length, level and type, then one byte, and space up to the next.
    let mut control = Vec::new();
    let header = size_of::<usize>() + 2 * size_of::<libc::c_int>();
    control.extend((header + 1).to_ne_bytes());
    control.extend(libc::SOL_TLS.to_ne_bytes());
    control.extend(libc::TLS_SET_RECORD_TYPE.to_ne_bytes());
    control.push(ALERT);
    control.resize(control.len().next_multiple_of(size_of::<usize>()), 0);
    let text = [IoSlice::new(&WARNING_CLOSE_NOTIFY)];
    let message = MsgHdr::new().with_buffers(&text).with_control(&control);
    SockRef::from(&socket).sendmsg(&message, libc::MSG_NOSIGNAL).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_nonce_is_used_twice() {
        for first in [0, 1, 0xff, 0x7fff_ffff_ffff_fff8, u64::MAX - 4] {
            for sequence in 0..64_u64 {
                let mut iv = [7; 12];
                iv[4..].copy_from_slice(&u64::to_be_bytes(first));
                let next = unused_from(iv, sequence);
                assert_eq!(next[..4], iv[..4]);
                let from = u64::from_be_bytes(next[4..].try_into().unwrap());
                let used: Vec<u64> = (0..sequence).map(|number| first ^ number).collect();
                let coming: Vec<u64> = (0..1000).map(|number| from.wrapping_add(number)).collect();
                assert!(used.iter().all(|nonce| !coming.contains(nonce)), "{first:x} {sequence}");
            }
        }
    }

    #[test]
    fn the_kernel_is_left_alone_with_files_for_which_it_is_not_worth_it_or_which_need_a_new_key() {
        assert!(!suits(0) && !suits((1 << 20) - 1) && !suits((1 << 37) + 1) && !suits(u64::MAX));
        assert!(suits(1 << 20) && suits(1 << 37));
    }

    #[test]
    fn a_kernel_without_tls_is_known_by_its_refusal() {
        let known = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_ulp").unwrap_or_default();
        let known = known.split_whitespace().any(|name| name == "tls");
        for version in [VERSION_1_2, VERSION_1_3] {
            for cipher in [Cipher::Aes128Gcm, Cipher::Aes256Gcm] {
                let tried = try_out(version, cipher);
                // root has the module loaded by asking for it.
                assert!(tried.is_ok() || !known, "{tried:?}");
            }
        }
    }
}
