use std::collections::VecDeque;
use std::fmt;
use std::io::Cursor;
use std::sync::Mutex;

use port21_capture::{Capture, Decoder, Job};
use port21_testkit::chatter;

use super::*;

/// What becomes of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    AtOnce,
    /// Only when somebody must wait for one.
    Late,
    /// Never, from the third one on.
    Lost,
}

struct Jobs {
    way: Way,
    waiting: Mutex<VecDeque<Job>>,
    handed_over: Mutex<u64>,
}

impl Jobs {
    fn new(way: Way) -> Arc<Jobs> {
        Arc::new(Jobs { way, waiting: Mutex::default(), handed_over: Mutex::new(0) })
    }

    fn handed_over(&self) -> u64 {
        *self.handed_over.lock().unwrap()
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.way.fmt(f)
    }
}

impl Executor for Jobs {
    fn submit(&self, job: Job) {
        *self.handed_over.lock().unwrap() += 1;
        match self.way {
            Way::AtOnce => job(),
            Way::Lost if self.handed_over() > 2 => drop(job),
            Way::Late | Way::Lost => self.waiting.lock().unwrap().push_back(job),
        }
    }

    fn done(&self) -> u64 {
        0
    }

    fn relieve(&self, _: u64) {
        let job = self.waiting.lock().unwrap().pop_front();
        job.expect("a job that waits")();
    }
}

fn options() -> Options {
    Options { record_connections: true, record_dns: true, ..Options::default() }
}

fn each_packet(capture: Vec<u8>, mut take: impl FnMut(&Decoded<'_>)) {
    let mut capture = Capture::from_reader("chatter".into(), Box::new(Cursor::new(capture))).unwrap();
    let mut decoder = Decoder::default();
    while let Some(packet) = capture.next_packet() {
        take(&decoder.decode(&packet));
    }
}

/// Everything that comes of a capture, as text. After every so many packets it is `settled`.
fn all_of(mut analysis: Analysis, settled: u64) -> String {
    let (mut text, mut counts) = (String::new(), [0; 3]);
    let mut tally = Tally::new(&Limits::default());
    let mut take = |analysis: &mut Analysis| {
        for news in analysis.take_news() {
            let (kind, told) = match news {
                News::Session(ended) => {
                    let session = ended.write_down();
                    tally.add(Share::of(&session));
                    (0, format!("{session:?}"))
                }
                News::Connection(connection) => (1, format!("{connection:?}")),
                News::Names(transaction) => (2, format!("{transaction:?}")),
            };
            counts[kind] += 1;
            text.push_str(&told);
        }
    };
    each_packet(chatter(), |decoded| {
        analysis.packet(decoded);
        if decoded.packet.is_multiple_of(settled) {
            analysis.settle().unwrap();
        }
        if analysis.has_news() {
            take(&mut analysis);
        }
    });
    analysis.settle().unwrap();
    analysis.end();
    take(&mut analysis);
    let Conclusion { totals, findings } = analysis.conclude(tally);
    assert!(totals.packets > 10_000, "{totals:?}");
    assert_eq!([counts[0], counts[2]], [304, 3], "{counts:?}");
    format!("{text} {totals:?} {findings:?}")
}

#[test]
fn what_is_heard_elsewhere_is_understood_the_same() {
    let expected = all_of(Analysis::new(options()), u64::MAX);
    let ways = [(Way::AtOnce, u64::MAX), (Way::Late, u64::MAX), (Way::Late, 700), (Way::AtOnce, 1)];
    for (way, settled) in ways {
        let jobs = Jobs::new(way);
        let told = all_of(Analysis::spread(options(), jobs.clone()), settled);
        assert!(told == expected, "{way:?}, settled every {settled} packets");
        assert!(jobs.handed_over() > 5, "{way:?}: {} batches handed over", jobs.handed_over());
    }
}

#[test]
fn a_job_that_is_lost_is_told_and_nothing_piles_up() {
    let mut analysis = Analysis::spread(options(), Jobs::new(Way::Lost));
    each_packet(chatter(), |decoded| analysis.packet(decoded));
    let kept = analysis.spread.as_ref().unwrap().events.len();
    assert!(kept < 20_000, "{kept} events");
    let error = analysis.settle().unwrap_err();
    assert!(error.to_string().contains("given up"), "{error}");
    analysis.end();
    assert!(analysis.take_news().len() < 304);
}
