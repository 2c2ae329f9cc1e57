//! stub
use crate::report::Listing;
use ftp_protocol::Verb;
/// stub
pub fn read(_bytes: &[u8], _verb: Option<Verb>, whole: bool) -> Listing {
    Listing { format: None, entries: Vec::new(), unparsed: 0, truncated: !whole }
}
