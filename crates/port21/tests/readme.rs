//! The README shows what the program prints.

use std::path::Path;
use std::process::Command;

#[test]
fn first_screen_is_what_the_program_prints_for_the_sample() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (_, block) = readme.split_once("```text\n").unwrap();
    let (shown, _) = block.split_once("```\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_port21"));
    let output = command.current_dir(root).args(["explain", "samples/ftp-lab.pcap"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), shown);
}
