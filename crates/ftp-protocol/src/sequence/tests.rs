use super::*;
use crate::command::Command;

fn verb(text: &str) -> Option<Verb> {
    Verb::from_bytes(text.as_bytes())
}

/// RFC 959 section 5.4, row by row as printed there: preliminary replies, then all others.
const SECTION_5_4: &[(&str, &[u16], &[u16])] = &[
    ("USER", &[], &[230, 530, 500, 501, 421, 331, 332]),
    ("PASS", &[], &[230, 202, 530, 500, 501, 503, 421, 332]),
    ("ACCT", &[], &[230, 202, 530, 500, 501, 503, 421]),
    ("CWD", &[], &[250, 500, 501, 502, 421, 530, 550]),
    ("CDUP", &[], &[200, 500, 501, 502, 421, 530, 550]),
    ("SMNT", &[], &[202, 250, 500, 501, 502, 421, 530, 550]),
    ("REIN", &[120], &[220, 421, 500, 502]),
    ("QUIT", &[], &[221, 500]),
    ("PORT", &[], &[200, 500, 501, 421, 530]),
    ("PASV", &[], &[227, 500, 501, 502, 421, 530]),
    ("MODE", &[], &[200, 500, 501, 504, 421, 530]),
    ("TYPE", &[], &[200, 500, 501, 504, 421, 530]),
    ("STRU", &[], &[200, 500, 501, 504, 421, 530]),
    ("ALLO", &[], &[200, 202, 500, 501, 504, 421, 530]),
    ("REST", &[], &[500, 501, 502, 421, 530, 350]),
    ("STOR", &[125, 150, 110], &[226, 250, 425, 426, 451, 551, 552, 532, 450, 452, 553, 500, 501, 421, 530]),
    ("STOU", &[125, 150, 110], &[226, 250, 425, 426, 451, 551, 552, 532, 450, 452, 553, 500, 501, 421, 530]),
    ("RETR", &[125, 150, 110], &[226, 250, 425, 426, 451, 450, 550, 500, 501, 421, 530]),
    ("LIST", &[125, 150], &[226, 250, 425, 426, 451, 450, 500, 501, 502, 421, 530]),
    ("NLST", &[125, 150], &[226, 250, 425, 426, 451, 450, 500, 501, 502, 421, 530]),
    (
        "APPE",
        &[125, 150, 110],
        &[226, 250, 425, 426, 451, 551, 552, 532, 450, 550, 452, 553, 500, 501, 502, 421, 530],
    ),
    ("RNFR", &[], &[450, 550, 500, 501, 502, 421, 530, 350]),
    ("RNTO", &[], &[250, 532, 553, 500, 501, 502, 503, 421, 530]),
    ("DELE", &[], &[250, 450, 550, 500, 501, 502, 421, 530]),
    ("RMD", &[], &[250, 500, 501, 502, 421, 530, 550]),
    ("MKD", &[], &[257, 500, 501, 502, 421, 530, 550]),
    ("PWD", &[], &[257, 500, 501, 502, 421, 550]),
    ("ABOR", &[], &[225, 226, 500, 501, 502, 421]),
    ("SYST", &[], &[215, 500, 501, 502, 421]),
    ("STAT", &[], &[211, 212, 213, 450, 500, 501, 502, 421, 530]),
    ("HELP", &[], &[211, 214, 500, 501, 502, 421]),
    ("SITE", &[], &[200, 202, 500, 501, 530]),
    ("NOOP", &[], &[200, 500, 421]),
];

#[test]
fn table_of_rfc_959_is_kept() {
    for (text, preliminary, last) in SECTION_5_4 {
        for &code in *preliminary {
            assert_eq!(fit(verb(text), code), Fit::Preliminary, "{text} {code}");
        }
        for &code in *last {
            assert_eq!(fit(verb(text), code), Fit::Final, "{text} {code}");
        }
    }
    let of_rfc_959 = Verb::ALL.iter().filter(|verb| verb.defined_in() == "RFC 959").count();
    assert_eq!(SECTION_5_4.len(), of_rfc_959);
}

#[test]
fn every_command_has_a_listed_success() {
    for &verb in Verb::ALL {
        let listed = table::listed(verb);
        assert!(listed.iter().any(|&code| is_completion(code) || code == 350 || code == 631), "{verb:?}");
        let mut codes = listed.to_vec();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), listed.len(), "{verb:?} lists a code twice");
    }
}

#[test]
fn extensions_get_their_replies() {
    for (text, code) in [
        ("AUTH", 234),
        ("AUTH", 334),
        ("ADAT", 235),
        ("ADAT", 335),
        ("PBSZ", 200),
        ("PROT", 536),
        ("CCC", 533),
        ("FEAT", 211),
        ("OPTS", 200),
        ("EPRT", 522),
        ("EPSV", 229),
        ("EPSV", 200),
        ("LPSV", 228),
        ("LPRT", 521),
        ("SIZE", 213),
        ("MDTM", 550),
        ("MLST", 250),
        ("MLSD", 226),
        ("HOST", 220),
        ("LANG", 200),
        ("MFMT", 213),
        ("HASH", 213),
        ("XPWD", 257),
        ("XCUP", 250),
        ("MIC", 631),
        ("CPSV", 227),
        ("RANG", 350),
        ("USER", 232),
    ] {
        assert_eq!(fit(verb(text), code), Fit::Final, "{text} {code}");
    }
    assert_eq!(fit(verb("MLSD"), 150), Fit::Preliminary);
}

#[test]
fn passive_commands_may_get_the_other_ones_reply() {
    for (text, code) in [("EPSV", 227), ("PASV", 229)] {
        assert_eq!(fit(verb(text), code), Fit::Unlikely, "{text} {code}");
    }
}

#[test]
fn replies_of_real_servers_are_unlikely_but_possible() {
    for (text, code) in [
        ("DELE", 200),
        ("CWD", 332),
        ("CWD", 200),
        ("REIN", 230),
        ("ACCT", 202),
        ("RETR", 553),
        ("PASV", 425),
        ("PORT", 550),
        ("MLST", 213),
        ("FEAT", 214),
        ("TYPE", 530),
        ("NOOP", 250),
        ("SIZE", 450),
    ] {
        assert!(fit(verb(text), code) >= Fit::Unlikely, "{text} {code}");
    }
}

#[test]
fn codes_that_speak_of_another_command_never_fit() {
    for (text, code) in [
        ("USER", 227),
        ("PASS", 257),
        ("TYPE", 230),
        ("TYPE", 226),
        ("CWD", 150),
        ("PWD", 220),
        ("SIZE", 257),
        ("QUIT", 230),
        ("RETR", 227),
        ("RETR", 331),
        ("TYPE", 350),
        ("NOOP", 426),
        ("TYPE", 425),
        ("SYST", 234),
    ] {
        assert_eq!(fit(verb(text), code), Fit::Never, "{text} {code}");
    }
}

#[test]
fn unknown_command_gets_errors_and_what_belongs_to_none() {
    let unknown = Command::parse(b"XFOO").0.known_verb();
    assert_eq!(fit(unknown, 500), Fit::Final);
    assert_eq!(fit(unknown, 200), Fit::Unlikely);
    assert_eq!(fit(unknown, 550), Fit::Unlikely);
    assert_eq!(fit(unknown, 227), Fit::Never);
}

#[test]
fn greeting_is_220() {
    assert_eq!(fit_greeting(220), Fit::Final);
    assert_eq!(fit_greeting(120), Fit::Preliminary);
    assert_eq!(fit_greeting(421), Fit::Final);
    assert_eq!(fit_greeting(530), Fit::Unlikely);
    assert_eq!(fit_greeting(331), Fit::Never);
}

#[test]
fn first_digit_gives_the_class() {
    assert!(is_preliminary(150) && is_completion(226) && is_intermediate(331));
    assert!(is_transient_negative(426) && is_permanent_negative(550));
    assert!(!is_preliminary(99) && !is_completion(1200) && !is_permanent_negative(631));
}

#[test]
fn begun_transfer_ends_with_few_codes() {
    for code in [226, 250, 425, 426, 451, 421] {
        assert_eq!(fit_after_preliminary(Some(Verb::Retr), code), Fit::Final);
    }
    assert_eq!(fit_after_preliminary(Some(Verb::Stor), 110), Fit::Preliminary);
    assert_eq!(fit_after_preliminary(Some(Verb::Rein), 220), Fit::Final);
    assert_eq!(fit_after_preliminary(Some(Verb::Retr), 550), Fit::Unlikely);
    assert_eq!(fit_after_preliminary(Some(Verb::Retr), 227), Fit::Never);
    assert_eq!(fit_after_preliminary(Some(Verb::Retr), 331), Fit::Never);
}
