use super::*;
use proptest::prelude::*;

const LIMIT: usize = 16;

/// Lines of `pieces`, pushed one after the other and then finished.
fn lines(pieces: &[&[u8]]) -> Vec<Line> {
    let mut reader = LineReader::new(LIMIT);
    let mut out = Vec::new();
    for piece in pieces {
        reader.push(piece, &mut out);
    }
    reader.finish(&mut out);
    out
}

fn texts(bytes: &[u8]) -> Vec<(Vec<u8>, Terminator)> {
    lines(&[bytes]).into_iter().map(|line| (line.bytes, line.terminator)).collect()
}

fn line(text: &[u8], terminator: Terminator) -> (Vec<u8>, Terminator) {
    (text.to_vec(), terminator)
}

#[test]
fn cr_lf_ends_a_line() {
    assert_eq!(texts(b"NOOP\r\n"), [line(b"NOOP", Terminator::CrLf)]);
}

#[test]
fn lone_lf_ends_a_line() {
    assert_eq!(texts(b"a\nb\n"), [line(b"a", Terminator::Lf), line(b"b", Terminator::Lf)]);
}

#[test]
fn lone_cr_is_not_a_line_end() {
    assert_eq!(texts(b"a\rb\r\n"), [line(b"a\rb", Terminator::CrLf)]);
    assert_eq!(texts(b"a\r\r\n"), [line(b"a\r", Terminator::CrLf)]);
}

#[test]
fn cr_at_the_end_of_the_stream_is_named() {
    assert_eq!(texts(b"a\r"), [line(b"a", Terminator::Cr)]);
}

#[test]
fn text_at_the_end_of_the_stream_is_kept() {
    assert_eq!(texts(b"a\r\nQU"), [line(b"a", Terminator::CrLf), line(b"QU", Terminator::None)]);
    assert_eq!(texts(b""), []);
}

#[test]
fn empty_lines_are_lines() {
    assert_eq!(texts(b"\r\n\n"), [line(b"", Terminator::CrLf), line(b"", Terminator::Lf)]);
}

#[test]
fn offsets_cover_the_whole_stream() {
    let out = lines(&[b"ab", b"c\r", b"\nd\n"]);
    assert_eq!(out.iter().map(|line| (line.start, line.end)).collect::<Vec<_>>(), [(0, 5), (5, 7)]);
}

#[test]
fn synch_before_abor_is_removed() {
    // RFC 959 section 4.1.3: IAC IP, then IAC DM, then the command.
    let out = lines(&[b"\xff\xf4\xff", b"\xf2ABOR\r\n"]);
    assert_eq!(out[0].bytes, b"ABOR");
    assert!(out[0].telnet);
    assert_eq!((out[0].start, out[0].end), (0, 10));
}

#[test]
fn option_negotiation_is_removed() {
    assert_eq!(texts(b"\xff\xfb\x01\xff\xfe\x0aUSER\r\n"), [line(b"USER", Terminator::CrLf)]);
}

#[test]
fn doubled_iac_is_one_byte() {
    assert_eq!(texts(b"RETR \xff\xff\r\n"), [line(b"RETR \xff", Terminator::CrLf)]);
}

#[test]
fn undoubled_255_in_a_name_is_kept() {
    let out = lines(&[b"RETR \xffx\r\n"]);
    assert_eq!(out[0].bytes, b"RETR \xffx");
    assert!(!out[0].telnet);
    assert_eq!(texts(b"RETR \xff\r\n"), [line(b"RETR \xff", Terminator::CrLf)]);
}

#[test]
fn subnegotiation_is_removed() {
    assert_eq!(texts(b"US\xff\xfa\x18\x01\xff\xf0ER\r\n"), [line(b"USER", Terminator::CrLf)]);
}

#[test]
fn unfinished_subnegotiation_swallows_nothing() {
    let out = texts(b"\xff\xfaUSER\r\nPASS\r\n\xff\xf0");
    assert_eq!(out[0], line(b"USER", Terminator::CrLf));
    assert_eq!(out[1], line(b"PASS", Terminator::CrLf));
}

#[test]
fn telnet_sequence_cut_by_the_end_is_kept() {
    assert_eq!(texts(b"a\xff"), [line(b"a\xff", Terminator::None)]);
    assert_eq!(texts(b"a\xff\xfd"), [line(b"a\xff\xfd", Terminator::None)]);
}

#[test]
fn nul_behind_cr_is_padding_and_elsewhere_is_content() {
    let out = lines(&[b"a\r\0b\r\n", b"c\0\r\n", b"d\r\n"]);
    assert_eq!((out[0].bytes.as_slice(), out[0].nul), (b"a\rb".as_slice(), true));
    assert_eq!((out[1].bytes.as_slice(), out[1].nul), (b"c\0".as_slice(), true));
    assert!(!out[2].nul);
}

#[test]
fn long_line_is_cut_and_its_length_told() {
    let out = lines(&[b"0123456789", b"0123456789\r\n", b"next\r\n"]);
    assert_eq!(out[0].bytes, b"0123456789012345");
    assert_eq!(out[0].truncated_from, Some(20));
    assert_eq!((out[0].start, out[0].end), (0, 22));
    assert_eq!((out[1].bytes.as_slice(), out[1].truncated_from), (b"next".as_slice(), None));
}

#[test]
fn line_of_exactly_the_limit_is_whole() {
    assert_eq!(lines(&[b"0123456789012345\r\n"])[0].truncated_from, None);
}

#[test]
fn gap_gives_the_partial_line_and_marks_the_next() {
    let mut reader = LineReader::new(LIMIT);
    let mut out = Vec::new();
    reader.push(b"one\r\ntw", &mut out);
    reader.gap(10, &mut out);
    reader.push(b"ee\r\nfour\r\n", &mut out);
    let seen: Vec<_> = out
        .iter()
        .map(|line| (line.bytes.as_slice(), line.start, line.end, line.terminator, line.after_gap))
        .collect();
    assert_eq!(
        seen,
        [
            (b"one".as_slice(), 0, 5, Terminator::CrLf, false),
            (b"tw".as_slice(), 5, 7, Terminator::None, false),
            (b"ee".as_slice(), 17, 21, Terminator::CrLf, true),
            (b"four".as_slice(), 21, 27, Terminator::CrLf, false),
        ]
    );
    assert_eq!(reader.offset(), 27);
}

#[test]
fn gap_at_a_line_end_gives_no_empty_line() {
    let mut reader = LineReader::new(LIMIT);
    let mut out = Vec::new();
    reader.push(b"one\r\n", &mut out);
    reader.gap(1, &mut out);
    reader.gap(1, &mut out);
    reader.finish(&mut out);
    assert_eq!(out.len(), 1);
    assert_eq!((reader.offset(), reader.pending()), (7, 0));
}

#[test]
fn pending_bytes_are_the_raw_ones() {
    let mut reader = LineReader::new(LIMIT);
    let mut out = Vec::new();
    reader.push(b"AUTH TLS\r\n\x16\x03", &mut out);
    reader.push(b"\x01\xff\xf1", &mut out);
    assert_eq!(reader.pending(), 5);
    assert_eq!(reader.take_pending(), b"\x16\x03\x01\xff\xf1");
    assert_eq!((reader.pending(), reader.offset(), out.len()), (0, 15, 1));
    reader.push(b"NOOP\r\n", &mut out);
    assert_eq!((out[1].bytes.as_slice(), out[1].start), (b"NOOP".as_slice(), 15));
}

#[test]
fn pending_bytes_are_bounded() {
    let mut reader = LineReader::new(LIMIT);
    reader.push(&[b'x'; 100], &mut Vec::new());
    assert_eq!(reader.pending(), 100);
    assert_eq!(reader.take_pending().len(), LIMIT);
}

/// Bytes in which line ends and Telnet commands are frequent.
fn dense_bytes() -> impl Strategy<Value = Vec<u8>> {
    let special = prop::sample::select(vec![0u8, 10, 13, 240, 242, 250, 251, 255, b'a', b' ']);
    prop::collection::vec(prop_oneof![4 => special, 1 => any::<u8>()], 0..120)
}

proptest! {
    #[test]
    fn lines_do_not_depend_on_the_pieces(bytes in dense_bytes(), cuts in prop::collection::vec(0usize..120, 0..10)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(lines(&pieces), lines(&[&bytes]));
    }

    #[test]
    fn a_line_at_a_time_is_the_same_as_all_at_once(bytes in dense_bytes(), cut in 0usize..120) {
        let (mut reader, mut out) = (LineReader::new(LIMIT), Vec::new());
        for mut piece in <[&[u8]; 2]>::from(bytes.split_at(cut.min(bytes.len()))) {
            while !piece.is_empty() {
                let (taken, line) = reader.take_line(piece);
                prop_assert!(taken > 0 && !piece[..taken - 1].contains(&b'\n'));
                out.extend(line);
                piece = &piece[taken..];
            }
        }
        reader.finish(&mut out);
        prop_assert_eq!(out, lines(&[&bytes]));
    }

    #[test]
    fn lines_tile_the_stream_and_keep_the_limit(bytes in dense_bytes()) {
        let mut at = 0;
        for line in lines(&[&bytes]) {
            prop_assert_eq!(line.start, at);
            prop_assert!(line.end > line.start && line.bytes.len() <= LIMIT);
            prop_assert!(!line.bytes.contains(&b'\n'));
            at = line.end;
        }
        prop_assert_eq!(at, bytes.len() as u64);
    }

    #[test]
    fn a_lent_buffer_changes_nothing(bytes in dense_bytes(), cuts in prop::collection::vec(0usize..120, 0..10)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut reader = LineReader::new(LIMIT);
        let (mut out, mut buffer) = (Vec::new(), Vec::with_capacity(LIMIT));
        for pair in cuts.windows(2) {
            reader.lend(&mut buffer);
            prop_assert!(buffer.is_empty());
            reader.push(&bytes[pair[0]..pair[1]], &mut out);
            buffer = reader.take_spare();
            prop_assert!(buffer.is_empty());
        }
        reader.finish(&mut out);
        prop_assert_eq!(out, lines(&[&bytes]));
    }

    #[test]
    fn pending_bytes_are_the_tail_of_the_stream(bytes in dense_bytes(), cut in 0usize..120) {
        let mut reader = LineReader::new(1000);
        let (left, right) = bytes.split_at(cut.min(bytes.len()));
        let mut out = Vec::new();
        reader.push(left, &mut out);
        reader.push(right, &mut out);
        let pending = reader.pending();
        prop_assert_eq!(reader.take_pending(), &bytes[bytes.len() - pending..]);
    }
}
