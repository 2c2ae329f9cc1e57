//! The lines of FTP in a payload, as fields.

use std::ops::Range;

use port21_capture::dissect::Field;

use crate::packets::HIDDEN;
use crate::packets::survey::Carries;

/// Turns the field of a TCP payload into what the stream carries.
pub fn name_payload(
    layers: &mut [Field],
    masked: &[u8],
    hidden: &[Range<usize>],
    carries: &Carries,
    from_client: bool,
) {
    let Some(payload) = layers.iter_mut().find(|layer| layer.filter == "tcp.payload") else { return };
    match carries {
        Carries::Data { words, .. } => {
            payload.name = "FTP Data";
            payload.filter = "ftp-data";
            payload.value.push_str(words);
        }
        Carries::Control { .. } => {
            payload.name = "File Transfer Protocol (FTP)";
            payload.filter = "ftp";
            let bytes = masked.get(payload.offset..payload.end()).unwrap_or_default();
            let mut at = payload.offset;
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                payload.children.push(line_field(line, at, hidden, from_client));
                at += line.len();
            }
        }
    }
}

fn line_field(line: &[u8], at: usize, hidden: &[Range<usize>], from_client: bool) -> Field {
    let (name, filter) = if from_client { ("Request", "ftp.request") } else { ("Response", "ftp.response") };
    let mut field = Field::new(name, filter, at, line.len());
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    field.value = shown(text, at, hidden);
    let head = match from_client {
        true => text.iter().position(|byte| *byte == b' ').unwrap_or(text.len()),
        false if text.len() >= 3 && text.iter().take(3).all(u8::is_ascii_digit) => 3,
        false => return field,
    };
    let names = match from_client {
        true => [("Request command", "ftp.request.command"), ("Request arg", "ftp.request.arg")],
        false => [("Response code", "ftp.response.code"), ("Response arg", "ftp.response.arg")],
    };
    let argument = (head + 1).min(text.len());
    for ((name, filter), range) in names.into_iter().zip([0..head, argument..text.len()]) {
        let part = text.get(range.clone()).unwrap_or_default();
        if !part.is_empty() {
            let value = shown(part, at + range.start, hidden);
            field.children.push(Field { value, ..Field::new(name, filter, at + range.start, part.len()) });
        }
    }
    field
}

/// Text of bytes that stand at `at`, each hidden range as one word.
fn shown(bytes: &[u8], at: usize, hidden: &[Range<usize>]) -> String {
    let mut text = Vec::new();
    for (index, byte) in bytes.iter().enumerate() {
        match hidden.iter().find(|range| range.contains(&(at + index))) {
            None => text.push(*byte),
            Some(range) if range.start == at + index || index == 0 => {
                text.extend_from_slice(HIDDEN.as_bytes())
            }
            Some(_) => {}
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}
