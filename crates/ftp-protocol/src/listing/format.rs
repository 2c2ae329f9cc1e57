//! The forms that listings have.

use std::fmt;

use super::stamp::Order;

/// The form of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// That of `ls -l`.
    Unix,
    /// That of `ls -l` with numbers for mode and time.
    NumericUnix,
    /// That of NetWare, with its rights in brackets.
    NetWare,
    /// That of NetPresenz, Peter's Server and WebSTAR on Mac OS, with sizes of both forks.
    Macintosh,
    /// That of VShell before it wrote the form of `ls -l`.
    VShell,
    /// That of DOS and IIS.
    Dos,
    /// That of `DIRECTORY` on OpenVMS.
    Vms,
    /// Data sets of z/OS.
    DataSets,
    /// Members of a partitioned data set of z/OS, load modules included.
    Members,
    /// Jobs and spool files of z/OS.
    Jobs,
    /// Files of CMS on z/VM.
    Cms,
    /// That of OS/400, the system of IBM i.
    Os400,
    /// That of OS/2.
    Os2,
    /// That of Guardian on HP NonStop.
    NonStop,
    /// That of OS-9.
    Os9,
    /// That of WfFTP on Wellfleet's and Bay's routers.
    Wellfleet,
    /// That of VxWorks, also on Nortel's switches.
    VxWorks,
    /// That of Unisys ClearPath MCP and OS 2200.
    Unisys,
    /// That of MPE/iX on HP 3000.
    Mpe,
    /// That of Sterling Connect:Enterprise.
    ConnectEnterprise,
    /// Facts of RFC 3659 section 7.
    Facts,
    /// Easily Parsed LIST Format.
    Eplf,
    /// Names only.
    Names,
    /// Lines of more than one of these forms.
    Mixed,
}

impl Format {
    /// The form that listings of a server have that answers SYST with this text (RFC 959 section 4.1.3, the system
    /// names of RFC 943 and later). `None`: the text names no system, or one of which nothing is known.
    pub fn of_system(text: &[u8]) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        let text = text.trim_ascii_start();
        // A server may be named after another one that it behaves like, so the first name counts.
        let names: [(&[u8], Self); 18] = [
            (b"UNIX", Self::Unix),
            (b"WINDOWS", Self::Dos),
            (b"MACOS PETER'S SERVER", Self::Macintosh),
            (b"MACOS WEBSTAR", Self::Macintosh),
            (b"NETWARE", Self::NetWare),
            (b"VMS", Self::Vms),
            (b"OPENVMS", Self::Vms),
            (b"MVS", Self::DataSets),
            (b"Z/OS", Self::DataSets),
            (b"VM", Self::Cms),
            (b"Z/VM", Self::Cms),
            (b"OS/400", Self::Os400),
            (b"OS/2", Self::Os2),
            (b"NONSTOP", Self::NonStop),
            (b"TANDEM", Self::NonStop),
            (b"GUARDIAN", Self::NonStop),
            (b"MPE", Self::Mpe),
            (b"VXWORKS", Self::VxWorks),
        ];
        let named = |name: &[u8]| {
            let behind = text.strip_prefix(name).map(<[u8]>::first);
            // "VM is the operating system" is not "VMS", but "WINDOWS_NT" is Windows and "UNIX_BSD" Unix.
            behind.is_some_and(|next| next.is_none_or(|byte| !byte.is_ascii_alphanumeric()))
        };
        names.iter().find(|(name, _)| named(name)).map(|(_, format)| *format)
    }

    /// The orders in which three numbers are a date, the likeliest first; `separator` stands between them.
    pub(super) fn orders(self, separator: u8) -> [Order; 3] {
        match (self, separator) {
            (Self::Os9, _) => [Order::Year, Order::Month, Order::Day],
            // Written with full stops, the day comes first wherever the year does not.
            (_, b'.') => [Order::Day, Order::Year, Order::Month],
            (Self::Unix, b'-') => [Order::Day, Order::Month, Order::Year],
            _ => [Order::Month, Order::Day, Order::Year],
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unix => "unix",
            Self::NumericUnix => "numeric-unix",
            Self::NetWare => "netware",
            Self::Macintosh => "macintosh",
            Self::VShell => "vshell",
            Self::Dos => "dos",
            Self::Vms => "vms",
            Self::DataSets => "data-sets",
            Self::Members => "members",
            Self::Jobs => "jobs",
            Self::Cms => "cms",
            Self::Os400 => "os400",
            Self::Os2 => "os2",
            Self::NonStop => "nonstop",
            Self::Os9 => "os9",
            Self::Wellfleet => "wellfleet",
            Self::VxWorks => "vxworks",
            Self::Unisys => "unisys",
            Self::Mpe => "mpe",
            Self::ConnectEnterprise => "connect-enterprise",
            Self::Facts => "mlsd",
            Self::Eplf => "eplf",
            Self::Names => "names",
            Self::Mixed => "mixed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_have_their_form() {
        for (text, format) in [
            ("UNIX Type: L8", Some(Format::Unix)),
            ("UNIX", Some(Format::Unix)),
            ("Windows_NT version 5.0", Some(Format::Dos)),
            ("VMS OpenVMS V7.3", Some(Format::Vms)),
            ("VM is the operating system of this server.", Some(Format::Cms)),
            (
                "MVS is the operating system of this server. FTP Server is running on z/OS.",
                Some(Format::DataSets),
            ),
            (" OS/400 is the remote operating system.", Some(Format::Os400)),
            ("MACOS Peter's Server", Some(Format::Macintosh)),
            ("NONSTOP", Some(Format::NonStop)),
            ("UNIXOID", None),
            ("", None),
        ] {
            assert_eq!(Format::of_system(text.as_bytes()), format, "{text}");
        }
    }
}
