//! What memory says by itself: at a prompt, before a file is read, after a
//! command failed.

mod asking;
mod broken;
mod once;
mod what;
mod world;
