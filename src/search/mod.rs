//! Finding memories: from a person's words to ranked rows.
//!
//! [`query`] understands what was typed, `limits` narrows where it is looked for,
//! `candidates` asks the index which rows may fit (`effort` says how many of them it
//! looks at), `pool` reads them (of long ones an `excerpt`), `score` and `fusion` say
//! how well they fit, `rerank` has a sentence model look again where the user has one
//! (`reranker`), `fold` puts together what says the same, `diversity` lets no session
//! fill the answer, and `explain` says why; [`run`], in `answer`, does all of it. SQL lives in the store, faces
//! (commands, HTTP, MCP) only render.

mod answer;
mod candidates;
mod dates;
mod diversity;
mod effort;
mod excerpt;
mod explain;
mod files;
mod filter;
mod fold;
mod fusion;
mod lexicon;
mod limits;
mod passages;
mod pool;
pub mod query;
mod reading;
mod rerank;
mod reranker;
mod results;
mod score;
#[cfg(test)]
mod tests;
mod timeline;

pub use answer::run;
pub use files::{FileMatch, FileRequest, KnownOfFile, Nearness, about_file, match_file, path_in};
pub use filter::{Filter, moment};
pub use reranker::{Reranker, is_news};
pub use results::{Explanation, Found, Request, Results, SearchError, Tables};
pub use timeline::{
    Anchor, DEFAULT_DEPTH, Middle, Timeline, TimelineError, points, project_of, row_of, timeline,
};
