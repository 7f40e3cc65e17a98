//! What each route answers: parse, ask the library, render.

pub(super) mod branch;
pub(super) mod context;
pub(super) mod days;
pub(super) mod guide;
pub(super) mod health;
pub(super) mod logs;
pub(super) mod openapi;
pub(super) mod queue;
mod render;
pub(super) mod rows;
pub(super) mod search;
pub(super) mod settings;
pub(super) mod stats;
pub(super) mod timeline;
pub(super) mod turns;
pub(super) mod viewer;
