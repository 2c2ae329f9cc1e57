//! `--format markdown`: the story as a document, with tables for the dialogue and the transfers.

use std::io::{self, Write};

use port21_analysis::report::{Finding, Session, Severity, Transfer};

use crate::escape;
use crate::render::document::{Form, Overview};
use crate::render::groups::Groups;
use crate::render::story::{self, Fact, Step, Story};
use crate::render::{totals, words};

/// The story as a document.
#[derive(Debug, Clone, Copy)]
pub struct Markdown;

impl Form for Markdown {
    fn beginning(&self, inputs: &str, output: &mut dyn Write) -> io::Result<()> {
        writeln!(output, "{TITLE}\n\n- {}", inline(&format!("{inputs}   {}", totals::AT_THE_END)))
    }

    fn totals(&self, overview: &Overview<'_>, output: &mut dyn Write) -> io::Result<()> {
        writeln!(output, "{TITLE}\n")?;
        write_totals(overview, output)
    }

    fn closing_totals(&self, overview: &Overview<'_>, output: &mut dyn Write) -> io::Result<()> {
        writeln!(output, "\n## Totals\n")?;
        write_totals(overview, output)
    }

    fn session(&self, session: &Session, output: &mut dyn Write) -> io::Result<()> {
        write_session(session, &story::tell(session), output)
    }

    fn findings(&self, findings: &[Finding], output: &mut dyn Write) -> io::Result<()> {
        write_findings(&story::worst_first(findings), "## Findings that belong to no session", output)
    }

    fn summary(&self, groups: &Groups, output: &mut dyn Write) -> io::Result<()> {
        let groups = groups.worst_first();
        if groups.is_empty() {
            return Ok(());
        }
        writeln!(output, "\n## Findings\n")?;
        groups.into_iter().try_for_each(|group| {
            let severity = group.first.first().map_or(Severity::Info, |finding| finding.severity);
            write_titled(severity, &totals::group_title(group), &totals::group_text(group), output)
        })
    }
}

/// The first line of every document.
const TITLE: &str = "# FTP, seen whole";

fn write_totals(overview: &Overview<'_>, output: &mut dyn Write) -> io::Result<()> {
    let (heading, remarks) = (totals::heading(overview), totals::remarks(overview));
    heading.iter().chain(&remarks).try_for_each(|line| writeln!(output, "- {}", inline(line)))
}

fn write_session(session: &Session, story: &Story<'_>, output: &mut dyn Write) -> io::Result<()> {
    writeln!(output, "\n## Session {}: {}\n", story.id, inline(&story.ends))?;
    writeln!(output, "{}, {}\n", inline(&story.user), story.duration)?;
    write_facts(&story.facts, output)?;
    writeln!(output, "\n### Dialogue\n")?;
    writeln!(output, "| Packets | From | What | Remarks |")?;
    writeln!(output, "|---:|---|---|---|")?;
    story.steps.iter().try_for_each(|step| write_step(step, output))?;
    if !session.transfers.is_empty() {
        writeln!(output, "\n### Transfers\n")?;
        writeln!(output, "| | Command | Path | Mode | Stream | Data packets | Bytes | Whole | SHA-256 |")?;
        writeln!(output, "|---:|---|---|---|---:|---|---:|---|---|")?;
        session.transfers.iter().try_for_each(|transfer| write_transfer(transfer, output))?;
    }
    writeln!(output, "\n### End\n")?;
    write_facts(&story.aftermath, output)?;
    write_findings(&story.findings, "### Findings", output)
}

fn write_facts(facts: &[Fact], output: &mut dyn Write) -> io::Result<()> {
    for fact in facts {
        for line in &fact.lines {
            writeln!(output, "- **{}**: {}", fact.label, inline(line))?;
        }
    }
    Ok(())
}

fn write_step(step: &Step, output: &mut dyn Write) -> io::Result<()> {
    let cell = |lines: &[String], separator: &str| {
        lines.iter().map(|line| inline(line)).collect::<Vec<_>>().join(separator)
    };
    match step {
        Step::Said { packets, from, lines, hints } => writeln!(
            output,
            "| {} | {} | {} | {} |",
            words::packets(packets),
            from.name(),
            cell(lines, "<br>"),
            cell(hints, "; ")
        ),
        Step::Aside { label, lines } => writeln!(output, "| | *{label}* | {} | |", cell(lines, "<br>")),
        Step::Repeated { times, parts } => {
            let parts: Vec<String> = parts
                .iter()
                .map(|(said, packets)| format!("{} {}", inline(said), words::packets(packets)))
                .collect();
            let times = words::count(*times, "time");
            writeln!(output, "| | | the same {times} more | {} |", parts.join("; "))
        }
    }
}

fn write_transfer(transfer: &Transfer, output: &mut dyn Write) -> io::Result<()> {
    let packets = &transfer.data_packets;
    let listed = match packets.count > packets.list.len() as u64 {
        true => format!(
            "{} from #{} to #{}",
            words::number(packets.count),
            packets.first.unwrap_or_default(),
            packets.last.unwrap_or_default()
        ),
        false => words::packets(&packets.list),
    };
    let stream = transfer.data.as_ref().map_or(String::new(), |data| data.stream.to_string());
    writeln!(
        output,
        "| {} | {} | {} | {} | {stream} | {listed} | {} | {} | {} |",
        transfer.index,
        inline(&escape::terminal(transfer.verb.as_deref().unwrap_or("?"))),
        inline(&story::path(transfer).unwrap_or_default()),
        transfer.mode.map_or("", story::mode_name),
        words::number(transfer.bytes),
        inline(&story::whole(transfer)),
        transfer.sha256.as_deref().filter(|_| transfer.data.is_some()).unwrap_or_default()
    )
}

fn write_findings(findings: &[&Finding], heading: &str, output: &mut dyn Write) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(output, "\n{heading}\n")?;
    findings.iter().try_for_each(|finding| {
        let title = totals::finding_title(finding, false);
        write_titled(finding.severity, &title, &totals::finding_text(finding), output)
    })
}

fn write_titled(severity: Severity, title: &str, text: &str, output: &mut dyn Write) -> io::Result<()> {
    let severity = match severity {
        Severity::High => "HIGH",
        Severity::Medium => "MEDIUM",
        Severity::Low => "LOW",
        Severity::Info => "INFO",
    };
    writeln!(output, "- **{severity}** {}<br>{}", inline(title), inline(text))
}

/// Text for a line or a table cell. Packet numbers stay as they are: "#12" is no heading within a line.
fn inline(text: &str) -> String {
    escape::markdown(text.trim())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::render::fixture::{self, exchange, reply};

    fn written(sessions: Vec<Session>) -> String {
        fixture::written(Markdown, sessions)
    }

    #[test]
    fn sample_is_a_document() {
        expect![[r#"
            # FTP, seen whole

            - ftp-lab.pcap   310 packets in 10.1 s   1 FTP session   1 transfer   1 finding

            ## Session 1: 192.168.1.10:2011 -&gt; ftp.ftpplanet.com (156.21.1.54:21)

            anonymous, 7.500 s

            - **began**: #79, 2006-10-02 12:00:02.524516 UTC
            - **name**: #77 asks, #78 answers: ftp.ftpplanet.com is 156.21.1.54
            - **handshake**: #79 SYN   #83 SYN/ACK   #84 ACK   round trip 0.129 s

            ### Dialogue

            | Packets | From | What | Remarks |
            |---:|---|---|---|
            | #94 | server | 220 ftp.ftpplanet.com FTP Server ready to serve you |  |
            | #124 | client | USER anonymous |  |
            | #126 | server | 331 Password required |  |
            | #149 | client | PASS apassword |  |
            | #152 | server | 230 User logged in |  |
            | #157 | client | PORT 192,168,1,10,19,137 | the client listens on 192.168.1.10:5001 (19 \* 256 + 137) |
            | #159 | server | 200 PORT command ok |  |
            | #160 | client | LIST |  |
            | | *data* | 156.21.1.54:20 -&gt; 192.168.1.10:5001, opened by the server  #161 #162 #172   stream 17   active mode<br>2,111 bytes to the client, no entries, whole  #173 #175   in 0.086 s, 24.6 kB/s   closed by the server #177<br>SHA-256 00ff | |
            | #174 | server | 125 Transferring directory | one ACK, #181, covers #174 and #178 |
            | #178 | server | 226 Transfer complete |  |
            | #302 | client | QUIT |  |
            | #303 | server | 221 Goodbye |  |

            ### Transfers

            | | Command | Path | Mode | Stream | Data packets | Bytes | Whole | SHA-256 |
            |---:|---|---|---|---:|---|---:|---|---|
            | 0 | LIST |  | active | 17 | #173 #175 | 2,111 | whole | 00ff |

            ### End

            - **closing**: #304 FIN by the server   #305 ACK   #306 RST by the client   (the server closed first)

            ### Findings

            - **HIGH** password in clear  #149<br>Anyone on the path between 192.168.1.10 and 156.21.1.54 could read the password of anonymous. Use explicit TLS. (RFC 2577, section 5)
        "#]].assert_eq(&written(vec![fixture::session()]));
    }

    #[test]
    fn text_from_the_wire_is_neither_html_nor_a_table() {
        let cwd = exchange(1, "CWD <script>|x|", vec![reply(2, 550, "`no` [a](http://b)", 3)]);
        let document = written(vec![Session { exchanges: vec![cwd], ..fixture::session() }]);
        assert!(document.contains("CWD &lt;script&gt;\\|x\\|"), "{document}");
        assert!(document.contains("550 \\`no\\` \\[a\\](http&#58;//b)"), "{document}");
    }
}
