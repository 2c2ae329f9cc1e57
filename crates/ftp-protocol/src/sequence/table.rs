//! The table of RFC 959 section 5.4, with the rows that other documents add. 421, 500, 501 and 502 may stand in any
//! row and are left out.

use crate::verb::Verb;
use Verb::*;

/// Replies that a document lists for the command.
pub(super) fn listed(verb: Verb) -> &'static [u16] {
    match verb {
        // RFC 959 section 5.4, login; 232 and 336: RFC 2228 section 6; 332 and 530 as there.
        User => &[230, 530, 331, 332, 232, 336],
        Pass => &[230, 202, 530, 503, 332],
        Acct => &[230, 202, 530, 503],
        // 200 to CWD and 250 to CDUP: RFC 959 lists the one for CDUP and the other for CWD, and its appendix II
        // treats CDUP as a CWD.
        Cwd | Xcwd => &[250, 530, 550],
        Cdup | Xcup => &[200, 250, 530, 550],
        Smnt => &[202, 250, 530, 550],
        // RFC 959 section 5.4, logout; 120 comes before 220.
        Rein => &[120, 220],
        Quit => &[221],
        // RFC 959 section 5.4, transfer parameters.
        Port => &[200, 530],
        Pasv => &[227, 530],
        Mode | Type | Stru => &[200, 504, 530],
        // RFC 959 section 5.4, file action; 534 and 535: RFC 2228 section 6; 522: RFC 4217 section 9.
        Allo => &[200, 202, 504, 530],
        Rest => &[350, 530],
        Stor | Stou | Esto => {
            &[125, 150, 110, 226, 250, 425, 426, 451, 551, 552, 532, 450, 452, 553, 530, 534, 535, 522]
        }
        Appe => {
            &[125, 150, 110, 226, 250, 425, 426, 451, 551, 552, 532, 450, 550, 452, 553, 530, 534, 535, 522]
        }
        Retr | Eret => &[125, 150, 110, 226, 250, 425, 426, 451, 450, 550, 530, 534, 535, 522],
        List | Nlst => &[125, 150, 226, 250, 425, 426, 451, 450, 530, 534, 535, 522],
        Rnfr => &[350, 450, 550, 530],
        Rnto => &[250, 532, 553, 503, 530],
        Dele => &[250, 450, 550, 530],
        Rmd | Xrmd => &[250, 530, 550],
        Mkd | Xmkd => &[257, 530, 550],
        Pwd | Xpwd => &[257, 550],
        Abor => &[225, 226],
        // RFC 959 section 5.4, informational and miscellaneous.
        Syst => &[215],
        Stat => &[211, 212, 213, 450, 530],
        Help => &[211, 214],
        Site => &[200, 202, 530],
        Noop => &[200],
        // RFC 765 section 5.4, mail.
        Mlfl => &[125, 150, 151, 152, 226, 250, 425, 426, 451, 450, 550, 552, 553, 530],
        Mail | Msnd | Msom | Msam => &[151, 152, 354, 250, 450, 550, 451, 552, 530],
        Mrsq | Xrsq => &[200, 202, 215, 530],
        Mrcp | Xrcp => &[151, 152, 200, 503, 550, 552, 553, 450, 451, 452, 530],
        Xsem | Xsen => &[125, 151, 152, 354, 250, 450, 550, 451, 552, 530],
        // RFC 1639 sections 4 and 5.
        Lprt => &[200, 521, 530],
        Lpsv => &[228, 521, 530],
        // RFC 2228 section 6; RFC 4217 sections 4, 9 and 12.
        Auth => &[234, 334, 431, 503, 504, 534, 530],
        Adat => &[235, 335, 503, 535, 530],
        Pbsz => &[200, 503, 530],
        Prot => &[200, 431, 503, 504, 534, 536, 530],
        Ccc => &[200, 503, 533, 534],
        Mic | Conf | Enc => &[631, 632, 633, 533, 535, 537],
        // RFC 2389 sections 3.2 and 4.
        Feat => &[211, 530],
        Opts => &[200, 451, 530],
        // RFC 2428 sections 2 to 4; EPSV ALL is answered with 200.
        Eprt => &[200, 522, 530],
        Epsv => &[229, 200, 522, 530],
        // RFC 2640 section 4.1.
        Lang => &[200, 504, 530],
        // RFC 3659 sections 3.2, 4.2 and 7.2.
        Mdtm | Size => &[213, 550, 530],
        Mlst => &[250, 550, 530, 450, 504, 553],
        Mlsd => &[125, 150, 226, 250, 425, 426, 451, 450, 504, 550, 553, 530, 534, 535, 522],
        // RFC 7151 section 3.3.
        Host => &[220, 503, 504, 530],
        // draft-somers-ftp-mfxx sections 3 to 5.
        Mfmt | Mfct | Mff => &[213, 253, 504, 550, 553, 530],
        // draft-bryan-ftpext-hash section 3.2; draft-bryan-ftp-range.
        Hash => &[213, 450, 504, 550, 552, 556, 530],
        Rang => &[350, 530],
        // draft-peterson-streamlined-ftp-command-extensions.
        Comb | Rmda => &[250, 550, 530],
        Avbl | Dsiz => &[213, 550, 530],
        Csid => &[200, 215, 530],
        Thmb => &[125, 150, 226, 250, 425, 426, 451, 550, 530],
        // draft-twine-ftpmd5 and the practice of servers that compute hashes.
        Md5 | Mmd5 => &[251, 252, 504, 550, 530],
        Xcrc | Xmd5 | Xsha | Xsha1 | Xsha256 | Xsha512 => &[250, 213, 200, 550, 530],
        // Practice of the servers that invented them.
        Clnt | Macb | Pret | Sscn => &[200, 530],
        Cpsv => &[227, 530],
        Spsv => &[227, 229, 530],
        Esta | Estp => &[200, 211, 229, 530],
        // GFD.20 sections 4 and 5.
        Spas => &[229, 530],
        Spor | Dcau | Sbuf | Abuf => &[200, 504, 530],
    }
}

/// The only commands that a code can answer because of what it says, besides those that list it; `None` when any
/// command can get it.
pub(super) fn owners(code: u16) -> Option<&'static [Verb]> {
    Some(match code {
        211 | 214 => &[Stat, Help, Feat, Site, Opts, Syst],
        212 | 213 => &[Stat, Size, Mdtm, Mlst, Hash, Site, Opts, Esta, Estp],
        215 => &[Syst],
        220 => &[Auth, User],
        221 => &[Rein],
        225 | 226 => &[
            Abor, Retr, Stor, Stou, Appe, List, Nlst, Mlsd, Mlst, Stat, Thmb, Eret, Esto, Mlfl, Pasv, Epsv,
            Port, Eprt,
        ],
        227..=229 => &[Pasv, Epsv, Lpsv, Cpsv, Spsv, Spas],
        230 | 232 => &[User, Pass, Acct, Adat, Rein, Auth],
        234 | 235 => &[Auth, Adat],
        257 => &[Pwd, Xpwd, Mkd, Xmkd, Cwd, Xcwd],
        331 | 336 => &[User, Pass, Host],
        332 => &[User, Pass, Cwd, Xcwd],
        334 | 335 => &[Auth, Adat],
        350 => &[Rest, Rnfr, Rang, Site],
        354 => &[Mail],
        _ => return None,
    })
}
