use super::*;
use proptest::prelude::*;

/// "kind size modified permissions owner group name -> target" of one line, with `~` for what is not told.
fn tell(entry: &Entry) -> String {
    let text = |bytes: &Option<Vec<u8>>| {
        bytes.as_deref().map_or("~".into(), |bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    let kind = match entry.kind {
        Some(EntryKind::File) => "file",
        Some(EntryKind::Directory) => "dir",
        Some(EntryKind::Link) => "link",
        Some(EntryKind::Other) => "other",
        None => "~",
    };
    let size = entry.size.map_or("~".into(), |size| size.to_string());
    let rest = [&entry.modified, &entry.permissions, &entry.owner, &entry.group, &entry.name, &entry.target];
    format!("{kind}|{size}|{}", rest.map(text).join("|"))
}

fn check(hint: Option<Hint>, table: &[(&str, &str)]) {
    for (line, expected) in table {
        let entry = parse_entry(line.as_bytes(), hint).map(|entry| tell(&entry));
        assert_eq!(entry.as_deref().unwrap_or("none"), *expected, "{line}");
    }
}

#[test]
fn unix_lines() {
    check(
        None,
        &[
            (
                "-rw-r--r--   1 joe  staff     1234 Mar 14 09:26 a.txt",
                "file|1234|Mar 14 09:26|rw-r--r--|joe|staff|a.txt|~",
            ),
            (
                "-rw-r--r--   1 joe  staff     1234 Mar 14  2024 a.txt",
                "file|1234|Mar 14  2024|rw-r--r--|joe|staff|a.txt|~",
            ),
            ("drwxr-xr-x   2 0 0 4096 Jan  1 00:00 .", "dir|4096|Jan  1 00:00|rwxr-xr-x|0|0|.|~"),
            (
                "lrwxrwxrwx   1 ftp ftp 7 Mar 14 2024 pub -> /srv/pub",
                "link|7|Mar 14 2024|rwxrwxrwx|ftp|ftp|pub|/srv/pub",
            ),
            (
                "lrwxrwxrwx   1 ftp ftp 7 Mar 14 2024 no arrow",
                "link|7|Mar 14 2024|rwxrwxrwx|ftp|ftp|no arrow|~",
            ),
            ("-rw-r--r--   1 ftp ftp 7 Mar 14 2024 a -> b", "file|7|Mar 14 2024|rw-r--r--|ftp|ftp|a -> b|~"),
            (
                "-rw-r--r--   1 joe   1234 Mar 14 09:26 no group",
                "file|1234|Mar 14 09:26|rw-r--r--|joe|~|no group|~",
            ),
            ("-rw-r--r--   1234 Mar 14 09:26 bare", "file|1234|Mar 14 09:26|rw-r--r--|~|~|bare|~"),
            ("-rw-r--r--   joe staff 1234 Mar 14 09:26 x", "file|1234|Mar 14 09:26|rw-r--r--|joe|staff|x|~"),
            (
                "-rw-r--r--   1 joe  domain users 1234 Mar 14 09:26 x",
                "file|1234|Mar 14 09:26|rw-r--r--|joe|domain users|x|~",
            ),
            ("-rw-r--r--   1 DOM\\joe g 5 Mar 14 09:26 x", "file|5|Mar 14 09:26|rw-r--r--|DOM\\joe|g|x|~"),
            (
                "-rw-r--r--   1 joe  staff  0 Mar 14 09:26   two spaces ",
                "file|0|Mar 14 09:26|rw-r--r--|joe|staff|  two spaces |~",
            ),
            (
                "-rw-r--r--+  1 joe  staff  0 Mar 14 09:26 acl",
                "file|0|Mar 14 09:26|rw-r--r--+|joe|staff|acl|~",
            ),
            (
                "-rwsr-xr-t.  1 joe  staff  0 Mar 14 09:26 bits",
                "file|0|Mar 14 09:26|rwsr-xr-t.|joe|staff|bits|~",
            ),
            (
                "-rw-r--r--@  1 joe  staff  0 Mar 14 09:26 mac",
                "file|0|Mar 14 09:26|rw-r--r--@|joe|staff|mac|~",
            ),
            (
                "brw-rw----   1 root disk 8,   0 Mar 14 09:26 sda",
                "other|~|Mar 14 09:26|rw-rw----|root|disk|sda|~",
            ),
            (
                "crw-rw-rw-   1 root tty 5, 0 Mar 14 09:26 tty",
                "other|~|Mar 14 09:26|rw-rw-rw-|root|tty|tty|~",
            ),
            ("prw-r--r--   1 a b 0 Mar 14 09:26 pipe", "other|0|Mar 14 09:26|rw-r--r--|a|b|pipe|~"),
            ("srw-r--r--   1 a b 0 Mar 14 09:26 socket", "other|0|Mar 14 09:26|rw-r--r--|a|b|socket|~"),
            (
                "-rw-r--r-- 1 joe staff 1234 2024-03-14 09:26 iso",
                "file|1234|2024-03-14 09:26|rw-r--r--|joe|staff|iso|~",
            ),
            (
                "-rw-r--r-- 1 joe staff 1234 2024-03-14 iso day",
                "file|1234|2024-03-14|rw-r--r--|joe|staff|iso day|~",
            ),
            (
                "-rw-r--r-- 1 joe staff 1 2024-03-14 09:26:53.589793238 +0100 full",
                "file|1|2024-03-14 09:26:53.589793238 +0100|rw-r--r--|joe|staff|full|~",
            ),
            (
                "-rw-r--r-- 1 joe staff 1 Mar 14 09:26:53 2024 bsd",
                "file|1|Mar 14 09:26:53 2024|rw-r--r--|joe|staff|bsd|~",
            ),
            (
                "-rw-r--r-- 1 joe staff 1 14 Mar 2024 day first",
                "file|1|14 Mar 2024|rw-r--r--|joe|staff|day first|~",
            ),
            ("-rw-r--r-- 1 joe staff 1 14 Mar 09:26 day", "file|1|14 Mar 09:26|rw-r--r--|joe|staff|day|~"),
            (
                "-rw-r--r-- 1 joe staff 1 14. Mai 2024 deutsch",
                "file|1|14. Mai 2024|rw-r--r--|joe|staff|deutsch|~",
            ),
            ("-rw-r--r-- 1 joe staff 1 juil. 14 2024 x", "file|1|juil. 14 2024|rw-r--r--|joe|staff|x|~"),
            ("-rw-r--r-- 1 joe staff 1 Dez 24 2024 x", "file|1|Dez 24 2024|rw-r--r--|joe|staff|x|~"),
            (
                "-rw-r--r-- 1 joe staff 1 24-04-2003 09:26 x",
                "file|1|24-04-2003 09:26|rw-r--r--|joe|staff|x|~",
            ),
            (
                "-rw-r--r-- 1 joe staff 1 1999/10/12 17:12 x",
                "file|1|1999/10/12 17:12|rw-r--r--|joe|staff|x|~",
            ),
            ("-rw-r--r-- 1 joe 10 1234 Mar 14 2024 gid", "file|1234|Mar 14 2024|rw-r--r--|joe|10|gid|~"),
            ("-rw-r--r-- 1 may 10 2024 Mar 14 09:26 x", "file|2024|Mar 14 09:26|rw-r--r--|may|10|x|~"),
            (
                "-rw-r--r-- 1 joe staff 33.5k Mar 14 09:26 human",
                "file|~|Mar 14 09:26|rw-r--r--|joe|staff|human|~",
            ),
            (
                "-rw-r--r-- 1 joe staff 18446744073709551615 Mar 14 09:26 x",
                "file|18446744073709551615|Mar 14 09:26|rw-r--r--|joe|staff|x|~",
            ),
            (
                "-rw-r--r-- 1 joe staff 5 Mar 14 09:26 Mar 15 09:26",
                "file|5|Mar 14 09:26|rw-r--r--|joe|staff|Mar 15 09:26|~",
            ),
            ("-rw-r--r-- 1 joe staff 5 Mar 14 09:26 12", "file|5|Mar 14 09:26|rw-r--r--|joe|staff|12|~"),
            ("-rw-r--r-- 1 joe staff 5 MAR 14 9:26 x", "file|5|MAR 14 9:26|rw-r--r--|joe|staff|x|~"),
        ],
    );
}

#[test]
fn lines_that_only_look_like_unix() {
    check(
        None,
        &[
            ("-rw-r--r-- 1 joe staff 5 Mar 14 09:26", "none"),
            ("-rw-r--r-- 1 joe staff 5 Mar 14 09:26 ", "none"),
            ("-rw-r--r-- 1 joe staff Mar 14 09:26 no size", "none"),
            ("-rw-r--r-- 1 joe staff 5 Mar 32 09:26 x", "none"),
            ("xrw-r--r-- 1 joe staff 5 Mar 14 09:26 x", "none"),
            (" -rw-r--r-- 1 joe staff 5 Mar 14 09:26 x", "none"),
            ("drwx", "none"),
            ("ls: x: No such file or directory", "none"),
        ],
    );
}

#[test]
fn dos_lines() {
    check(
        None,
        &[
            (
                "03-14-24  09:26AM       <DIR>          aspnet_client",
                "dir|~|03-14-24  09:26AM|~|~|~|aspnet_client|~",
            ),
            ("03-14-2024  09:26PM       <DIR>          a b", "dir|~|03-14-2024  09:26PM|~|~|~|a b|~"),
            ("03-14-24  09:26AM                 1234 iis.txt", "file|1234|03-14-24  09:26AM|~|~|~|iis.txt|~"),
            (
                "03-14-24  09:26AM            1,234,567 a b.txt",
                "file|1234567|03-14-24  09:26AM|~|~|~|a b.txt|~",
            ),
            ("14.03.2024  09:26            1.234.567 punkt", "file|1234567|14.03.2024  09:26|~|~|~|punkt|~"),
            ("2002-09-02  18:48       <DIR>          iso", "dir|~|2002-09-02  18:48|~|~|~|iso|~"),
            ("03/14/2024  09:26 AM    <DIR>          apart", "dir|~|03/14/2024  09:26 AM|~|~|~|apart|~"),
            ("03-14-24  09:26a                    12 x", "file|12|03-14-24  09:26a|~|~|~|x|~"),
            ("03-14-24  09:26AM       <JUNCTION>     link", "link|~|03-14-24  09:26AM|~|~|~|link|~"),
            (
                "03-14-24  09:26AM       <SYMLINKD>     link [C:\\x]",
                "link|~|03-14-24  09:26AM|~|~|~|link|C:\\x",
            ),
            ("03-14-24  09:26AM       <DIR>            lead", "dir|~|03-14-24  09:26AM|~|~|~|  lead|~"),
            ("03-14-24  09:26AM                    0  lead", "file|0|03-14-24  09:26AM|~|~|~| lead|~"),
            ("03-14-24  09:26AM                    0 ", "none"),
            ("03-14-24  09:26AM                 12,34 x", "none"),
            ("03-14-24  x", "none"),
            ("03-14-24", "none"),
        ],
    );
}

#[test]
fn fact_lines() {
    check(
        Some(Hint::Mlsd),
        &[
            (
                "Type=file;Size=1024990;Perm=r; /tmp/cap60.pl198.tar.gz",
                "file|1024990|~|r|~|~|/tmp/cap60.pl198.tar.gz|~",
            ),
            ("Type=dir;Modify=19981107085215;Perm=el; /tmp", "dir|~|19981107085215|el|~|~|/tmp|~"),
            ("type=cdir;unique=AQkAAAAAAAABCAAA; .", "dir|~|~|~|~|~|.|~"),
            ("TYPE=pdir;SIZD=4096; ..", "dir|4096|~|~|~|~|..|~"),
            (
                "modify=20240314092653.123;perm=adfr;size=7;type=file;unix.group=33;unix.groupname=www;unix.mode=0644;unix.owner=33;unix.ownername=joe; a b",
                "file|7|20240314092653.123|0644|joe|www|a b|~",
            ),
            ("unix.ownername=joe;unix.owner=33; x", "~|~|~|~|joe|~|x|~"),
            ("type=OS.unix=slink:/foo;size=3; bar", "link|3|~|~|~|~|bar|/foo"),
            ("type=OS.unix=slink:/a b;size=3; bar", "link|3|~|~|~|~|bar|/a b"),
            ("type=OS.unix=symlink; bar", "link|~|~|~|~|~|bar|~"),
            ("type=OS.unix=chr-13/29; tty", "other|~|~|~|~|~|tty|~"),
            ("type=file;size=12 draft", "file|12|~|~|~|~|draft|~"),
            ("type=file;  leading", "file|~|~|~|~|~| leading|~"),
            ("type=file; a;b=c; d", "file|~|~|~|~|~|a;b=c; d|~"),
            ("x.unknown=1;Media-Type=text/plain; n", "~|~|~|~|~|~|n|~"),
            (" no facts", "~|~|~|~|~|~|no facts|~"),
            ("type=file; ", "none"),
            ("type=file;", "none"),
            ("not facts", "none"),
        ],
    );
    check(None, &[("type=file;size=1; x", "file|1|~|~|~|~|x|~"), ("a=b c", "none"), (" x", "none")]);
}

#[test]
fn eplf_lines() {
    check(
        None,
        &[
            ("+i8388621.29609,m824255902,/,\tdev", "dir|~|824255902|~|~|~|dev|~"),
            ("+i8388621.44468,m839956783,r,s10376,\tRFC EPLF", "file|10376|839956783|~|~|~|RFC EPLF|~"),
            ("+r,up644,\t x", "file|~|~|644|~|~| x|~"),
            ("+,\tx", "other|~|~|~|~|~|x|~"),
            ("+i8388621.44468", "none"),
            ("+r,\t", "none"),
        ],
    );
}

fn names(listing: &Listing) -> Vec<String> {
    let name = |entry: &Entry| {
        entry.name.as_deref().map_or("~".into(), |name| String::from_utf8_lossy(name).into_owned())
    };
    listing.entries.iter().map(name).collect()
}

#[test]
fn total_is_no_entry() {
    let listing = parse_listing(b"total 12\r\n-rw-r--r-- 1 a b 5 Mar 14 09:26 x\r\n", Some(Hint::List));
    assert_eq!((names(&listing), listing.unparsed), (vec!["x".into()], 0));
    assert_eq!(listing.format, Some(Format::Unix));
    assert_eq!(listing.entries[0].text, b"-rw-r--r-- 1 a b 5 Mar 14 09:26 x");
}

#[test]
fn names_only_are_names_for_nlst_and_text_otherwise() {
    let bytes = b"total 12\r\n a \r\nb\n";
    let listing = parse_listing(bytes, Some(Hint::Nlst));
    assert_eq!(
        (names(&listing), listing.format),
        (vec!["total 12".into(), " a ".into(), "b".into()], Some(Format::Names))
    );
    let listing = parse_listing(bytes, None);
    assert_eq!((names(&listing), listing.unparsed, listing.format), (vec!["~".into(), "~".into()], 2, None));
    assert_eq!(listing.entries[0].text, b" a ");
}

#[test]
fn long_lines_of_nlst_are_read() {
    let listing = parse_listing(b"-rw-r--r-- 1 a b 5 Mar 14 09:26 x\r\n", Some(Hint::Nlst));
    assert_eq!(names(&listing), ["x"]);
}

#[test]
fn headings_of_a_recursive_listing_name_the_directory() {
    let listing = parse_listing(
        b".:\r\ntotal 0\r\n-rw-r--r-- 1 a b 5 Mar 14 09:26 x\r\n\r\n./sub:\r\ntotal 0\r\n-rw-r--r-- 1 a b 5 Mar 14 09:26 y\r\n",
        Some(Hint::List),
    );
    assert_eq!((names(&listing), listing.unparsed), (vec!["x".into(), "y".into()], 0));
    assert_eq!(listing.entries[1].directory.as_deref(), Some(&b"./sub"[..]));
}

#[test]
fn forms_may_be_mixed() {
    let listing = parse_listing(b"+r,\ta\n03-14-24  09:26AM  12 b\nwhat\n", None);
    assert_eq!((listing.format, listing.unparsed), (Some(Format::Mixed), 1));
    assert_eq!(Format::Mixed.to_string(), "mixed");
}

#[test]
fn line_cut_at_the_end_is_read_as_it_stands() {
    let listing = parse_listing(b"-rw-r--r-- 1 a b 5 Mar 14 09:26 x\r\n-rw-r--r-- 1 a", None);
    assert_eq!((names(&listing), listing.unparsed), (vec!["x".into(), "~".into()], 1));
}

#[test]
fn empty_listing_has_no_form() {
    assert_eq!(parse_listing(b"", Some(Hint::List)), Listing::default());
    assert_eq!(parse_listing(b"\r\n\r\n", Some(Hint::Nlst)), Listing::default());
}

#[test]
fn entries_are_bounded() {
    let listing = parse_listing(&b"a\n".repeat(MAXIMUM_ENTRIES + 7), Some(Hint::Nlst));
    assert_eq!((listing.entries.len(), listing.dropped), (MAXIMUM_ENTRIES, 7));
}

#[test]
fn overlong_line_is_text() {
    let mut line = b"-rw-r--r-- 1 a b 5 Mar 14 09:26 ".to_vec();
    line.extend(vec![b'x'; MAXIMUM_LINE]);
    assert_eq!(parse_listing(&line, None).unparsed, 1);
}

proptest! {
    #[test]
    fn any_bytes_are_a_listing(bytes in prop::collection::vec(prop::sample::select(b"-drwx 019:;=+,\t\r\n/<DIR>Mar\xff".to_vec()), 0..300)) {
        for hint in [None, Some(Hint::List), Some(Hint::Nlst), Some(Hint::Mlsd)] {
            let listing = parse_listing(&bytes, hint);
            prop_assert!(listing.unparsed <= listing.entries.len());
            prop_assert_eq!(listing.entries.iter().filter(|entry| entry.name.is_none()).count(), listing.unparsed);
        }
    }

    #[test]
    fn any_name_is_kept(name in "[^\r\n]{1,20}") {
        prop_assume!(!name.starts_with(" -> "));
        for prefix in ["-rw-r--r-- 1 a b 5 Mar 14 09:26 ", "03-14-24  09:26AM  12 ", "type=file;size=3; ", "+r,s3,\t"] {
            let entry = parse_entry(format!("{prefix}{name}").as_bytes(), None).unwrap();
            prop_assert_eq!(entry.name.unwrap(), name.as_bytes());
        }
    }
}
