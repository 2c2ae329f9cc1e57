//! port21: FTP over TCP, seen whole.

fn main() {}
