//! `port21 answer`: the laboratory's questions, answered for one session.

use std::io::Write;

use port21_analysis::answers::{self, Answers, Facts, Line};
use port21_analysis::report::{Party, Session};

use crate::arguments::{AnswerArguments, AnswerFormat};
use crate::escape;
use crate::input::{self, Inputs, Prepare, Receiver};
use crate::interrupt;
use crate::outcome::{Completeness, Failure, Outcome};
use crate::output::Output;

/// Each question in a few words, by its number.
const QUESTIONS: [&str; answers::QUESTIONS as usize] = [
    "What is the server's name and address, and which packets show them?",
    "Which ports does the server use, and what for?",
    "Which ports does the client use, and what for?",
    "Which packets are the three-way handshakes of the control and the data connection?",
    "What does each of SYN, SYN/ACK and ACK do?",
    "In which packet does the server say that it is ready?",
    "What in that packet shows that it is the right one?",
    "Which packets are the login? Is the user name sent letter by letter or at once, and what is it?",
    "Can the password be seen, and what is it?",
    "What follows from this for the security of FTP?",
    "Which command asks for data, and in which packet?",
    "Which packets carry the data?",
    "Why do control and data use separate connections?",
    "In which packet does the client end the session?",
    "Which TCP flags are set in it?",
    "Which packet is the server's answer?",
    "Which segments close the control connection?",
    "Which end closes it?",
    "Which relative sequence numbers do these segments have?",
    "What are relative and raw sequence numbers, and why are there both?",
    "What does the control stream say as text, and does it show the password?",
    "What was transferred over the data connection?",
    "Who opens the data connection?",
    "How does the other end learn where to connect?",
    "Why are two replies acknowledged by one ACK?",
];

/// Runs the command.
pub fn run(arguments: &AnswerArguments) -> anyhow::Result<Outcome> {
    let mut wanted = Wanted { session: None, arguments };
    let examined = Inputs::once(&arguments.captures)
        .bounded(arguments.common.limits.fragments)
        .examine(arguments.common.effort(), &mut wanted)?;
    interrupt::check()?;
    let Some(session) = wanted.session else {
        let text = match examined.totals.sessions {
            0 => "no FTP session is in the capture, so there is nothing to answer about".to_owned(),
            1 => "the capture holds one FTP session: choose it by --session 1".to_owned(),
            count => format!("the capture holds {count} FTP sessions: choose one by --session 1 to {count}"),
        };
        return Err(Failure::Arguments(text).into());
    };
    let mut completeness = Completeness::default();
    completeness.look_at(&session);
    let captures: Vec<String> =
        arguments.captures.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let answers = answers::answer(&session, &captures.join(" "));
    let mut output = Output::standard(arguments.common.color);
    match arguments.format {
        AnswerFormat::Json => {
            serde_json::to_writer_pretty(&mut output, &answers)?;
            writeln!(output)?;
        }
        AnswerFormat::Markdown => markdown(&answers, &mut output)?,
    }
    output.finish()?;
    Ok(completeness.outcome(&examined, arguments.common.strict))
}

/// Keeps the session that was asked for, otherwise the first.
struct Wanted<'a> {
    session: Option<Session>,
    arguments: &'a AnswerArguments,
}

impl Receiver for Wanted<'_> {
    type Prepared = Session;

    fn preparation(&self) -> Prepare<Session> {
        input::as_it_is()
    }

    fn session(&mut self, session: Session) -> anyhow::Result<()> {
        let first = self.session.as_ref().is_none_or(|kept| session.id < kept.id);
        if first && self.arguments.common.wants_session(session.id) {
            self.session = Some(session);
        }
        Ok(())
    }
}

fn markdown(answers: &Answers, output: &mut impl Write) -> anyhow::Result<()> {
    writeln!(output, "# TCP & FTP: {}, session {}", inline(&answers.capture), answers.session)?;
    for (answer, question) in answers.answers.iter().zip(QUESTIONS) {
        writeln!(output, "\n## {}. {question}\n", answer.question)?;
        writeln!(output, "{}\n", inline(&answer.answer))?;
        if let Facts::Dialogue(dialogue) = &answer.facts {
            lines(&dialogue.lines, output)?;
        }
        if !answer.packets.is_empty() {
            let packets: Vec<String> = answer.packets.iter().map(|packet| format!("#{packet}")).collect();
            writeln!(output, "Packets: {}  ", packets.join(", "))?;
        }
        writeln!(output, "Rule: {}", inline(&answer.rule))?;
    }
    Ok(())
}

/// The dialogue as a block of code, in which Markdown sees nothing and a terminal neither.
fn lines(lines: &[Line], output: &mut impl Write) -> anyhow::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    for line in lines {
        let arrow = if line.from == Party::Client { "->" } else { "<-" };
        for (index, text) in line.text.split('\n').enumerate() {
            let packet = if index == 0 { format!("#{}", line.packet) } else { String::new() };
            // Four spaces make it code; a fence could be closed by the text itself.
            writeln!(output, "    {packet:>8} {arrow} {}", escape::terminal(text))?;
        }
    }
    writeln!(output)?;
    Ok(())
}

/// Text that may hold anything from the wire, for Markdown that may be read on a terminal.
fn inline(text: &str) -> String {
    escape::markdown(&escape::terminal(text))
}

#[cfg(test)]
mod tests {
    use port21_analysis::answers::{Answer, Dialogue, SCHEMA};

    use super::*;

    fn rendered(answer: &str, text: &str) -> String {
        let line = Line { packet: 7, from: Party::Server, text: text.to_owned() };
        let facts = Facts::Dialogue(Dialogue { shows_password: Some(false), lines: vec![line] });
        let answer = Answer {
            question: 21,
            answer: answer.to_owned(),
            facts,
            packets: vec![7],
            rule: "RFC 959".to_owned(),
        };
        let answers =
            Answers { schema: SCHEMA, capture: "a.pcap".to_owned(), session: 1, answers: vec![answer] };
        let mut output = Vec::new();
        markdown(&answers, &mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn text_from_the_wire_reaches_neither_terminal_nor_markdown() {
        let text = rendered("It says \u{1b}[2J <b>.", "220 \u{1b}]0;x\u{7}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text}");
        assert!(text.contains("&lt;b&gt;"), "{text}");
    }

    #[test]
    fn lines_of_the_dialogue_are_code_with_their_packet() {
        assert!(rendered("x", "220-a\n# b\n220 c").contains("          #7 <- 220-a\n             <- # b\n"));
    }
}
