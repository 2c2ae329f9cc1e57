//! DNS questions and answers (RFC 1035, section 4), as much as an address needs.

use std::net::IpAddr;

use crate::network::Network;

impl Network {
    /// `client` (ADDRESS:PORT) asks the resolver 10.0.0.53 or fd00::53 for `name` and learns `address`: two packets.
    pub fn resolve(&self, client: &str, name: &str, address: &str) -> &Self {
        let address: IpAddr = address.parse().expect("an IP address");
        let (kind, data) = match address {
            IpAddr::V4(address) => (1u16, address.octets().to_vec()),
            IpAddr::V6(address) => (28, address.octets().to_vec()),
        };
        let mut question = Vec::new();
        for label in name.split('.') {
            question.push(label.len() as u8);
            question.extend(label.as_bytes());
        }
        question.push(0);
        question.extend(kind.to_be_bytes());
        question.extend([0, 1]);
        let message = |flags: u16, answers: u16| {
            let mut message = Vec::new();
            for word in [0x2121, flags, 1, answers, 0, 0] {
                message.extend(word.to_be_bytes());
            }
            message.extend(&question);
            message
        };
        let mut answer = message(0x8180, 1);
        // The name is a pointer to the question's, at byte 12; one hour to live.
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0x0e, 0x10]);
        answer.extend((data.len() as u16).to_be_bytes());
        answer.extend(data);
        let resolver = if client.starts_with('[') { "[fd00::53]:53" } else { "10.0.0.53:53" };
        self.udp(client, resolver, &message(0x0100, 0)).udp(resolver, client, &answer)
    }
}
