//! The options `--max-…`: one for each limit that the libraries name.

use clap::builder::ValueParser;
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};
use port21_analysis::limits::{LIMITS, Limits};
use port21_capture::decode;

/// What bounds memory and work.
#[derive(Debug, Clone, Copy, Default)]
pub struct LimitArguments {
    /// Of the analysis.
    pub analysis: Limits,
    /// Of putting IP fragments together.
    pub fragments: decode::Limits,
}

/// An option, what it bounds, and where it stands.
type Row = (&'static str, &'static str, fn(&mut LimitArguments) -> &mut usize);

/// The limits of reading packets.
const FRAGMENTS: [Row; 3] = [
    ("max-fragmented", "IP datagrams whose fragments are being put together", |limits| {
        &mut limits.fragments.datagrams
    }),
    ("max-fragment-bytes", "Bytes of IP fragments that wait for others", |limits| {
        &mut limits.fragments.bytes
    }),
    ("max-fragment-ranges", "Separate ranges of one fragmented IP datagram", |limits| {
        &mut limits.fragments.ranges
    }),
];

impl LimitArguments {
    /// Every option with what it bounds and its default.
    fn options() -> impl Iterator<Item = (&'static str, &'static str, usize)> {
        let mut limits = LimitArguments::default();
        let mut rows: Vec<(&str, &str, usize)> =
            FRAGMENTS.iter().map(|(option, help, place)| (*option, *help, *place(&mut limits))).collect();
        rows.extend(
            LIMITS.iter().map(|limit| (limit.option, limit.help, *(limit.place)(&mut limits.analysis))),
        );
        rows.sort_unstable_by_key(|(option, _, _)| *option);
        rows.into_iter()
    }
}

impl Args for LimitArguments {
    fn augment_args(command: Command) -> Command {
        let options = LimitArguments::options().map(|(option, help, default)| {
            Arg::new(option)
                .long(option)
                .value_name("N")
                .help(format!("{help} [default: {default}]"))
                .help_heading("Limits (what they leave out is counted in the report)")
                .value_parser(ValueParser::new(whole_number))
                .hide_short_help(true)
        });
        command.args(options)
    }

    fn augment_args_for_update(command: Command) -> Command {
        LimitArguments::augment_args(command)
    }
}

impl FromArgMatches for LimitArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<LimitArguments, Error> {
        let mut limits = LimitArguments::default();
        limits.update_from_arg_matches(matches)?;
        Ok(limits)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for (option, _, place) in FRAGMENTS {
            if let Some(value) = matches.get_one::<usize>(option) {
                *place(self) = *value;
            }
        }
        for limit in LIMITS {
            if let Some(value) = matches.get_one::<usize>(limit.option) {
                *(limit.place)(&mut self.analysis) = *value;
            }
        }
        Ok(())
    }
}

fn whole_number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "a whole number is needed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_of_fragments_has_an_option() {
        let mut limits = LimitArguments::default();
        for (_, _, place) in FRAGMENTS {
            *place(&mut limits) = 7;
        }
        // By name, so that one more does not compile without having been thought of here.
        let decode::Limits { datagrams, bytes, ranges, timeout: _ } = limits.fragments;
        assert_eq!([datagrams, bytes, ranges], [7; 3]);
    }

    #[test]
    fn every_option_has_a_sentence_of_its_own() {
        let mut sentences: Vec<&str> = LimitArguments::options().map(|(_, help, _)| help).collect();
        let count = sentences.len();
        sentences.sort_unstable();
        sentences.dedup();
        assert_eq!((sentences.len(), count), (LIMITS.len() + FRAGMENTS.len(), sentences.len()));
    }
}
