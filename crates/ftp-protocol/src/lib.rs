//! The File Transfer Protocol as values.
