//! Other people's FTP clients do their daily work on `port21 serve`: every client, every task, every protection, every way to a
//! data connection and both families of addresses, as far as the client can. What counts is what lies on the disks afterwards,
//! not what a client says.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(unix)]

mod clients;
mod explained;
mod many_uploads;
mod recording;
mod run;
mod server;
mod setting;
mod table;
mod task;

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Mutex;

use clients::Client;
use server::Server;
use setting::Setting;
use table::Table;
use task::Task;

/// Clients that run at once: they wait more than they compute.
const AT_ONCE: usize = 4;

/// One cell of the matrix.
struct Cell {
    client: &'static dyn Client,
    setting: Setting,
    task: Task,
}

#[test]
fn clients_do_their_daily_work() {
    clients::prepare();
    let server = Server::start(Ipv4Addr::LOCALHOST, &[]);
    let mut cells: VecDeque<Cell> = VecDeque::new();
    for client in clients::ALL {
        for setting in Setting::all().filter(|setting| client.speaks(*setting)) {
            for &task in Task::ALL {
                let once = !task.is_large() || setting.is_plainest_of_its_protection();
                if client.does(task) && once && !client.is_excused(setting, task) {
                    cells.push_back(Cell { client, setting, task });
                }
            }
        }
    }
    let table = work(cells, &server);
    println!("{table}");
    port21_testkit::note(&table.summary());
    assert!(table.failures().is_empty(), "{}", table.failures().join("\n\n"));
}

/// Has all of it done, some at a time.
fn work(cells: VecDeque<Cell>, server: &Server) -> Table {
    let cells = Mutex::new(cells);
    let table = Mutex::new(Table::default());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(cell) = cells.lock().unwrap().pop_front() else { break };
                    let outcome = run::run(cell.client, server, cell.setting, cell.task);
                    table.lock().unwrap().enter(cell.client.name(), cell.setting, cell.task, outcome);
                }
            });
        }
    });
    table.into_inner().unwrap()
}
