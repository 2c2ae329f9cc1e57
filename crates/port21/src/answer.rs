//! `port21 answer`: the laboratory's questions, answered for one session.

use std::io::Write;

use port21_analysis::answers::{self, Answers};
use port21_analysis::report::Session;

use crate::arguments::{AnswerArguments, AnswerFormat};
use crate::escape;
use crate::input;
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
    let mut sessions: Vec<Session> = Vec::new();
    let examined = input::examine(&arguments.captures, arguments.common.analysis(), &mut sessions)?;
    sessions.sort_by_key(|session| session.id);
    let count = sessions.len();
    let session = sessions.into_iter().find(|session| arguments.common.wants_session(session.id));
    let Some(session) = session else {
        let text = match count {
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

fn markdown(answers: &Answers, output: &mut impl Write) -> anyhow::Result<()> {
    writeln!(output, "# TCP & FTP: {}, session {}", escape::markdown(&answers.capture), answers.session)?;
    for (answer, question) in answers.answers.iter().zip(QUESTIONS) {
        writeln!(output, "\n## {}. {question}\n", answer.question)?;
        writeln!(output, "{}\n", escape::markdown(&answer.answer))?;
        if !answer.packets.is_empty() {
            let packets: Vec<String> = answer.packets.iter().map(|packet| format!("#{packet}")).collect();
            writeln!(output, "Packets: {}  ", packets.join(", "))?;
        }
        writeln!(output, "Rule: {}", escape::markdown(&answer.rule))?;
    }
    Ok(())
}
