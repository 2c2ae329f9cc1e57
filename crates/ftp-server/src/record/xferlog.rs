//! Lines of xferlog, as wu-ftpd, ProFTPD and vsftpd write them (xferlog(5)).

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::{Record, TransferKind, What};

/// The line of a file's transfer, without a line end; `None` of anything else. Times are UTC. White space, and what is not
/// UTF-8 or not printable, is `_` in names, since fields end at white space.
pub fn xferlog(record: &Record) -> Option<String> {
    let What::Transferred(transfer) = &record.what else { return None };
    let direction = match transfer.kind {
        TransferKind::Download => 'o',
        TransferKind::Upload => 'i',
        TransferKind::Listing => return None,
    };
    let address = record.address().map(|address| address.to_string());
    Some(format!(
        "{time} {seconds} {host} {bytes} {path} {form} {action} {direction} {access} {user} ftp 0 * {status}",
        time = date(record.time)?,
        seconds = whole_seconds(transfer.duration),
        host = address.as_deref().unwrap_or("?"),
        bytes = transfer.bytes,
        path = field(&transfer.path),
        form = if transfer.ascii { 'a' } else { 'b' },
        action = if transfer.deflate { 'C' } else { '_' },
        access = if transfer.guest { 'a' } else { 'r' },
        user = field(record.user.as_deref().unwrap_or("?").as_bytes()),
        status = if transfer.error.is_none() { 'c' } else { 'i' },
    ))
}

fn date(time: SystemTime) -> Option<String> {
    let time = Timestamp::try_from(time).ok()?;
    Some(time.strftime("%a %b %e %H:%M:%S %Y").to_string())
}

/// Rounded up, as readers divide by it.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
}

fn field(bytes: &[u8]) -> String {
    let kept = |character: char| {
        let unprintable = character.is_control() || character.is_whitespace();
        if unprintable || character == char::REPLACEMENT_CHARACTER { '_' } else { character }
    };
    let text: String = String::from_utf8_lossy(bytes).chars().map(kept).collect();
    if text.is_empty() { "_".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::test_records::{download, record};
    use super::*;

    #[test]
    fn a_download_is_a_line_of_fourteen_fields() {
        let (record, _) = download(b"/pub/a file\n.bin");
        let line = xferlog(&record).unwrap();
        assert_eq!(line, "Tue Nov 14 22:13:20 2023 3 192.0.2.9 1000 /pub/a_file_.bin b _ o r anna ftp 0 * c");
        // The date is five fields, the others thirteen.
        assert_eq!(line.split_whitespace().count(), 5 + 13);
    }

    #[test]
    fn an_upload_that_is_cut_is_incomplete() {
        let (_, mut transfer) = download(b"/x");
        transfer.kind = TransferKind::Upload;
        transfer.error = Some("the data connection broke".to_owned());
        transfer.guest = true;
        let line = xferlog(&record(What::Transferred(transfer))).unwrap();
        assert!(line.ends_with(" /x b _ i a anna ftp 0 * i"), "{line}");
    }

    #[test]
    fn a_listing_has_no_line() {
        let (_, mut transfer) = download(b"/x");
        transfer.kind = TransferKind::Listing;
        assert_eq!(xferlog(&record(What::Transferred(transfer))), None);
    }
}
