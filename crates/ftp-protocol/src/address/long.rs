//! LPRT and LPSV, RFC 1639.

use std::net::{IpAddr, Ipv4Addr};

use super::{AddressError, DataAddress, address_v6, byte_number};

/// Most numbers that a long address can hold: version, length and 16 bytes of address, length and 2 bytes of port.
const MOST_NUMBERS: usize = 21;

/// Reads the argument of LPRT, `af,hal,h1,..,pal,p1,..` (RFC 1639 section 4): IPv4 and IPv6 with two bytes of port.
pub fn parse_lprt(argument: &[u8]) -> Result<DataAddress, AddressError> {
    let (numbers, count, rest) = numbers(argument.trim_ascii_start());
    if !rest.trim_ascii().is_empty() {
        return Err(AddressError::Lengths);
    }
    long_address(numbers.get(..count).unwrap_or_default())
}

/// Reads the text of a 228 reply, whose numbers stand between parentheses or anywhere in the text (RFC 1639
/// section 5).
pub fn parse_lpsv_reply(text: &[u8]) -> Result<DataAddress, AddressError> {
    let mut error = AddressError::Lengths;
    let mut before_is_digit = false;
    for (at, byte) in text.iter().enumerate() {
        if byte.is_ascii_digit() && !before_is_digit {
            let (numbers, count, _) = numbers(text.get(at..).unwrap_or_default());
            // A single number is part of the prose.
            if count > 1 {
                match long_address(numbers.get(..count).unwrap_or_default()) {
                    Ok(address) => return Ok(address),
                    Err(other) => error = other,
                }
            }
        }
        before_is_digit = byte.is_ascii_digit();
    }
    Err(error)
}

fn long_address(numbers: &[u8]) -> Result<DataAddress, AddressError> {
    let (address, port): (IpAddr, &[u8]) = match numbers {
        [4, 4, a, b, c, d, port @ ..] => (Ipv4Addr::new(*a, *b, *c, *d).into(), port),
        [6, 16, rest @ ..] => {
            let (address, port) = rest.split_at_checked(16).ok_or(AddressError::Lengths)?;
            (address_v6(address).ok_or(AddressError::Lengths)?, port)
        }
        [4 | 6, ..] => return Err(AddressError::Lengths),
        [] => return Err(AddressError::Lengths),
        _ => return Err(AddressError::Protocol),
    };
    match port {
        [2, high, low] => Ok(DataAddress::from_bytes(address, *high, *low)),
        _ => Err(AddressError::Lengths),
    }
}

/// Numbers from 0 to 255 with commas between them at the beginning of `text`, how many, and what is behind them.
fn numbers(text: &[u8]) -> ([u8; MOST_NUMBERS], usize, &[u8]) {
    let mut numbers = [0; MOST_NUMBERS];
    let mut count = 0usize;
    let mut rest = text;
    let mut next = Some(text);
    while let (Some(slot), Some((number, behind))) = (numbers.get_mut(count), next.and_then(byte_number)) {
        *slot = number;
        count = count.saturating_add(1);
        rest = behind;
        next = behind.trim_ascii_start().strip_prefix(b",").map(<[u8]>::trim_ascii_start);
    }
    (numbers, count, rest)
}
