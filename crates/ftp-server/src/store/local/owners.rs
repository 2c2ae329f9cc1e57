//! Names of owners and groups.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Names by number, from the files of the system. They are read once, so that a server that has shut itself off from those
/// files still knows them; a number without a name is told as a number.
#[derive(Debug, Clone, Default)]
pub struct Owners {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl Owners {
    /// The names in `/etc/passwd` and `/etc/group`; none if they cannot be read.
    pub fn of_system() -> Self {
        Self { users: read(Path::new("/etc/passwd")), groups: read(Path::new("/etc/group")) }
    }

    /// The name of the user with this number.
    pub fn user(&self, number: u32) -> String {
        self.users.get(&number).cloned().unwrap_or_else(|| number.to_string())
    }

    /// The name of the group with this number.
    pub fn group(&self, number: u32) -> String {
        self.groups.get(&number).cloned().unwrap_or_else(|| number.to_string())
    }
}

fn read(path: &Path) -> HashMap<u32, String> {
    let text = fs::read(path).unwrap_or_default();
    parse(&String::from_utf8_lossy(&text))
}

/// Both files have the name first and the number third. The first name of a number counts.
fn parse(text: &str) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(Ok(number))) = (fields.next(), fields.nth(1).map(str::parse)) {
            names.entry(number).or_insert_with(|| name.to_string());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_its_first_name_or_is_told_as_it_is() {
        let users = parse("root:x:0:0:root:/root:/bin/sh\n# no\ntoor:x:0:0::/:\nanna:x:1000:\nodd:x:many:\n");
        let owners = Owners { users, groups: parse("staff:x:50:anna,berta\n") };
        assert_eq!(owners.user(0), "root");
        assert_eq!(owners.user(1000), "anna");
        assert_eq!(owners.user(1001), "1001");
        assert_eq!(owners.group(50), "staff");
    }
}
