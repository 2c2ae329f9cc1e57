//! The known commands, where each is defined and what it is about.

use memchr::memchr;

macro_rules! verbs {
    ($($name:ident = $text:literal, $source:literal;)*) => {
        /// A command that this crate knows, named as on the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Verb {
            $(#[doc = concat!("`", $text, "`, ", $source, ".")] $name,)*
        }

        impl Verb {
            /// Every known verb.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The verb as it stands on the wire, in upper case.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The document that defines the verb, as "RFC 959".
            pub fn defined_in(self) -> &'static str {
                match self { $(Self::$name => $source,)* }
            }

            #[allow(non_upper_case_globals, reason = "byte patterns named after their variants")]
            fn from_upper_case(verb: &[u8]) -> Option<Self> {
                $(const $name: &[u8] = $text.as_bytes();)*
                match verb { $($name => Some(Self::$name),)* _ => None }
            }
        }
    };
}

verbs! {
    User = "USER", "RFC 959";
    Pass = "PASS", "RFC 959";
    Acct = "ACCT", "RFC 959";
    Cwd = "CWD", "RFC 959";
    Cdup = "CDUP", "RFC 959";
    Smnt = "SMNT", "RFC 959";
    Rein = "REIN", "RFC 959";
    Quit = "QUIT", "RFC 959";
    Port = "PORT", "RFC 959";
    Pasv = "PASV", "RFC 959";
    Type = "TYPE", "RFC 959";
    Stru = "STRU", "RFC 959";
    Mode = "MODE", "RFC 959";
    Retr = "RETR", "RFC 959";
    Stor = "STOR", "RFC 959";
    Stou = "STOU", "RFC 959";
    Appe = "APPE", "RFC 959";
    Allo = "ALLO", "RFC 959";
    Rest = "REST", "RFC 959";
    Rnfr = "RNFR", "RFC 959";
    Rnto = "RNTO", "RFC 959";
    Abor = "ABOR", "RFC 959";
    Dele = "DELE", "RFC 959";
    Rmd = "RMD", "RFC 959";
    Mkd = "MKD", "RFC 959";
    Pwd = "PWD", "RFC 959";
    List = "LIST", "RFC 959";
    Nlst = "NLST", "RFC 959";
    Site = "SITE", "RFC 959";
    Syst = "SYST", "RFC 959";
    Stat = "STAT", "RFC 959";
    Help = "HELP", "RFC 959";
    Noop = "NOOP", "RFC 959";
    Xcup = "XCUP", "RFC 775";
    Xcwd = "XCWD", "RFC 1123";
    Xmkd = "XMKD", "RFC 775";
    Xpwd = "XPWD", "RFC 775";
    Xrmd = "XRMD", "RFC 775";
    Mail = "MAIL", "RFC 765";
    Mlfl = "MLFL", "RFC 765";
    Msnd = "MSND", "RFC 765";
    Msom = "MSOM", "RFC 765";
    Msam = "MSAM", "RFC 765";
    Mrsq = "MRSQ", "RFC 765";
    Mrcp = "MRCP", "RFC 765";
    Xrsq = "XRSQ", "RFC 743";
    Xrcp = "XRCP", "RFC 743";
    Xsem = "XSEM", "RFC 737";
    Xsen = "XSEN", "RFC 737";
    Lprt = "LPRT", "RFC 1639";
    Lpsv = "LPSV", "RFC 1639";
    Auth = "AUTH", "RFC 2228";
    Adat = "ADAT", "RFC 2228";
    Prot = "PROT", "RFC 2228";
    Pbsz = "PBSZ", "RFC 2228";
    Ccc = "CCC", "RFC 2228";
    Mic = "MIC", "RFC 2228";
    Conf = "CONF", "RFC 2228";
    Enc = "ENC", "RFC 2228";
    Feat = "FEAT", "RFC 2389";
    Opts = "OPTS", "RFC 2389";
    Eprt = "EPRT", "RFC 2428";
    Epsv = "EPSV", "RFC 2428";
    Lang = "LANG", "RFC 2640";
    Mdtm = "MDTM", "RFC 3659";
    Size = "SIZE", "RFC 3659";
    Mlst = "MLST", "RFC 3659";
    Mlsd = "MLSD", "RFC 3659";
    Host = "HOST", "RFC 7151";
    Mfmt = "MFMT", "draft-somers-ftp-mfxx";
    Mfct = "MFCT", "draft-somers-ftp-mfxx";
    Mff = "MFF", "draft-somers-ftp-mfxx";
    Hash = "HASH", "draft-bryan-ftpext-hash";
    Rang = "RANG", "draft-bryan-ftp-range";
    Comb = "COMB", "draft-peterson-streamlined-ftp-command-extensions";
    Avbl = "AVBL", "draft-peterson-streamlined-ftp-command-extensions";
    Csid = "CSID", "draft-peterson-streamlined-ftp-command-extensions";
    Dsiz = "DSIZ", "draft-peterson-streamlined-ftp-command-extensions";
    Rmda = "RMDA", "draft-peterson-streamlined-ftp-command-extensions";
    Thmb = "THMB", "draft-peterson-streamlined-ftp-command-extensions";
    Clnt = "CLNT", "common practice";
    Xcrc = "XCRC", "common practice";
    Md5 = "MD5", "draft-twine-ftpmd5";
    Mmd5 = "MMD5", "draft-twine-ftpmd5";
    Xmd5 = "XMD5", "common practice";
    Xsha = "XSHA", "common practice";
    Xsha1 = "XSHA1", "common practice";
    Xsha256 = "XSHA256", "common practice";
    Xsha512 = "XSHA512", "common practice";
    Macb = "MACB", "common practice";
    Pret = "PRET", "common practice";
    Cpsv = "CPSV", "common practice";
    Sscn = "SSCN", "common practice";
    Spsv = "SPSV", "common practice";
    Esta = "ESTA", "common practice";
    Estp = "ESTP", "common practice";
    Spas = "SPAS", "GFD.20";
    Spor = "SPOR", "GFD.20";
    Dcau = "DCAU", "GFD.20";
    Eret = "ERET", "GFD.20";
    Esto = "ESTO", "GFD.20";
    Sbuf = "SBUF", "GFD.20";
    Abuf = "ABUF", "GFD.20";
}

/// What a command does with a data connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// A file from the server (RETR, ERET, THMB).
    Retrieve,
    /// A file to the server under the client's name (STOR, ESTO) or into a mailbox (MLFL).
    Store,
    /// A file to the server under a name that the server chooses (STOU).
    StoreUnique,
    /// A file to the end of one on the server (APPE).
    Append,
    /// A listing for people (LIST).
    List,
    /// A listing of names (NLST).
    NameList,
    /// A listing for programs (MLSD).
    MachineList,
}

impl TransferKind {
    /// The data flow from client to server.
    pub fn is_upload(self) -> bool {
        matches!(self, Self::Store | Self::StoreUnique | Self::Append)
    }

    /// The data are a listing, not a file.
    pub fn is_listing(self) -> bool {
        matches!(self, Self::List | Self::NameList | Self::MachineList)
    }
}

impl Verb {
    /// Finds a verb, in any case (RFC 959 section 5.3).
    pub fn from_bytes(verb: &[u8]) -> Option<Self> {
        let mut upper = [0; 8];
        let upper = upper.get_mut(..verb.len())?;
        upper.copy_from_slice(verb);
        upper.make_ascii_uppercase();
        Self::from_upper_case(upper)
    }

    /// What the command moves over a data connection; `None` if it uses none.
    pub fn transfer_kind(self) -> Option<TransferKind> {
        Some(match self {
            Self::Retr | Self::Eret | Self::Thmb => TransferKind::Retrieve,
            Self::Stor | Self::Esto | Self::Mlfl => TransferKind::Store,
            Self::Stou => TransferKind::StoreUnique,
            Self::Appe => TransferKind::Append,
            Self::List => TransferKind::List,
            Self::Nlst => TransferKind::NameList,
            Self::Mlsd => TransferKind::MachineList,
            _ => return None,
        })
    }

    /// The command uses a data connection.
    pub fn is_transfer(self) -> bool {
        self.transfer_kind().is_some()
    }

    /// The command says where the next data connection goes, itself or in its reply.
    pub fn arranges_data(self) -> bool {
        use Verb::*;
        matches!(self, Port | Pasv | Eprt | Epsv | Lprt | Lpsv | Cpsv | Spsv | Spas | Spor)
    }

    /// The argument is a path or ends with one; [`Verb::path_in`] finds it.
    pub fn takes_path(self) -> bool {
        self.words_before_path().is_some()
    }

    /// The path in the command's argument, without time stamps (MFMT, MDTM with a time), facts (MFF) and options
    /// (LIST -la) that stand before it. `None` if the verb takes no path or none is there.
    pub fn path_in(self, argument: &[u8]) -> Option<&[u8]> {
        let mut words = self.words_before_path()?;
        if self == Self::Mdtm && is_time_and_path(argument) {
            words = 1;
        }
        let mut rest = argument;
        for _ in 0..words {
            rest = rest.get(memchr(b' ', rest)?.checked_add(1)?..)?;
        }
        if matches!(self, Self::List | Self::Nlst) {
            rest = without_options(rest);
        }
        (!rest.is_empty()).then_some(rest)
    }

    /// No other text protocol that greets with "220" or takes USER and PASS (POP3, SMTP, IMAP, NNTP, IRC) has a
    /// command of this name.
    pub fn is_ftp_specific(self) -> bool {
        use Verb::*;
        !matches!(
            self,
            User | Pass
                | Acct
                | Quit
                | List
                | Retr
                | Dele
                | Stat
                | Noop
                | Help
                | Auth
                | Mail
                | Mode
                | Host
                | Lang
        )
    }

    /// How many words of the argument stand before the path; `None` without a path.
    fn words_before_path(self) -> Option<usize> {
        use Verb::*;
        match self {
            Cwd | Xcwd | Mkd | Xmkd | Rmd | Xrmd | Retr | Stor | Stou | Appe | Rnfr | Rnto | Dele | List
            | Nlst | Mlsd | Mlst | Size | Mdtm | Stat | Smnt | Hash | Comb | Avbl | Dsiz | Rmda | Xcrc
            | Md5 | Mmd5 | Xmd5 | Xsha | Xsha1 | Xsha256 | Xsha512 => Some(0),
            Mfmt | Mfct | Mff => Some(1),
            Thmb => Some(3),
            _ => None,
        }
    }
}

/// MDTM as some clients use it to set a time: fourteen digits, a space and a path.
fn is_time_and_path(argument: &[u8]) -> bool {
    argument.split_first_chunk::<14>().is_some_and(|(time, rest)| {
        time.iter().all(u8::is_ascii_digit) && rest.first() == Some(&b' ') && rest.len() > 1
    })
}

/// LIST and NLST without leading words like `-la`, which most servers take for options of `ls`.
fn without_options(argument: &[u8]) -> &[u8] {
    let mut rest = argument;
    while rest.first() == Some(&b'-') {
        match memchr(b' ', rest) {
            Some(space) => rest = rest.get(space..).unwrap_or_default().trim_ascii_start(),
            None => return &[],
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_found_by_its_text_in_any_case() {
        for &verb in Verb::ALL {
            assert_eq!(Verb::from_bytes(verb.as_str().as_bytes()), Some(verb));
            assert_eq!(Verb::from_bytes(verb.as_str().to_ascii_lowercase().as_bytes()), Some(verb));
            assert!(!verb.defined_in().is_empty());
        }
        for unknown in [&b""[..], b"US", b"USERX", b"EHLO", b"NINELETTERS", b"\xff"] {
            assert_eq!(Verb::from_bytes(unknown), None);
        }
    }

    #[test]
    fn no_verb_stands_twice() {
        let mut texts: Vec<_> = Verb::ALL.iter().map(|verb| verb.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Verb::ALL.len());
    }

    #[test]
    fn transfers_are_those_with_a_data_connection() {
        use Verb::*;
        let transfers: Vec<_> = Verb::ALL.iter().copied().filter(|verb| verb.is_transfer()).collect();
        assert_eq!(transfers, [Retr, Stor, Stou, Appe, List, Nlst, Mlfl, Mlsd, Thmb, Eret, Esto]);
        assert!(TransferKind::Append.is_upload() && !TransferKind::Retrieve.is_upload());
        assert!(TransferKind::MachineList.is_listing() && !TransferKind::Store.is_listing());
    }

    #[test]
    fn mail_and_chat_words_are_not_ftp_specific() {
        for word in
            ["USER", "PASS", "QUIT", "RETR", "LIST", "STAT", "DELE", "NOOP", "HELP", "AUTH", "MAIL", "MODE"]
        {
            assert!(!Verb::from_bytes(word.as_bytes()).unwrap().is_ftp_specific(), "{word}");
        }
        for word in ["PASV", "PORT", "EPSV", "TYPE", "FEAT", "SYST", "CWD", "PBSZ"] {
            assert!(Verb::from_bytes(word.as_bytes()).unwrap().is_ftp_specific(), "{word}");
        }
    }

    #[test]
    fn path_is_the_part_behind_times_facts_and_options() {
        assert_eq!(Verb::Retr.path_in(b"-odd name"), Some(&b"-odd name"[..]));
        assert_eq!(Verb::List.path_in(b"-a -l"), None);
        assert_eq!(Verb::List.path_in(b"-a -l dir"), Some(&b"dir"[..]));
        assert_eq!(Verb::Mff.path_in(b"modify=20200101;unix.mode=0644; a b"), Some(&b"a b"[..]));
        assert_eq!(Verb::Mfmt.path_in(b"20200101000000"), None);
        assert_eq!(Verb::Mdtm.path_in(b"20200101000000 a"), Some(&b"a"[..]));
        assert_eq!(Verb::Mdtm.path_in(b"20200101000000"), Some(&b"20200101000000"[..]));
        assert_eq!(Verb::Stat.path_in(b""), None);
        assert_eq!(Verb::Type.path_in(b"I"), None);
    }
}
