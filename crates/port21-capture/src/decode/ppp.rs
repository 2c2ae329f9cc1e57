//! PPP and Cisco HDLC.

use super::Step;
use super::ethernet::MPLS_UNICAST;
use super::model::Stop;
use super::view::View;

/// A PPP protocol field of one or two bytes (RFC 1661, section 2), and what it names.
pub(super) fn read(view: View<'_>) -> Step<'_> {
    let Some(first) = view.byte(0) else { return Step::Stop(Stop::Cut("PPP")) };
    // An odd first byte is a compressed field.
    let (number, length) = if first & 1 == 1 {
        (u16::from(first), 1)
    } else {
        match view.u16(0) {
            Some(number) => (number, 2),
            None => return Step::Stop(Stop::Cut("PPP")),
        }
    };
    let payload = view.after_or_none(length);
    match number {
        0x0021 => Step::Ipv4(payload),
        0x0057 => Step::Ipv6(payload),
        0x0281 | 0x0283 => Step::EtherType(MPLS_UNICAST, payload),
        0x002d | 0x002f | 0x0061 | 0x0063 => Step::Stop(Stop::Unsupported("compressed TCP/IP header")),
        0x003d => Step::Stop(Stop::Unsupported("PPP multilink fragment")),
        0x0053 => Step::Stop(Stop::Unsupported("PPP encryption")),
        0x00fd | 0x00fb => Step::Stop(Stop::Unsupported("PPP compression")),
        _ => Step::Done,
    }
}

/// PPP behind the HDLC-like address and control bytes, if they are there (RFC 1662, section 3.1).
pub(super) fn framed(view: View<'_>) -> Step<'_> {
    match view.first::<2>() {
        Some([0xff, 0x03]) => read(view.after_or_none(2)),
        Some([0x0f | 0x8f, 0]) => cisco_hdlc(view),
        _ => read(view),
    }
}

/// PPP behind the direction byte of the Linux PPP daemon and perhaps address and control.
pub(super) fn directed(view: View<'_>) -> Step<'_> {
    let rest = view.after_or_none(1);
    match (view.first::<2>(), rest.first::<2>()) {
        (Some([_, 0x03]), _) => read(view.after_or_none(2)),
        (_, Some([0xff, 0x03])) => read(rest.after_or_none(2)),
        _ => read(rest),
    }
}

/// Cisco HDLC: address, control, EtherType.
pub(super) fn cisco_hdlc(view: View<'_>) -> Step<'_> {
    match (view.u16(2), view.after(4)) {
        (Some(number), Some(payload)) => Step::EtherType(number, payload),
        _ => Step::Stop(Stop::Cut("Cisco HDLC")),
    }
}
