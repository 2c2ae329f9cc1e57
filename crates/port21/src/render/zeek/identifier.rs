//! Zeek's identifiers: a letter and 17 characters of base 62. Zeek draws them at random; these follow from the capture, so
//! that the same input gives the same logs.

use port21_analysis::community_id;
use port21_analysis::report::{Connection, Endpoint};
use sha2::{Digest as _, Sha256};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The `uid` of a TCP connection.
pub fn connection(connection: &Connection) -> String {
    let Connection { community_id, stream, first_packet, .. } = connection;
    identifier('C', &format!("{community_id} {stream} {first_packet}"))
}

/// The `uid` of a flow that is not TCP.
pub fn flow(client: Endpoint, server: Endpoint, protocol: u8) -> String {
    let (client, server) = ((client.address, client.port), (server.address, server.port));
    identifier('C', &community_id::community_id(client, server, protocol))
}

/// The `fuid` of the file of a transfer over the connection with this `uid`.
pub fn file(uid: &str, transfer: u64) -> String {
    identifier('F', &format!("{uid} {transfer}"))
}

fn identifier(kind: char, seed: &str) -> String {
    const LENGTH: usize = 17;
    let hash = Sha256::digest(seed.as_bytes());
    let mut number = hash.iter().take(16).fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    let mut identifier = String::with_capacity(LENGTH + 1);
    identifier.push(kind);
    for _ in 0..LENGTH {
        let digit = DIGITS.get((number % 62) as usize).copied().unwrap_or(b'0');
        identifier.push(char::from(digit));
        number /= 62;
    }
    identifier
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_zeeks_own_and_repeats() {
        let first = identifier('C', "1:LQU9qZlK+B5F3KDmev6m5PMibrg= 0 1");
        assert_eq!(first, identifier('C', "1:LQU9qZlK+B5F3KDmev6m5PMibrg= 0 1"));
        assert_eq!(first.len(), 18);
        assert!(first.starts_with('C') && first.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{first}");
    }

    #[test]
    fn reused_ports_give_another_identifier() {
        assert_ne!(identifier('C', "1:x 0 1"), identifier('C', "1:x 7 90"));
    }
}
