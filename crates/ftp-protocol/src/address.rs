//! Where a data connection goes: the arguments of PORT, EPRT and LPRT and the replies to PASV, EPSV and LPSV.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};

mod extended;
mod long;

pub use extended::{eprt_argument, epsv_reply_text, parse_eprt, parse_epsv_reply};
pub use long::{parse_lprt, parse_lpsv_reply};

/// An announced data address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DataAddress {
    /// The announced address; `None` means that of the control connection's peer (EPSV, RFC 2428 section 3).
    pub address: Option<IpAddr>,
    /// The announced port, 0 included although nothing can listen there.
    pub port: u16,
    /// The two bytes (high, low) of which the port was computed as high * 256 + low, where it was sent like that.
    pub arithmetic: Option<(u8, u8)>,
}

/// Why a text holds no data address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressError {
    /// Not six numbers from 0 to 255 with commas between them (RFC 959 section 5.3.2).
    NotSixNumbers,
    /// The delimiters do not part the text as `<d>..<d>..<d>..<d>` (RFC 2428 sections 2 and 3).
    Delimiters,
    /// The network protocol is neither 1 (IPv4) nor 2 (IPv6) of RFC 2428, nor 4 or 6 of RFC 1639.
    Protocol,
    /// The address is no address of its network protocol.
    Address,
    /// The port is no number from 0 to 65535.
    Port,
    /// The lengths of address and port do not fit the numbers given (RFC 1639 section 4).
    Lengths,
}

impl DataAddress {
    fn from_bytes(address: IpAddr, high: u8, low: u8) -> Self {
        Self { address: Some(address), port: u16::from_be_bytes([high, low]), arithmetic: Some((high, low)) }
    }

    /// Where to connect, with `peer` in place of an absent or unspecified (0.0.0.0, `::`) address.
    pub fn socket_address(&self, peer: IpAddr) -> SocketAddr {
        let address = self.address.filter(|address| !address.is_unspecified()).unwrap_or(peer);
        SocketAddr::new(address, self.port)
    }
}

/// Reads the argument of PORT, `h1,h2,h3,h4,p1,p2` (RFC 959 section 5.3.2). Spaces around numbers are tolerated.
pub fn parse_port(argument: &[u8]) -> Result<DataAddress, AddressError> {
    let (address, rest) = six_numbers(argument.trim_ascii_start())?;
    if rest.trim_ascii().is_empty() { Ok(address) } else { Err(AddressError::NotSixNumbers) }
}

/// Reads the text of a 227 reply: its first six numbers from 0 to 255 with commas between them, with or without
/// parentheses (RFC 1123 section 4.1.2.6 asks to search for them like that).
pub fn parse_pasv_reply(text: &[u8]) -> Result<DataAddress, AddressError> {
    let mut before_is_digit = false;
    for (at, byte) in text.iter().enumerate() {
        if byte.is_ascii_digit()
            && !before_is_digit
            && let Ok((address, _)) = six_numbers(text.get(at..).unwrap_or_default())
        {
            return Ok(address);
        }
        before_is_digit = byte.is_ascii_digit();
    }
    Err(AddressError::NotSixNumbers)
}

/// Writes the argument of PORT (RFC 959 section 5.3.2).
pub fn port_argument(address: SocketAddrV4) -> String {
    let [a, b, c, d] = address.ip().octets();
    let [high, low] = address.port().to_be_bytes();
    format!("{a},{b},{c},{d},{high},{low}")
}

/// Writes the text of a 227 reply, with the parentheses that clients look for.
pub fn pasv_reply_text(address: SocketAddrV4) -> String {
    format!("Entering Passive Mode ({}).", port_argument(address))
}

/// Six numbers at the beginning of `text`, and what is behind them.
fn six_numbers(text: &[u8]) -> Result<(DataAddress, &[u8]), AddressError> {
    let mut rest = text;
    let mut numbers = [0u8; 6];
    for (at, number) in numbers.iter_mut().enumerate() {
        if at > 0 {
            rest = rest
                .trim_ascii_start()
                .strip_prefix(b",")
                .ok_or(AddressError::NotSixNumbers)?
                .trim_ascii_start();
        }
        (*number, rest) = byte_number(rest).ok_or(AddressError::NotSixNumbers)?;
    }
    let [a, b, c, d, high, low] = numbers;
    Ok((DataAddress::from_bytes(Ipv4Addr::new(a, b, c, d).into(), high, low), rest))
}

/// A decimal number from 0 to 255 of one to three digits at the beginning of `text`, and what is behind it.
fn byte_number(text: &[u8]) -> Option<(u8, &[u8])> {
    let digits = text.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at_checked(digits)?;
    (digits <= 3).then_some(())?;
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, rest))
}

/// Decimal digits and nothing else, as a port.
fn port_number(text: &[u8]) -> Result<u16, AddressError> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(AddressError::Port);
    }
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(AddressError::Port)
}

/// An IPv6 address of sixteen bytes.
fn address_v6(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 16]>::try_from(bytes).ok().map(|bytes| Ipv6Addr::from(bytes).into())
}

impl fmt::Display for AddressError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotSixNumbers => "found no six numbers from 0 to 255 with commas between them",
            Self::Delimiters => "the text is not parted by four equal delimiters",
            Self::Protocol => "the network protocol is neither IPv4 nor IPv6",
            Self::Address => "the address is no address of its network protocol",
            Self::Port => "the port is no number from 0 to 65535",
            Self::Lengths => "the lengths do not fit the numbers behind them",
        })
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests;
