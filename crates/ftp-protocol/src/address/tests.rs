use super::*;
use proptest::prelude::*;

fn v4(address: [u8; 4], high: u8, low: u8) -> DataAddress {
    DataAddress::from_bytes(Ipv4Addr::from(address).into(), high, low)
}

fn port_only(port: u16) -> DataAddress {
    DataAddress { address: None, port, arithmetic: None }
}

#[test]
fn port_argument_is_read() {
    let address = parse_port(b"192,168,1,10,19,137").unwrap();
    assert_eq!(address, v4([192, 168, 1, 10], 19, 137));
    assert_eq!((address.port, address.arithmetic), (5001, Some((19, 137))));
}

#[test]
fn spaces_in_port_are_tolerated() {
    for text in [" 10,0,0,1,4,1", "10, 0, 0, 1, 4, 1", "10 ,0,0,1,4,1 ", "010,000,000,001,004,001"] {
        assert_eq!(parse_port(text.as_bytes()), Ok(v4([10, 0, 0, 1], 4, 1)), "{text}");
    }
}

#[test]
fn bad_port_arguments_are_refused() {
    for text in [
        "",
        "1,2,3,4,5",
        "1,2,3,4,5,256",
        "1,2,3,4,5,-6",
        "1,2,3,4,5,6,7",
        "1,2,3,4,5,6x",
        "1.2.3.4,5,6",
        "1,,3,4,5,6",
        "0001,2,3,4,5,6",
        "+1,2,3,4,5,6",
    ] {
        assert_eq!(parse_port(text.as_bytes()), Err(AddressError::NotSixNumbers), "{text}");
    }
}

#[test]
fn pasv_reply_is_read_with_and_without_parentheses() {
    for text in [
        "Entering Passive Mode (10,0,0,1,4,1).",
        "Entering Passive Mode (10,0,0,1,4,1)",
        "Entering Passive Mode 10,0,0,1,4,1",
        "Entering Passive Mode. 10,0,0,1,4,1",
        "=10,0,0,1,4,1",
        "10,0,0,1,4,1",
        "Server 2 says, on 3: (10, 0, 0, 1, 4, 1)",
        "300,10,0,0,1,4,1",
    ] {
        assert_eq!(parse_pasv_reply(text.as_bytes()), Ok(v4([10, 0, 0, 1], 4, 1)), "{text}");
    }
}

#[test]
fn pasv_reply_without_six_numbers_is_an_error() {
    for text in
        ["", "Entering Passive Mode", "Entering Passive Mode (1,2,3,4,5)", "(1,2,3,4,5,999)", "(|||5000|)"]
    {
        assert_eq!(parse_pasv_reply(text.as_bytes()), Err(AddressError::NotSixNumbers), "{text}");
    }
}

#[test]
fn unspecified_address_means_the_peer() {
    let address = parse_pasv_reply(b"Entering Passive Mode (0,0,0,0,4,1)").unwrap();
    assert_eq!(address.address, Some(Ipv4Addr::UNSPECIFIED.into()));
    let peer = IpAddr::from([10, 0, 0, 9]);
    assert_eq!(address.socket_address(peer), SocketAddr::new(peer, 1025));
    assert_eq!(port_only(7).socket_address(peer), SocketAddr::new(peer, 7));
}

#[test]
fn eprt_argument_is_read() {
    let expected =
        DataAddress { address: Some(IpAddr::from([132, 235, 1, 2])), port: 6275, arithmetic: None };
    for text in
        ["|1|132.235.1.2|6275|", "!1!132.235.1.2!6275!", " |1|132.235.1.2|6275| ", "|1|132.235.1.2|6275"]
    {
        assert_eq!(parse_eprt(text.as_bytes()), Ok(expected), "{text}");
    }
    let six = parse_eprt(b"|2|1080::8:800:200C:417A|5282|").unwrap();
    assert_eq!(six.address, Some("1080::8:800:200c:417a".parse().unwrap()));
    assert_eq!(parse_eprt(b"|2|fe80::1%eth0|5282|").unwrap().address, Some("fe80::1".parse().unwrap()));
}

#[test]
fn bad_eprt_arguments_name_the_culprit() {
    for (text, error) in [
        ("", AddressError::Delimiters),
        ("|1|10.0.0.1", AddressError::Delimiters),
        ("|1|10.0.0.1|5|6|", AddressError::Delimiters),
        ("|3|10.0.0.1|5|", AddressError::Protocol),
        ("|1|::1|5|", AddressError::Address),
        ("|2|10.0.0.1|5|", AddressError::Address),
        ("|1|10.0.0.1|65536|", AddressError::Port),
        ("|1|10.0.0.1|+5|", AddressError::Port),
        ("|1|10.0.0.1||", AddressError::Port),
    ] {
        assert_eq!(parse_eprt(text.as_bytes()), Err(error), "{text}");
    }
}

#[test]
fn epsv_reply_is_read_with_any_delimiter() {
    for text in [
        "Entering Extended Passive Mode (|||6446|)",
        "Entering Extended Passive Mode (|||6446|).",
        "Entering Extended Passive Mode (!!!6446!)",
        "Entering Extended Passive Mode |||6446|",
        "Entering Extended Passive Mode |||6446|.",
        "Entering Extended Passive Mode !!!6446!",
        "Entering Extended Passive Mode (|||6446)",
        "Entering Extended Passive Mode |||6446",
        "(EPSV) ok (|||6446|)",
        "(|||6446|) (now)",
        "( |||6446| )",
    ] {
        assert_eq!(parse_epsv_reply(text.as_bytes()), Ok(port_only(6446)), "{text}");
    }
}

#[test]
fn address_in_an_epsv_reply_is_kept() {
    let address = parse_epsv_reply(b"Entering Extended Passive Mode (|1|10.0.0.1|6446|)").unwrap();
    assert_eq!((address.address, address.port), (Some(IpAddr::from([10, 0, 0, 1])), 6446));
}

#[test]
fn bad_epsv_replies_are_refused() {
    for text in
        ["", "ok", "(|||)", "(|||x|)", "(|||70000|)", "Entering Passive Mode (10,0,0,1,4,1)", "()", "(|"]
    {
        assert!(parse_epsv_reply(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn long_addresses_are_read() {
    assert_eq!(parse_lprt(b"4,4,10,0,0,1,2,4,1"), Ok(v4([10, 0, 0, 1], 4, 1)));
    let six = parse_lprt(b"6,16,16,128,0,0,0,0,0,0,0,8,8,0,32,12,65,122,2,20,162").unwrap();
    assert_eq!((six.address, six.port), (Some("1080::8:800:200c:417a".parse().unwrap()), 5282));
    let reply = parse_lpsv_reply(b"Entering Long Passive Mode 1 (4,4,10,0,0,1,2,4,1)");
    assert_eq!(reply, Ok(v4([10, 0, 0, 1], 4, 1)));
}

#[test]
fn bad_long_addresses_are_refused() {
    for (text, error) in [
        ("", AddressError::Lengths),
        ("4,4,10,0,0,1", AddressError::Lengths),
        ("4,5,10,0,0,1,2,4,1", AddressError::Lengths),
        ("4,4,10,0,0,1,3,4,1,1", AddressError::Lengths),
        ("6,16,1,2", AddressError::Lengths),
        ("5,4,10,0,0,1,2,4,1", AddressError::Protocol),
        ("4,4,10,0,0,1,2,4,1,", AddressError::Lengths),
    ] {
        assert_eq!(parse_lprt(text.as_bytes()), Err(error), "{text}");
    }
    assert!(parse_lpsv_reply(b"Entering Long Passive Mode 1").is_err());
}

proptest! {
    #[test]
    fn what_was_written_is_read_again(ip in any::<[u8; 4]>(), six in any::<[u8; 16]>(), port in any::<u16>()) {
        let socket = SocketAddrV4::new(ip.into(), port);
        let [high, low] = port.to_be_bytes();
        prop_assert_eq!(parse_port(port_argument(socket).as_bytes()), Ok(v4(ip, high, low)));
        prop_assert_eq!(parse_pasv_reply(pasv_reply_text(socket).as_bytes()), Ok(v4(ip, high, low)));
        prop_assert_eq!(parse_epsv_reply(epsv_reply_text(port).as_bytes()), Ok(port_only(port)));
        for address in [SocketAddr::from(socket), SocketAddr::new(Ipv6Addr::from(six).into(), port)] {
            let expected = DataAddress { address: Some(address.ip()), port, arithmetic: None };
            prop_assert_eq!(parse_eprt(eprt_argument(address).as_bytes()), Ok(expected));
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(text in prop::collection::vec(prop::sample::select(b"0129,|!(). ab\xff".to_vec()), 0..60)) {
        let _ = (parse_port(&text), parse_pasv_reply(&text), parse_eprt(&text));
        let _ = (parse_epsv_reply(&text), parse_lprt(&text), parse_lpsv_reply(&text));
    }
}
