use super::*;
use crate::line::{Line, LineReader};
use proptest::prelude::*;

fn lines(bytes: &[u8]) -> Vec<Line> {
    let mut reader = LineReader::new(1000);
    let mut lines = Vec::new();
    reader.push(bytes, &mut lines);
    reader.finish(&mut lines);
    lines
}

/// Replies of a stream whose lines are parted with `|`, which stands for CR LF.
fn replies(text: &str) -> Vec<Reply> {
    let mut reader = ReplyReader::new();
    let bytes = text.replace('|', "\r\n");
    let mut replies: Vec<Reply> =
        lines(bytes.as_bytes()).into_iter().flat_map(|line| reader.push(line)).collect();
    replies.extend(reader.finish());
    replies
}

/// "code: text/text" of each reply.
fn told(text: &str) -> Vec<String> {
    replies(text).iter().map(tell).collect()
}

fn tell(reply: &Reply) -> String {
    let code = reply.code.map_or("none".into(), |code| format!("{code:03}"));
    let lines: Vec<_> = reply.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("{code}: {}", lines.join("/"))
}

/// The only reply of a stream.
fn one(text: &str) -> (String, Vec<ReplyOddity>) {
    let replies = replies(text);
    assert_eq!(replies.len(), 1, "{replies:?}");
    (tell(&replies[0]), replies[0].oddities.clone())
}

fn after_gap(text: &str) -> Line {
    Line { after_gap: true, ..lines(format!("{text}\r\n").as_bytes()).remove(0) }
}

#[test]
fn single_lines_are_replies() {
    assert_eq!(told("220 ready|331 Password|"), ["220: ready", "331: Password"]);
    assert_eq!(one("220 ready|").1, []);
    assert_eq!(one("220 |"), ("220: ".into(), vec![]));
}

#[test]
fn multi_line_reply_ends_with_its_code_and_a_space() {
    assert_eq!(one("220-one|two|220 three|"), ("220: one/two/three".into(), vec![]));
    assert_eq!(told("220-one|220 two|331 x|"), ["220: one/two", "331: x"]);
}

#[test]
fn offsets_cover_all_lines() {
    let replies = replies("220-one|220 two|331 x|");
    assert_eq!((replies[0].start, replies[0].end, replies[1].start, replies[1].end), (0, 18, 18, 25));
}

#[test]
fn padded_inner_code_is_text() {
    let text = "123-First line|Second line|  234 A line beginning with numbers|123 The last line|";
    let expected = "123: First line/Second line/  234 A line beginning with numbers/The last line";
    assert_eq!(one(text), (expected.into(), vec![]));
}

#[test]
fn unpadded_inner_code_is_text_too() {
    let (text, oddities) = one("220-Welcome|230 users today|150 GB free|2204 files|220 ready|");
    assert_eq!(text, "220: Welcome/230 users today/150 GB free/2204 files/ready");
    assert_eq!(oddities, [ReplyOddity::InnerCode(230)]);
}

#[test]
fn repeated_code_is_stripped() {
    let expected = ("220: a/b/c".into(), vec![ReplyOddity::RepeatedCode]);
    assert_eq!(one("220-a|220-b|220 c|"), expected);
}

#[test]
fn empty_opening_line_is_kept() {
    assert_eq!(one("200-|200 x|").0, "200: /x");
}

#[test]
fn indented_feature_lines_are_kept_as_sent() {
    assert_eq!(one("211-Features:| MDTM| SIZE|211 End|").0, "211: Features:/ MDTM/ SIZE/End");
}

#[test]
fn code_alone_is_a_reply_and_a_last_line() {
    assert_eq!(one("220|"), ("220: ".into(), vec![ReplyOddity::BareCode]));
    assert_eq!(one("220-a|220|"), ("220: a/".into(), vec![ReplyOddity::BareCode]));
}

#[test]
fn tab_stands_for_the_space() {
    assert_eq!(one("220\tx|"), ("220: x".into(), vec![ReplyOddity::TabSeparator]));
    assert_eq!(one("220-a|220\tx|"), ("220: a/x".into(), vec![ReplyOddity::TabSeparator]));
}

#[test]
fn missing_space_is_a_reply_outside_and_text_inside() {
    assert_eq!(one("220ready|"), ("220: ready".into(), vec![ReplyOddity::MissingSeparator]));
    assert_eq!(one("220-a|220b|220 c|"), ("220: a/220b/c".into(), vec![]));
    assert_eq!(one("2204 files|"), ("none: 2204 files".into(), vec![ReplyOddity::NoCode]));
}

#[test]
fn line_without_code_is_a_reply_of_its_own() {
    assert_eq!(told("hello|220 x|"), ["none: hello", "220: x"]);
    assert_eq!(one("|"), ("none: ".into(), vec![ReplyOddity::NoCode]));
    assert_eq!(one("22|").1, [ReplyOddity::NoCode]);
}

#[test]
fn junk_before_the_code_is_counted() {
    assert_eq!(one("  220 x|"), ("220: x".into(), vec![ReplyOddity::JunkBeforeCode(2)]));
    assert_eq!(one("\u{feff}220 x|"), ("220: x".into(), vec![ReplyOddity::JunkBeforeCode(3)]));
}

#[test]
fn undefined_codes_are_kept() {
    for (text, code) in [("999 x|", 999), ("099 x|", 99), ("260 x|", 260), ("634 x|", 634), ("600 x|", 600)] {
        assert_eq!(one(text).1, [ReplyOddity::UndefinedCode(code)]);
    }
    assert_eq!(one("631 x|").1, []);
    assert_eq!(one("559 x|").1, []);
}

#[test]
fn line_ends_are_judged() {
    assert_eq!(one("220 x\n").1, [ReplyOddity::BareLineFeed]);
    assert_eq!(one("220 x").1, [ReplyOddity::Unterminated]);
    assert_eq!(one("220 x\r").1, [ReplyOddity::Unterminated]);
    assert_eq!(one("220 x\ry|").1, [ReplyOddity::CarriageReturn]);
    assert_eq!(one("220 x\0y|").1, [ReplyOddity::Nul]);
}

#[test]
fn error_lines_closed_with_the_operative_code_are_one_reply() {
    let (text, oddities) = one(
        "553-|553- Directory excluded (precheck).|150 Opening BINARY mode data connection for x using SSL/TLS.|",
    );
    assert!(text.starts_with("150: / Directory excluded (precheck)./Opening BINARY"), "{text}");
    assert_eq!(oddities[0], ReplyOddity::ClosedByOtherCode { opened: 553, closed: 150 });
    assert_eq!(one("550-a|553 b|").0, "553: a/b");
}

#[test]
fn error_with_an_inner_number_goes_on() {
    assert_eq!(one("530-Too many|150 users at most|530 Sorry|").0, "530: Too many/150 users at most/Sorry");
}

#[test]
fn never_closed_preliminary_reply_ends_at_the_final_one() {
    assert_eq!(told("150-Accepted|226 done|"), ["150: Accepted", "226: done"]);
    assert_eq!(replies("150-Accepted|226 done|")[0].oddities, [ReplyOddity::Unclosed]);
}

#[test]
fn never_closed_greeting_ends_at_an_answer() {
    assert_eq!(
        told("220-hi|there|331 Password required|230 User logged in|"),
        ["220: hi/there", "331: Password required", "230: User logged in"]
    );
    assert_eq!(told("220-hi|227 Entering Passive Mode (10,0,0,1,4,1)|").len(), 2);
}

#[test]
fn never_closed_greeting_ends_where_another_multi_line_reply_did() {
    let text = "220-hi|230-Welcome|to all|230 Enjoy|";
    assert_eq!(told(text), ["220: hi", "230: Welcome/to all/Enjoy"]);
}

#[test]
fn open_reply_is_given_at_the_end() {
    let (text, oddities) = one("220-hi|there|");
    assert_eq!((text.as_str(), oddities), ("220: hi/there", vec![ReplyOddity::Unclosed]));
}

/// Replies after the lines of `text` and a `settle`.
fn settled(text: &str) -> Vec<String> {
    let mut reader = ReplyReader::new();
    let mut out = Vec::new();
    for line in lines(text.replace('|', "\r\n").as_bytes()) {
        out.extend(reader.push(line));
    }
    out.extend(reader.settle());
    out.iter().map(tell).collect()
}

#[test]
fn settling_splits_what_the_client_took_for_closed() {
    assert_eq!(settled("220-hi|331 go on|230 fine|"), ["220: hi", "331: go on", "230: fine"]);
    assert_eq!(settled("211-Features| SIZE|200 End|"), ["200: Features/ SIZE/End"]);
    assert_eq!(settled("220-hi|there|"), Vec::<String>::new());
}

#[test]
fn gap_ends_the_open_reply_and_its_rest_is_recognised() {
    let mut reader = ReplyReader::new();
    assert!(reader.push(lines(b"220-one\r\n").remove(0)).is_empty());
    let torn = reader.push(after_gap("o words"));
    assert_eq!((tell(&torn[0]), torn[0].after_gap), ("220: one".into(), false));
    assert!(reader.push(lines(b"more\r\n").remove(0)).is_empty());
    let rest = reader.push(lines(b"220 end\r\n").remove(0));
    assert_eq!((tell(&rest[0]), rest[0].after_gap), ("220: o words/more/end".into(), true));
}

#[test]
fn text_behind_a_gap_ends_at_the_next_reply() {
    let mut reader = ReplyReader::new();
    assert!(reader.push(after_gap("ome words")).is_empty());
    let told: Vec<_> = reader.push(lines(b"331 x\r\n").remove(0)).iter().map(tell).collect();
    assert_eq!(told, ["none: ome words", "331: x"]);
}

#[test]
fn whole_line_behind_a_gap_is_a_reply() {
    let mut reader = ReplyReader::new();
    let replies = reader.push(after_gap("226 done"));
    assert_eq!((tell(&replies[0]), replies[0].after_gap), ("226: done".into(), true));
}

#[test]
fn memory_is_bounded_and_the_true_length_told() {
    let mut reader = ReplyReader::new();
    let mut feed = |text: &[u8]| reader.push(lines(text).remove(0));
    assert!(feed(b"220-x\r\n").is_empty());
    for _ in 0..MAXIMUM_LINES + 10 {
        assert!(feed(b"ab\r\n").is_empty());
    }
    let reply = feed(b"220 end\r\n").remove(0);
    assert_eq!(reply.lines.len(), MAXIMUM_LINES + 1);
    assert_eq!(reply.truncated_from, Some(1 + 2 * (MAXIMUM_LINES as u64 + 10) + 3));
    assert_eq!(reply.lines.last().unwrap(), b"end");
}

#[test]
fn cut_line_makes_a_cut_reply() {
    let mut out = Vec::new();
    LineReader::new(10).push(b"220 0123456789\r\n", &mut out);
    let reply = ReplyReader::new().push(out.remove(0)).remove(0);
    assert_eq!((reply.text(), reply.truncated_from), (&b"012345"[..], Some(10)));
}

#[test]
fn oddities_are_sentences() {
    assert_eq!(ReplyOddity::UndefinedCode(99).to_string(), "099 is no reply code of RFC 959 section 4.2");
    let closed = ReplyOddity::ClosedByOtherCode { opened: 553, closed: 150 };
    assert_eq!(closed.to_string(), "the reply is opened with 553 and closed with 150");
}

#[test]
fn writing_is_strict() {
    assert_eq!(encode(220, &[b"ready"]), Ok(b"220 ready\r\n".to_vec()));
    assert_eq!(encode(211, &[b"a", b"2 b", b"c"]), Ok(b"211-a\r\n 2 b\r\n211 c\r\n".to_vec()));
    assert_eq!(encode(200, &[]), Ok(b"200 \r\n".to_vec()));
    assert_eq!(encode(99, &[b"x"]), Err(EncodeError::Code(99)));
    assert_eq!(encode(200, &[b"a", b"b\r\n221 c"]), Err(EncodeError::Text { byte: 13, line: 1 }));
}

proptest! {
    #[test]
    fn what_was_written_is_read_again(code in 100u16..560, text in prop::collection::vec("[^\r\n\0]{0,20}", 1..6)) {
        let texts: Vec<&[u8]> = text.iter().map(String::as_bytes).collect();
        prop_assume!(code % 100 < 60);
        let padded = text.iter().skip(1).rev().skip(1).any(|line| line.starts_with(|c: char| c.is_ascii_digit()));
        prop_assume!(!padded);
        let mut reader = ReplyReader::new();
        let mut out = Vec::new();
        for line in lines(&encode(code, &texts).unwrap()) {
            out.extend(reader.push(line));
        }
        prop_assert_eq!(out.len(), 1);
        prop_assert_eq!(out[0].code, Some(code));
        prop_assert_eq!(out[0].lines.iter().map(Vec::as_slice).collect::<Vec<_>>(), texts);
        prop_assert_eq!(&out[0].oddities, &vec![]);
    }

    #[test]
    fn replies_tile_the_stream(text in prop::collection::vec(
        prop::sample::select(vec!["220-", "220 a", "230-b", "230 users", "331 Password", "x", "", "550-", "553 c", "150-d", "226 e"]), 0..30
    ), settle in any::<u32>()) {
        let bytes: String = text.iter().map(|line| format!("{line}\r\n")).collect();
        let mut reader = ReplyReader::new();
        let mut out = Vec::new();
        for (at, line) in lines(bytes.as_bytes()).into_iter().enumerate() {
            out.extend(reader.push(line));
            if settle >> at & 1 == 1 {
                out.extend(reader.settle());
            }
        }
        out.extend(reader.finish());
        let mut at = 0;
        for reply in &out {
            prop_assert_eq!(reply.start, at);
            at = reply.end;
        }
        prop_assert_eq!(at, bytes.len() as u64);
        prop_assert_eq!(out.iter().map(|reply| reply.lines.len()).sum::<usize>(), text.len());
    }

    #[test]
    fn any_bytes_are_replies(bytes in prop::collection::vec(prop::sample::select(b"0125- \t\r\nx\xff".to_vec()), 0..200)) {
        let mut reader = ReplyReader::new();
        for line in lines(&bytes) {
            reader.push(line);
        }
        reader.finish();
    }
}
