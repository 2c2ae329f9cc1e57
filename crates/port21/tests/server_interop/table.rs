//! What came out, as people read it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::setting::Setting;
use crate::task::Task;

/// The matrix's outcomes.
#[derive(Default)]
pub struct Table {
    cells: BTreeMap<(&'static str, Setting, Task), Result<(), String>>,
}

impl Table {
    pub fn enter(&mut self, client: &'static str, setting: Setting, task: Task, outcome: Result<(), String>) {
        self.cells.insert((client, setting, task), outcome);
    }

    pub fn failures(&self) -> Vec<String> {
        self.cells
            .iter()
            .filter_map(|((client, setting, task), outcome)| {
                Some(format!("{client}, {setting}, {task:?}: {}", outcome.as_ref().err()?))
            })
            .collect()
    }

    pub fn summary(&self) -> String {
        let clients: BTreeSet<_> = self.cells.keys().map(|(client, ..)| client).collect();
        format!(
            "server: {} clients did {} of {} pieces of work",
            clients.len(),
            self.cells.len() - self.failures().len(),
            self.cells.len()
        )
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:<14}{:<24}done  tasks", "client", "setting")?;
        let mut rows: BTreeMap<(&str, Setting), Vec<(Task, bool)>> = BTreeMap::new();
        for ((client, setting, task), outcome) in &self.cells {
            rows.entry((client, *setting)).or_default().push((*task, outcome.is_ok()));
        }
        for ((client, setting), tasks) in rows {
            let done = tasks.iter().filter(|(_, done)| *done).count();
            let failed: Vec<_> = tasks.iter().filter(|(_, done)| !done).map(|(task, _)| task).collect();
            write!(formatter, "{client:<14}{:<24}{done:>4} of {:<3}", setting.to_string(), tasks.len())?;
            if failed.is_empty() { writeln!(formatter)? } else { writeln!(formatter, " FAILED {failed:?}")? }
        }
        Ok(())
    }
}
