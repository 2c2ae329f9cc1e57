//! A capture in which much is said and little transferred.

use std::net::Ipv4Addr;

use crate::{Network, Side, pattern};

/// A hundred sessions at a time, in which clients look around, fetch a small file and leave; in between a transfer of its own
/// size, one from server to server, web pages of which parts are missing, and names.
pub fn chatter() -> Vec<u8> {
    let network = Network::new();
    let mut pages: Vec<crate::Connection> = Vec::new();
    for round in 0..3u16 {
        let server = Ipv4Addr::new(10, 1, 0, round as u8 + 1);
        network.resolve("10.0.0.1:5353", "ftp.example", &server.to_string());
        let sessions: Vec<_> = (0..100u16)
            .map(|number| {
                let client = format!("10.0.0.{}:{}", number % 20 + 1, 40_000 + round * 2_000 + number * 20);
                network.ftp_between(&client, &format!("{server}:21"))
            })
            .collect();
        for (ftp, number) in sessions.iter().zip(0..) {
            ftp.login(if number % 3 == 0 { "anonymous" } else { "alice" }, "secret");
        }
        for turn in 0..6 {
            for (ftp, number) in sessions.iter().zip(0..) {
                ftp.say(&format!("CWD {turn}{number}"), "250 there").say("PWD", "257 \"/here\" is here");
                if number % 10 == 0 {
                    for page in &pages {
                        page.server("some").server("of the");
                        network.forget(network.last() - 3);
                        page.server("page");
                    }
                }
            }
            let page = network.connect(&format!("10.0.9.1:{}", 50_000 + pages.len()), "10.1.9.1:80");
            page.client("GET / HTTP/1.1\r\n\r\n").server("HTTP/1.1 200 OK\r\n\r\n");
            pages.push(page);
        }
        for (ftp, number) in sessions.iter().zip(0u16..) {
            ftp.say("TYPE I", "200 ok");
            ftp.retrieve(
                &format!("file{number}"),
                50_000 + number,
                &pattern(number.into(), number as usize % 40),
            );
        }
        if round == 1 {
            let ftp = network.ftp_between("10.0.0.30:40000", &format!("{server}:21"));
            ftp.login("alice", "secret").retrieve("large", 51_000, &pattern(3, 3_000_000));
            let page = network.connect("10.0.9.1:60000", "10.1.9.1:80");
            page.client("GET / HTTP/1.1\r\n\r\n").server("HTTP/1.1 200 OK\r\n\r\n");
            page.server("all of").server("a page");
            ftp.retrieve("another", 51_001, &pattern(5, 2_000_000)).quit();
            page.server("and more");
        }
        let (from, to) = (&sessions[3], network.ftp_between("10.0.0.4:49000", "10.1.0.99:21"));
        to.login("alice", "secret")
            .say("PASV", "227 Entering Passive Mode (10,1,0,99,200,1)")
            .ask("STOR copy");
        from.say("PORT 10,1,0,99,200,1", "200 ok").ask("RETR original");
        let data = network.connect(&format!("{server}:20"), "10.1.0.99:51201");
        to.reply("150 waiting");
        from.reply("150 sending");
        data.send(Side::Initiator, pattern(77, 500)).close(Side::Initiator);
        to.reply("226 stored").quit();
        from.reply("226 sent");
        sessions.iter().step_by(2).for_each(|ftp| {
            ftp.quit();
        });
        network.wait_milliseconds(5_000);
    }
    network.pcap()
}
