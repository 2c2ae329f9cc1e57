//! How VLANs and tunnels become one number.

use super::model::Scope;

/// Bits of a VLAN identifier (IEEE 802.1Q, section 9.6).
const VLAN_BITS: u32 = 12;
/// So many VLAN tags keep their identifiers readable in the number.
const PACKED_VLANS: u32 = 4;
/// Set where the number is a hash.
const HASHED: u64 = 1 << 63;

/// Kinds of tunnel whose identifier belongs to the scope.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tunnel {
    Vlan = 1,
    Vxlan = 2,
    Gre = 3,
    Geneve = 4,
}

impl Scope {
    /// Adds a VLAN tag. Identifier 0 is a priority tag and means no VLAN (IEEE 802.1Q, table 9-2).
    ///
    /// Up to four identifiers stand packed in the number, the innermost in the lowest 12 bits.
    #[inline]
    pub(super) fn enter_vlan(&mut self, identifier: u16) {
        let identifier = u64::from(identifier & 0x0fff);
        if identifier == 0 {
            return;
        }
        if self.0 >> (VLAN_BITS * (PACKED_VLANS - 1)) == 0 {
            self.0 = self.0 << VLAN_BITS | identifier;
        } else {
            self.enter(Tunnel::Vlan, identifier);
        }
    }

    /// Adds a tunnel by its kind and identifier.
    pub(super) fn enter(&mut self, tunnel: Tunnel, identifier: u64) {
        let within = mix(tunnel as u64) ^ mix(identifier.wrapping_add(1));
        self.0 = mix(self.0.wrapping_add(within)) | HASHED;
    }
}

/// The finalizer of the SplitMix64 generator: spreads every bit over all.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vlans(identifiers: &[u16]) -> Scope {
        let mut scope = Scope::default();
        identifiers.iter().for_each(|identifier| scope.enter_vlan(*identifier));
        scope
    }

    #[test]
    fn one_vlan_is_its_identifier() {
        assert_eq!(vlans(&[42]), Scope(42));
    }

    #[test]
    fn a_priority_tag_is_no_vlan() {
        assert_eq!(vlans(&[0]), Scope::default());
        assert_eq!(vlans(&[7, 0]), vlans(&[7]));
    }

    #[test]
    fn order_and_depth_of_tags_matter() {
        assert_ne!(vlans(&[1, 2]), vlans(&[2, 1]));
        assert_ne!(vlans(&[1, 2, 3, 4, 5]), vlans(&[1, 2, 3, 4, 6]));
    }

    #[test]
    fn tunnels_differ_by_kind_and_identifier() {
        let tunnel = |kind, identifier| {
            let mut scope = Scope::default();
            scope.enter(kind, identifier);
            scope
        };
        assert_ne!(tunnel(Tunnel::Vxlan, 1), tunnel(Tunnel::Gre, 1));
        assert_ne!(tunnel(Tunnel::Vxlan, 1), tunnel(Tunnel::Vxlan, 2));
    }
}
