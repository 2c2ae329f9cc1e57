//! What the server tells of itself and of the session: SYST, STAT, HELP, NOOP (RFC 959 section 4.1.3), FEAT (RFC 2389
//! section 3), LANG (RFC 2640 section 4), CLNT and CSID (draft-peterson-streamlined-ftp-command-extensions).

use ftp_protocol::Verb;

use super::Purpose;
use crate::hash::Algorithm;
use crate::listing::Fact;
use crate::session::parameters::Type;
use crate::session::reply::echo;
use crate::session::stage::{Identity, Stage};
use crate::session::{Operation, Session};
use crate::store::{Kind, Metadata};

/// Most entries that STAT lists on the control connection; LIST has no such limit.
pub const STATUS_LINES: usize = 1000;

/// What HELP lists, eight in a line.
const COMMANDS: [&str; 9] = [
    "USER PASS ACCT REIN QUIT HOST AUTH PBSZ PROT CCC",
    "PORT PASV EPRT EPSV TYPE STRU MODE REST RANG ALLO",
    "RETR STOR STOU APPE LIST NLST MLSD ABOR",
    "CWD CDUP PWD MKD RMD XCWD XCUP XPWD XMKD XRMD",
    "DELE RNFR RNTO COMB AVBL SIZE MDTM MLST MFMT MFF",
    "HASH MD5 XCRC XMD5 XSHA XSHA1 XSHA256 XSHA512",
    "SITE CHMOD, SITE UMASK, SITE UTIME, SITE IDLE, SITE HELP",
    "SYST STAT HELP NOOP FEAT OPTS LANG CLNT CSID",
    "OPTS UTF8, OPTS MLST, OPTS HASH, OPTS MODE Z LEVEL",
];

impl Session {
    /// One command of this family.
    pub(super) fn information_command(&mut self, verb: Verb, argument: &[u8]) {
        match verb {
            // RFC 959 section 4.1.3 wants a name of the assigned numbers; clients look for this one to read LIST.
            Verb::Syst => self.reply(215, "UNIX Type: L8"),
            Verb::Stat => self.stat(argument),
            Verb::Help => self.help(argument),
            Verb::Noop => self.reply(200, "OK."),
            Verb::Feat => self.feat(),
            Verb::Lang => self.lang(argument),
            Verb::Clnt => self.reply(200, "Noted."),
            _ => self.csid(),
        }
    }

    /// STAT (RFC 959 section 4.1.3): of the session and its transfer, or of a path, on the control connection.
    fn stat(&mut self, argument: &[u8]) {
        if argument.is_empty() {
            let lines = self.status();
            return self.reply_lines(211, &lines);
        }
        let Some((path, pattern, format)) = self.list_request(Verb::Stat, argument) else { return };
        let inspected = Operation::Inspect(path.clone());
        self.operate(inspected, Purpose::StatusKind { operation: Operation::List { path, pattern, format } });
    }

    fn status(&self) -> Vec<String> {
        let user = match &self.identity {
            Identity::Known(account) if account.login.guest => "Logged in as a guest.".to_owned(),
            Identity::Known(account) => format!("Logged in as {}.", echo(account.login.name.as_bytes())),
            Identity::Named(_) | Identity::Nobody => "Not logged in.".to_owned(),
        };
        let control = if self.protection.is_on() { "protected by TLS" } else { "in clear" };
        let data = if self.protection.data { "protected by TLS" } else { "in clear" };
        let form = match self.parameters.representation {
            Type::Ascii => "ASCII",
            Type::Image | Type::Local8 => "image",
        };
        let mode = if self.parameters.deflate { "deflate" } else { "stream" };
        let transfer = match &self.stage {
            Stage::Transferring(running) => {
                format!(" {}: {} bytes so far.", running.verb.as_str(), running.bytes)
            }
            _ => " No transfer is under way.".to_owned(),
        };
        vec![
            format!("Status of {}:", self.policy.software),
            format!(" {user}"),
            format!(" This connection is {control}, data connections are {data}."),
            format!(" TYPE: {form}, STRU: file, MODE: {mode}."),
            transfer,
            "End of status.".to_owned(),
        ]
    }

    /// STAT's path is there.
    pub(super) fn status_inspected(&mut self, operation: Operation, metadata: &Metadata) {
        let code = if metadata.kind == Kind::Directory { 212 } else { 213 };
        self.operate(operation, Purpose::StatusLines { code });
    }

    /// STAT's path is listed.
    pub(super) fn status_listed(&mut self, code: u16, entries: Vec<Vec<u8>>, cut: bool) {
        let left_out = cut || entries.len() > STATUS_LINES;
        let mut lines = vec![b"Status:".to_vec()];
        lines.extend(entries.into_iter().take(STATUS_LINES));
        lines.push(if left_out { b"There is more: send LIST.".to_vec() } else { b"End of status.".to_vec() });
        self.reply_lines(code, &lines);
    }

    /// HELP (RFC 959 section 4.1.3).
    fn help(&mut self, argument: &[u8]) {
        if argument.is_empty() {
            let mut lines = vec!["These commands are known:".to_owned()];
            lines.extend(COMMANDS.iter().map(|line| format!(" {line}")));
            lines.push("HELP and a command says where it is defined.".to_owned());
            return self.reply_lines(214, &lines);
        }
        match Verb::from_bytes(argument.trim_ascii()) {
            Some(Verb::Site) => self.site_help(),
            Some(verb) => self.reply(214, format!("{}: see {}.", verb.as_str(), verb.defined_in())),
            None => self.reply(501, "There is no such command; HELP lists those that are."),
        }
    }

    /// FEAT (RFC 2389 section 3.2): each feature's line begins with a space.
    fn feat(&mut self) {
        let mut lines = vec!["Features:".to_owned()];
        let mut add = |condition: bool, features: &[&str]| {
            if condition {
                lines.extend(features.iter().map(|feature| format!(" {feature}")));
            }
        };
        let policy = &self.policy;
        add(policy.offer_tls, &["AUTH TLS", "PBSZ", "PROT"]);
        add(policy.offer_tls && policy.allow_clear_command_channel, &["CCC"]);
        add(policy.offer_active, &["EPRT"]);
        add(policy.offer_passive, &["EPSV"]);
        add(true, &["CLNT", "CSID", "HOST", "LANG EN*", "MDTM", "MFF Modify;UNIX.mode;", "MFMT"]);
        let facts = self.parameters.facts();
        let star = |fact: &Fact| if facts.contains(fact) { "*;" } else { ";" };
        let mlst: String = Fact::ALL.iter().flat_map(|fact| [fact.name(), star(fact)]).collect();
        add(true, &[&format!("MLST {mlst}"), "REST STREAM", "SIZE", "TVFS", "UTF8", "AVBL"]);
        add(policy.offer_combine, &["COMB"]);
        add(policy.offer_deflate, &["MODE Z"]);
        let chosen = |algorithm: &Algorithm| if *algorithm == self.parameters.algorithm { "*;" } else { ";" };
        let hashes: String = Algorithm::ALL.iter().flat_map(|one| [one.name(), chosen(one)]).collect();
        add(
            policy.offer_hashes,
            &[
                &format!("HASH {hashes}"),
                "RANG STREAM",
                "MD5",
                "XCRC",
                "XMD5",
                "XSHA",
                "XSHA1",
                "XSHA256",
                "XSHA512",
            ],
        );
        lines.push("End.".to_owned());
        self.reply_lines(211, &lines);
    }

    /// LANG (RFC 2640 section 4.1): replies are in English; without an argument that is what is returned to.
    fn lang(&mut self, argument: &[u8]) {
        let upper = argument.to_ascii_uppercase();
        match upper.as_slice() {
            b"" | b"EN" => self.reply(200, "Replies are in English."),
            other if other.starts_with(b"EN-") => self.reply(200, "Replies are in English."),
            _ => self.reply(504, "Replies are in English only: send LANG EN."),
        }
    }

    /// CSID: the client has named itself, and is told the same of the server.
    fn csid(&mut self) {
        let text = format!("Name={}; CaseSensitive=1; DirSep=/;", self.policy.software);
        self.reply(200, text);
    }
}
