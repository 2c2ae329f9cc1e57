//! What is known of the inputs, for the report and for people.

use port21_analysis::report::{Capture, Count, Problem};
use port21_capture::decode::Dropped;
use port21_capture::read::Info;
use port21_capture::{OpenError, Timestamp, link_type_name};

use crate::escape;
use crate::output;

/// An input as the report has it.
pub fn report(info: &Info) -> Capture {
    Capture {
        path: info.name.clone(),
        format: info.format.name().into(),
        link_types: info.link_types.iter().map(|link_type| link_type_name(*link_type).into_owned()).collect(),
        packets: info.packets,
        bytes: info.bytes,
        first_time: info.first_time.map(time),
        last_time: info.last_time.map(time),
        problems: info
            .problems
            .iter()
            .map(|problem| Problem { packet: problem.packet, text: problem.text.clone() })
            .collect(),
    }
}

/// Notes, with the last input, that a signal has ended reading before its end.
pub fn note_stop(captures: &mut [Capture], packets: u64) {
    if let Some(last) = captures.last_mut() {
        let text =
            format!("reading was ended by a signal after packet {packets}; the rest was not looked at");
        last.problems.push(Problem { packet: Some(packets).filter(|packet| *packet > 0), text });
    }
}

/// IP fragments that never made a datagram.
pub fn fragments(dropped: Dropped) -> Vec<Count> {
    let counts = [
        (
            "fragmented datagrams given up (--max-fragmented, --max-fragment-bytes, --max-fragment-ranges)",
            dropped.by_limit,
        ),
        ("fragmented datagrams whose other fragments did not come", dropped.by_timeout),
        ("fragments that contradict their datagram's length", dropped.malformed),
        ("fragments that the capture holds only in part", dropped.cut),
    ];
    let bitten = counts.into_iter().filter(|(_, count)| *count > 0);
    bitten.map(|(what, count)| Count { what: what.to_owned(), count }).collect()
}

fn time(time: Timestamp) -> String {
    port21_analysis::time::rfc3339(time.0)
}

/// Says on standard error what is wrong with the inputs.
pub fn tell(infos: &[Info], errors: &[OpenError]) {
    for error in errors {
        output::complain(&escape::terminal(&error.to_string()));
    }
    for info in infos {
        let name = escape::terminal(&info.name);
        for problem in &info.problems {
            let packet = problem.packet.map_or(String::new(), |packet| format!(" (at packet {packet})"));
            output::complain(&format!("{name}: {}{packet}", escape::terminal(&problem.text)));
        }
    }
}
