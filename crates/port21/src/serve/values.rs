//! Values of options and of the configuration file, read the same from both.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use ftp_server::driver::Host;
use ftp_server::limit::Network;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// Lets a value stand in a file as the text that stands on the command line.
macro_rules! from_text {
    ($($name:ty),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(TextVisitor).and_then(|text: String| text.parse().map_err(D::Error::custom))
            }
        }
    )*};
}

from_text!(Time, Peers, Ports, PassiveHost, PassiveFor, Listen, Umask, Rate);

/// Text, or a whole number, which is as good.
struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text or a whole number")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

/// A time: `90`, `90s`, `5m`, `2h`, `1d`, `500ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Duration);

/// The longest time that can be set.
const LONGEST_TIME: Duration = Duration::from_secs(366 * 86_400);

impl FromStr for Time {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        let milliseconds = match unit.trim() {
            "ms" => Some(1),
            "" | "s" => Some(1_000),
            "m" | "min" => Some(60_000),
            "h" => Some(3_600_000),
            "d" => Some(86_400_000),
            _ => None,
        };
        let number = digits.parse::<u64>().ok();
        number
            .zip(milliseconds)
            .and_then(|(number, unit)| number.checked_mul(unit))
            .map(Duration::from_millis)
            .filter(|time| *time <= LONGEST_TIME)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no time such as 30s, 5m or 2h"))
    }
}

/// An address and a port to listen on; only a port is on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

impl FromStr for Listen {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let whole = if text.parse::<u16>().is_ok() { format!("127.0.0.1:{text}") } else { text.to_owned() };
        whole.parse().map(Self).map_err(|_| {
            format!("{text:?} is no address with a port, such as 127.0.0.1:2121, 0.0.0.0:21 or [::]:21")
        })
    }
}

/// A network, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peers(pub Network);

impl FromStr for Peers {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error: ftp_server::limit::BadNetwork| error.to_string())
    }
}

/// A range of ports: `50000-50100`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports(pub RangeInclusive<u16>);

impl FromStr for Ports {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
            (Ok(first), Ok(last)) if first > 0 && first <= last => Ok(Self(first..=last)),
            _ => Err(format!("{text:?} is no range of ports such as 50000-50100")),
        }
    }
}

/// An address, or a name whose address is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassiveHost(pub Host);

impl FromStr for PassiveHost {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self(Host::Address(address)));
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        // What has a digit or nothing behind its last dot was meant as an address.
        let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
        if text.is_empty() || !text.bytes().all(is_name) || last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("{text:?} is neither an address nor the name of a host"));
        }
        Ok(Self(Host::Name(text.to_owned())))
    }
}

/// The passive address for clients of a network: `10.0.0.0/8=10.0.0.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassiveFor(pub Network, pub Host);

impl FromStr for PassiveFor {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (network, host) = text
            .split_once('=')
            .ok_or_else(|| format!("{text:?} is no network with its address, such as 10.0.0.0/8=10.0.0.1"))?;
        Ok(Self(network.trim().parse::<Peers>()?.0, host.trim().parse::<PassiveHost>()?.0))
    }
}

/// Permission bits that new files and directories lack, in octal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Umask(pub u32);

impl FromStr for Umask {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        u32::from_str_radix(text, 8)
            .ok()
            .filter(|bits| *bits <= 0o777)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no umask such as 022 or 077"))
    }
}

/// Bytes a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(pub u64);

impl FromStr for Rate {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let amount: ftp_server::account::Amount =
            text.parse().map_err(|error: ftp_server::account::BadAmount| error.to_string())?;
        if amount.0 == 0 {
            return Err(
                "0 bytes a second would be no transfer at all; leave the rate out for no limit".to_owned()
            );
        }
        Ok(Self(amount.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        for (text, milliseconds) in
            [("90", 90_000), ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2 h", 7_200_000), ("0", 0)]
        {
            assert_eq!(text.parse::<Time>().unwrap().0, Duration::from_millis(milliseconds), "{text}");
        }
        for text in ["", "s", "-1", "5 parsecs", "1.5h", "400d", "99999999999999999999"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_meant_as_an_address_is_no_name() {
        for text in ["300.1.1.1", "10.0.0", "1", "", "a b", "::x", "host:21"] {
            assert!(text.parse::<PassiveHost>().is_err(), "{text}");
        }
        assert_eq!("ftp.example.org".parse::<PassiveHost>().unwrap().0, Host::Name("ftp.example.org".into()));
        let own = "10.0.0.0/8=ftp.example.org".parse::<PassiveFor>().unwrap();
        assert_eq!((own.0.to_string(), own.1), ("10.0.0.0/8".into(), Host::Name("ftp.example.org".into())));
    }

    #[test]
    fn ports_umasks_and_listeners_are_checked() {
        assert_eq!("50000-50100".parse::<Ports>().unwrap().0, 50_000..=50_100);
        assert_eq!("2121".parse::<Listen>().unwrap().0, "127.0.0.1:2121".parse().unwrap());
        assert_eq!("027".parse::<Umask>().unwrap().0, 0o27);
        for text in ["0-10", "10-1", "1-70000", "x"] {
            assert!(text.parse::<Ports>().is_err(), "{text}");
        }
        assert!("1777".parse::<Umask>().is_err() && "8".parse::<Umask>().is_err());
        assert!("localhost:21".parse::<Listen>().is_err());
        assert!("0".parse::<Rate>().is_err());
    }
}
