//! What a server says that it can (FEAT, RFC 2389).

use ftp_protocol::Reply;

/// The features of a server, as FEAT told them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    /// Names in upper case, each with what stands behind it.
    features: Vec<(String, String)>,
    /// FEAT was answered at all.
    known: bool,
}

impl Features {
    /// Reads a 211 reply to FEAT: one feature a line between the first and the last (RFC 2389 section 3.2).
    pub fn from_reply(reply: &Reply) -> Self {
        let inner = reply.lines.get(1..reply.lines.len().saturating_sub(1)).unwrap_or_default();
        let features = inner.iter().map(|line| {
            let line = String::from_utf8_lossy(line);
            let line = line.trim();
            let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
            (name.to_ascii_uppercase(), rest.trim().to_owned())
        });
        Self { features: features.filter(|(name, _)| !name.is_empty()).collect(), known: true }
    }

    /// Whether the server answered FEAT at all.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// Whether the feature is there, in any case.
    pub fn has(&self, name: &str) -> bool {
        self.parameters(name).is_some()
    }

    /// What stands behind the feature's name.
    pub fn parameters(&self, name: &str) -> Option<&str> {
        let found = self.features.iter().find(|(feature, _)| feature.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }

    /// Listings for programs. RFC 3659 section 7.8: MLST in FEAT tells of MLSD, too.
    pub fn has_machine_listings(&self) -> bool {
        self.has("MLST") || self.has("MLSD")
    }

    /// REST STREAM: transfers can begin at any byte (RFC 3659 section 5.4).
    pub fn can_restart(&self) -> bool {
        self.parameters("REST").is_some_and(|rest| rest.eq_ignore_ascii_case("STREAM"))
    }

    /// Every feature with what stands behind it, in the server's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.features.iter().map(|(name, rest)| (name.as_str(), rest.as_str()))
    }
}
