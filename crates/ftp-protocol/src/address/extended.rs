//! EPRT and EPSV, RFC 2428.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{AddressError, DataAddress, port_number};

/// Reads the argument of EPRT, `|protocol|address|port|` with any delimiter (RFC 2428 section 2). A missing last
/// delimiter is tolerated.
pub fn parse_eprt(argument: &[u8]) -> Result<DataAddress, AddressError> {
    let text = argument.trim_ascii();
    let (&delimiter, rest) = text.split_first().ok_or(AddressError::Delimiters)?;
    let mut parts = rest.split(|&byte| byte == delimiter).map(<[u8]>::trim_ascii);
    let [Some(protocol), Some(address), Some(port)] = [parts.next(), parts.next(), parts.next()] else {
        return Err(AddressError::Delimiters);
    };
    if parts.any(|part| !part.is_empty()) {
        return Err(AddressError::Delimiters);
    }
    let address = std::str::from_utf8(address).map_err(|_| AddressError::Address)?;
    let address = match protocol {
        b"1" => address.parse::<Ipv4Addr>().map(IpAddr::from),
        // RFC 2428 has no zone; some clients send that of a link-local address.
        b"2" => address.split('%').next().unwrap_or_default().parse::<Ipv6Addr>().map(IpAddr::from),
        _ => return Err(AddressError::Protocol),
    };
    let address = address.map_err(|_| AddressError::Address)?;
    Ok(DataAddress { address: Some(address), port: port_number(port)?, arithmetic: None })
}

/// Reads the text of a 229 reply, `(|||port|)` with any delimiter (RFC 2428 section 3), wherever it stands in the
/// text. Missing parentheses and a missing last delimiter are tolerated; an address that some servers add, though
/// it must be empty, is kept.
pub fn parse_epsv_reply(text: &[u8]) -> Result<DataAddress, AddressError> {
    let mut error = AddressError::Delimiters;
    if let Some(open) = text.iter().rposition(|&byte| byte == b'(') {
        let inside = text.get(open..).unwrap_or_default().get(1..).unwrap_or_default();
        let inside = inside.split(|&byte| byte == b')').next().unwrap_or_default();
        match delimited(inside.trim_ascii()) {
            Ok(address) => return Ok(address),
            Err(other) => error = other,
        }
    }
    // Without parentheses: three equal delimiters in a row, then digits.
    for (at, window) in text.windows(4).enumerate() {
        if let &[first, second, third, digit] = window {
            let delimiter = first.is_ascii_punctuation() && first == second && second == third;
            if delimiter && digit.is_ascii_digit() {
                return delimited(text.get(at..).unwrap_or_default());
            }
        }
    }
    Err(error)
}

/// `<d>protocol<d>address<d>port<d>`, both first parts mostly empty; what follows the last delimiter is not read.
fn delimited(text: &[u8]) -> Result<DataAddress, AddressError> {
    let (&delimiter, rest) = text.split_first().ok_or(AddressError::Delimiters)?;
    if delimiter.is_ascii_alphanumeric() {
        return Err(AddressError::Delimiters);
    }
    let mut parts = rest.split(|&byte| byte == delimiter);
    let [Some(_), Some(address), Some(port)] = [parts.next(), parts.next(), parts.next()] else {
        return Err(AddressError::Delimiters);
    };
    let port = if parts.next().is_some() { port } else { leading_digits(port) };
    let address = match std::str::from_utf8(address).map_err(|_| AddressError::Address)? {
        "" => None,
        text => Some(text.parse().map_err(|_| AddressError::Address)?),
    };
    Ok(DataAddress { address, port: port_number(port)?, arithmetic: None })
}

fn leading_digits(text: &[u8]) -> &[u8] {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.get(..digits).unwrap_or_default()
}

/// Writes the argument of EPRT (RFC 2428 section 2).
pub fn eprt_argument(address: SocketAddr) -> String {
    let protocol = if address.is_ipv4() { 1 } else { 2 };
    format!("|{protocol}|{}|{}|", address.ip(), address.port())
}

/// Writes the text of a 229 reply (RFC 2428 section 3).
pub fn epsv_reply_text(port: u16) -> String {
    format!("Entering Extended Passive Mode (|||{port}|)")
}
