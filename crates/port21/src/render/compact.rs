//! JSON without spaces, as `serde_json::to_vec` writes it, byte for byte, in a third of its time.
//!
//! A session is thousands of short members, most of them our own names and packet numbers. serde_json looks at every byte of
//! every name for something to escape; here names of fields are written as they are, and text is looked at eight bytes at a
//! time. A report of many short sessions spends a third of its time here.

use std::fmt::{self, Display, Formatter};

use serde::ser::{self, Serialize};

/// Why a value is no JSON, which no value of the report is.
#[derive(Debug)]
pub struct Error(String);

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl ser::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Error(message.to_string())
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        std::io::Error::other(error)
    }
}

/// Appends `value` to `output`.
pub fn write(value: &impl Serialize, output: &mut Vec<u8>) -> Result<(), Error> {
    value.serialize(Writer { output })
}

/// Appends a string with its quotes.
fn write_text(text: &str, output: &mut Vec<u8>) {
    output.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    while let Some(at) = first_escaped(bytes.get(written..).unwrap_or_default()) {
        let at = written + at;
        output.extend_from_slice(bytes.get(written..at).unwrap_or_default());
        if let Some(byte) = bytes.get(at) {
            write_escaped(*byte, output);
        }
        written = at + 1;
    }
    output.extend_from_slice(bytes.get(written..).unwrap_or_default());
    output.push(b'"');
}

/// Where the first byte stands that JSON must escape (RFC 8259, section 7).
fn first_escaped(bytes: &[u8]) -> Option<usize> {
    let mut words = bytes.chunks_exact(8);
    let mut at = 0;
    for word in &mut words {
        let word = word.try_into().map_or(0, u64::from_le_bytes);
        if has_escaped(word) {
            break;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().position(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\')).map(|found| at + found)
}

/// Whether one of eight bytes must be escaped: below 0x20, a quote, or a backslash. May take others for such ones, never the
/// reverse ("Determine if a word has a byte less than n", S. E. Anderson, Bit Twiddling Hacks).
fn has_escaped(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | is(b'"') | is(b'\\') != 0
}

fn write_escaped(byte: u8, output: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        _ => {
            const DIGITS: [u8; 16] = *b"0123456789abcdef";
            let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
            output.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 0xf)]);
            return;
        }
    };
    output.extend_from_slice(&[b'\\', short]);
}

/// Writes one value.
struct Writer<'a> {
    output: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn integer(self, number: impl itoa::Integer) -> Result<(), Error> {
        self.output.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        Ok(())
    }
}

/// Writes the members of an array or object, and closes what was opened.
pub struct Members<'a> {
    output: &'a mut Vec<u8>,
    is_first: bool,
    closing: &'static [u8],
}

impl Members<'_> {
    fn next(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.output.push(b',');
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.next();
        value.serialize(Writer { output: self.output })
    }

    /// A field of a struct: its name is one of ours, and has nothing to escape.
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.next();
        self.output.push(b'"');
        self.output.extend_from_slice(name.as_bytes());
        self.output.extend_from_slice(b"\":");
        value.serialize(Writer { output: self.output })
    }

    fn finish(self) -> Result<(), Error> {
        self.output.extend_from_slice(self.closing);
        Ok(())
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, number: $type) -> Result<(), Error> {
            self.integer(number)
        })*
    };
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Members<'a>;
    type SerializeTuple = Members<'a>;
    type SerializeTupleStruct = Members<'a>;
    type SerializeTupleVariant = Members<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    integers!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128);
    integers!(serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128);

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.output.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_f32(self, number: f32) -> Result<(), Error> {
        serde_json::to_writer(self.output, &number).map_err(ser::Error::custom)
    }

    fn serialize_f64(self, number: f64) -> Result<(), Error> {
        serde_json::to_writer(self.output, &number).map_err(ser::Error::custom)
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        write_text(value.encode_utf8(&mut [0; 4]), self.output);
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        write_text(text, self.output);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        ser::Serializer::collect_seq(self, bytes)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.output.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut members = self.serialize_map(None)?;
        members.field(variant, value)?;
        members.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a>, Error> {
        self.output.push(b'[');
        Ok(Members { output: self.output, is_first: true, closing: b"]" })
    }

    fn serialize_tuple(self, length: usize) -> Result<Members<'a>, Error> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Members<'a>, Error> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Error> {
        self.open_variant(variant, b'[', b"]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, Error> {
        self.output.push(b'{');
        Ok(Members { output: self.output, is_first: true, closing: b"}" })
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Members<'a>, Error> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Error> {
        self.open_variant(variant, b'{', b"}}")
    }
}

impl<'a> Writer<'a> {
    fn open_variant(
        self,
        variant: &'static str,
        opening: u8,
        closing: &'static [u8],
    ) -> Result<Members<'a>, Error> {
        self.output.push(b'{');
        write_text(variant, self.output);
        self.output.extend_from_slice(&[b':', opening]);
        Ok(Members { output: self.output, is_first: true, closing })
    }
}

macro_rules! sequences {
    ($($name:ident $method:ident),*) => {
        $(impl ser::$name for Members<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish()
            }
        })*
    };
}

sequences!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

macro_rules! structs {
    ($($name:ident),*) => {
        $(impl ser::$name for Members<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish()
            }
        })*
    };
}

structs!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.next();
        // Maps are rare; their keys need not be fast, but a number must become a string.
        let text = serde_json::to_string(key).map_err(ser::Error::custom)?;
        let quote: &[u8] = if text.starts_with('"') { b"" } else { b"\"" };
        [quote, text.as_bytes(), quote].iter().for_each(|part| self.output.extend_from_slice(part));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.output.push(b':');
        value.serialize(Writer { output: self.output })
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Serialize;

    use super::*;
    use crate::render::fixture;

    fn written(value: &impl Serialize) -> String {
        let mut output = Vec::new();
        write(value, &mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Pair(u8, &'static str);

    #[derive(Serialize)]
    enum Kind {
        Plain,
        One(f64),
        Two(i8, char),
        Named { a: Option<u64>, b: Vec<()> },
    }

    #[derive(Serialize)]
    struct All {
        unit: Unit,
        pair: Pair,
        kinds: Vec<Kind>,
        map: BTreeMap<i32, Option<bool>>,
        names: BTreeMap<&'static str, [f32; 2]>,
        big: (u128, i64),
    }

    #[test]
    fn every_kind_of_value_is_written_as_serde_json_does() {
        let kinds = vec![
            Kind::Plain,
            Kind::One(0.1 + 0.2),
            Kind::Two(-7, '\u{7f}'),
            Kind::Named { a: None, b: vec![()] },
            Kind::Named { a: Some(u64::MAX), b: vec![] },
        ];
        let all = All {
            unit: Unit,
            pair: Pair(0, "a\"b"),
            kinds,
            map: [(-1, None), (2, Some(true))].into(),
            names: [("x\n", [0.5, f32::NAN])].into(),
            big: (u128::MAX, i64::MIN),
        };
        assert_eq!(written(&all), serde_json::to_string(&all).unwrap());
    }

    #[test]
    fn a_session_is_written_as_serde_json_does() {
        let session = fixture::session();
        assert_eq!(written(&session), serde_json::to_string(&session).unwrap());
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_serde_json_does(text in "(\\PC|[\\x00-\\x7f\u{80}\u{ff}]){0,40}") {
            prop_assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn any_number_is_written_as_serde_json_does(number in any::<f64>(), whole in any::<i64>()) {
            prop_assert_eq!(written(&(number, whole)), serde_json::to_string(&(number, whole)).unwrap());
        }
    }

    #[test]
    fn each_byte_is_escaped_at_each_place() {
        for byte in 0..0x80u8 {
            for place in 0..20 {
                let mut text = "abcdefghijklmnopqrst".to_owned();
                text.replace_range(place..=place, &char::from(byte).to_string());
                assert_eq!(written(&text), serde_json::to_string(&text).unwrap(), "{byte:#x} at {place}");
            }
        }
    }
}
