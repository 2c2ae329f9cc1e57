//! What is said of a report as a whole, and of a finding, in every format for people.

use port21_analysis::report::{Capture, Finding};

use super::document::Overview;
use super::groups::Group;
use crate::escape;
use crate::render::words;

/// What the first line of a report says behind the inputs' names that is written before its end is known.
pub const AT_THE_END: &str = "sessions as they end; totals are at the end";

/// "ftp-lab.pcap   310 packets in 10.1 s   1 FTP session   1 transfer   2 findings"; with several captures, one line
/// each and then the sums.
pub fn heading(overview: &Overview<'_>) -> Vec<String> {
    let totals = overview.totals;
    let sums = [
        words::count(totals.sessions, "FTP session"),
        words::count(totals.transfers, "transfer"),
        words::count(overview.findings, "finding"),
    ]
    .join("   ");
    match overview.captures {
        [] => vec![sums],
        [only] => vec![format!("{}   {sums}", capture(only))],
        several => {
            let mut lines: Vec<String> = several.iter().map(capture).collect();
            lines.push(format!("together   {}   {sums}", words::count(totals.packets, "packet")));
            lines
        }
    }
}

fn capture(capture: &Capture) -> String {
    let name = escape::terminal(&capture.path);
    let packets = words::count(capture.packets, "packet");
    match span(capture) {
        Some(span) => format!("{name}   {packets} in {}", words::seconds(span)),
        None => format!("{name}   {packets}"),
    }
}

fn span(capture: &Capture) -> Option<f64> {
    if capture.packets < 2 {
        return None;
    }
    let first = nanoseconds(capture.first_time.as_deref()?)?;
    let last = nanoseconds(capture.last_time.as_deref()?)?;
    Some((last - first) as f64 / 1e9)
}

/// Nanoseconds of an RFC 3339 time in UTC since the year 0 of the Gregorian calendar.
fn nanoseconds(time: &str) -> Option<i128> {
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let (year, month_day) = date.split_once('-')?;
    let (month, day) = month_day.split_once('-')?;
    let (hour, rest) = clock.split_once(':')?;
    let (minute, second) = rest.split_once(':')?;
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let number = |text: &str| text.parse::<u32>().ok().map(i128::from);
    // Counting years from March on puts the leap day at the end.
    let (year, month) = (number(year)?, number(month)?);
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + number(day)?;
    let seconds = ((days * 24 + number(hour)?) * 60 + number(minute)?) * 60 + number(second)?;
    Some(seconds * 1_000_000_000 + number(format!("{fraction:0<9}").get(..9)?)?)
}

/// What was wrong with the captures, what could not be read, what was left out, and that there is no FTP.
pub fn remarks(overview: &Overview<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    for capture in overview.captures {
        let name = match overview.captures.len() {
            1 => String::new(),
            _ => format!("{}: ", escape::terminal(&capture.path)),
        };
        remarks.extend(capture.problems.iter().map(|problem| {
            let packet = problem.packet.map_or(String::new(), |packet| format!(" at #{packet}"));
            format!("problem{packet}: {name}{}", escape::terminal(&problem.text))
        }));
    }
    let totals = overview.totals;
    let counts = |counts: &[port21_analysis::report::Count]| {
        let all: Vec<String> = counts
            .iter()
            .map(|count| format!("{} ({})", escape::terminal(&count.what), words::number(count.count)))
            .collect();
        all.join(", ")
    };
    if totals.undecoded_packets > 0 {
        let packets = words::count(totals.undecoded_packets, "packet");
        remarks
            .push(format!("{packets} could not be read to the end: {}", counts(&totals.undecoded_reasons)));
    }
    if !totals.dropped.is_empty() {
        remarks.push(format!("left out: {}", counts(&totals.dropped)));
    }
    if totals.sessions == 0 {
        remarks.push(match (totals.packets, totals.tcp_packets) {
            (0, _) => "No FTP session was found: there are no packets.".to_owned(),
            (_, 0) => "No FTP session was found: none of the packets is TCP.".to_owned(),
            (_, packets) => format!(
                "No FTP session was found: {} in {}.",
                words::count(totals.connections, "TCP connection"),
                words::count(packets, "TCP packet")
            ),
        });
    }
    remarks
}

/// "password in clear  #149".
pub fn finding_title(finding: &Finding, with_session: bool) -> String {
    let session = finding.session.filter(|_| with_session);
    let session = session.map_or(String::new(), |session| format!("session {session}: "));
    let title = escape::terminal(finding.title);
    format!("{session}{title}  {}", words::packets(&finding.packets))
}

/// Examples of a group that its title names.
const EXAMPLES: usize = 5;

/// "password in clear  1,204 times in 1,200 sessions: session 1 #149, session 2 #310, ..."; a finding that is alone is
/// told as itself.
pub fn group_title(group: &Group) -> String {
    let Some(first) = group.first.first() else { return String::new() };
    if group.findings == 1 {
        return finding_title(first, true);
    }
    let mut examples: Vec<String> = group.first.iter().take(EXAMPLES).map(example).collect();
    if group.findings > examples.len() as u64 {
        examples.push("...".into());
    }
    let times = words::count(group.findings, "time");
    let sessions = match group.sessions {
        0 => String::new(),
        sessions => format!(" in {}", words::count(sessions, "session")),
    };
    format!("{}  {times}{sessions}: {}", escape::terminal(first.title), examples.join(", "))
}

fn example(finding: &Finding) -> String {
    let packet = finding.packets.first().map(|packet| format!("#{packet}"));
    let session = finding.session.map(|session| format!("session {session}"));
    session.into_iter().chain(packet).collect::<Vec<_>>().join(" ")
}

/// As [`finding_text`], of the first of a group.
pub fn group_text(group: &Group) -> String {
    let text = group.first.first().map(finding_text).unwrap_or_default();
    if group.findings > 1 { format!("The first: {text}") } else { text }
}

/// What happened, what to do, and the rule.
pub fn finding_text(finding: &Finding) -> String {
    let parts = [finding.detail.as_str(), finding.advice].map(escape::terminal);
    let rule = match finding.rule.is_empty() {
        true => String::new(),
        false => format!("({})", escape::terminal(finding.rule)),
    };
    let parts: Vec<String> = parts.into_iter().chain([rule]).filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_compared_across_a_leap_day() {
        let at = |time| nanoseconds(time).unwrap();
        let day = 86_400_000_000_000;
        assert_eq!(at("2024-03-01T00:00:00Z") - at("2024-02-28T00:00:00Z"), 2 * day);
        assert_eq!(at("2023-03-01T00:00:00Z") - at("2023-02-28T00:00:00Z"), day);
        assert_eq!(at("2000-01-01T00:00:00.25Z") - at("1999-12-31T23:59:59.5Z"), 750_000_000);
    }

    #[test]
    fn text_that_is_no_time_has_no_nanoseconds() {
        for time in ["", "Z", "TZ", "2024-03-01", "2024-03-01T00:00Z", "é-1-1T1:1:1Z", "2024-xx-01T00:00:00Z"]
        {
            assert_eq!(nanoseconds(time), None, "{time}");
        }
    }
}
