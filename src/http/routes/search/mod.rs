//! Search: the same code as behind the command line, in the API's shape.

mod find;
mod hits;
mod shape;
mod wanted;

use std::sync::Arc;

use axum::extract::State;

use crate::store::Reader;
use crate::store::web::Criteria;

use super::super::answer::{Answer, Failure};
use super::super::ask::Params;
use super::super::state::Shared;

pub(super) use self::find::find;
pub(super) use self::hits::Line;
pub(in super::super) use self::hits::{Hits, Question};
pub(super) use self::wanted::Wanted;

use self::find::about;
use self::shape::render;
use self::wanted::{OBSERVATIONS, PROMPTS, SESSIONS};

fn invalid() -> Failure {
    Failure::bad("Either query or filters required for search")
        .with("code", "INVALID_SEARCH_REQUEST")
}

pub(in super::super) async fn all(state: State<Shared>, params: Params) -> Answer {
    answer(state, Wanted::from_params(&params)?).await
}

pub(in super::super) async fn observations(state: State<Shared>, params: Params) -> Answer {
    let mut wanted = Wanted::from_params(&params)?;
    wanted.kinds = OBSERVATIONS;
    answer(state, wanted).await
}

pub(in super::super) async fn sessions(state: State<Shared>, params: Params) -> Answer {
    let mut wanted = Wanted::from_params(&params)?;
    wanted.kinds = SESSIONS;
    answer(state, wanted).await
}

pub(in super::super) async fn prompts(state: State<Shared>, params: Params) -> Answer {
    let mut wanted = Wanted::from_params(&params)?;
    wanted.kinds = PROMPTS;
    answer(state, wanted).await
}

pub(in super::super) async fn by_concept(state: State<Shared>, params: Params) -> Answer {
    let concepts = required(&params, &["concept", "concepts"])?;
    by(state, &params, |criteria| criteria.concepts = concepts).await
}

pub(in super::super) async fn by_file(state: State<Shared>, params: Params) -> Answer {
    let files = required(&params, &["filePath", "files"])?;
    let mut wanted = Wanted::from_params(&params)?;
    wanted.kinds = OBSERVATIONS;
    if wanted.query.is_some() {
        wanted.criteria.files = files;
        return answer(state, wanted).await;
    }
    wanted.criteria.files = Vec::new();
    let State(app) = state;
    app.pool
        .read(move |reader| {
            in_snapshot(reader, || {
                render(reader, &wanted, &about(reader, files, &wanted)?)
            })
        })
        .await
}

pub(in super::super) async fn by_type(state: State<Shared>, params: Params) -> Answer {
    let kinds = required(&params, &["type", "obs_type"])?;
    by(state, &params, |criteria| criteria.kinds = kinds).await
}

pub(in super::super) async fn decisions(state: State<Shared>, params: Params) -> Answer {
    by(state, &params, |criteria| {
        criteria.kinds = vec!["decision".to_owned()];
    })
    .await
}

pub(in super::super) async fn changes(state: State<Shared>, params: Params) -> Answer {
    let kinds = ["bugfix", "feature", "refactor", "change"];
    by(state, &params, |criteria| {
        criteria.kinds = kinds.map(str::to_owned).into();
    })
    .await
}

pub(in super::super) async fn how_it_works(state: State<Shared>, params: Params) -> Answer {
    by(state, &params, |criteria| {
        criteria.concepts = vec!["how-it-works".to_owned()];
    })
    .await
}

fn required(params: &Params, names: &[&str]) -> Result<Vec<String>, Failure> {
    let found: Vec<String> = names.iter().flat_map(|name| params.list(name)).collect();
    if found.is_empty() {
        return Err(Failure::bad(format!("{} is required", names[0])));
    }
    Ok(found)
}

async fn by(state: State<Shared>, params: &Params, set: impl FnOnce(&mut Criteria)) -> Answer {
    let mut wanted = Wanted::from_params(params)?;
    wanted.kinds = OBSERVATIONS;
    set(&mut wanted.criteria);
    answer(state, wanted).await
}

async fn answer(State(app): State<Shared>, wanted: Wanted) -> Answer {
    if wanted.query.is_none() && wanted.criteria.is_empty() {
        return Err(invalid());
    }
    let asked = Arc::clone(&app);
    app.pool
        .read(move |reader| {
            // Of words before the snapshot: it begins after the look at the files that
            // tells whether what is kept still counts.
            let kept = match wanted.query {
                Some(_) => Some(find(&asked, reader, &wanted)?),
                None => None,
            };
            in_snapshot(reader, || match kept {
                Some(found) => render(reader, &wanted, &found),
                None => render(reader, &wanted, &*find(&asked, reader, &wanted)?),
            })
        })
        .await
}

fn in_snapshot<T>(
    reader: Option<&Reader>,
    read: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    match reader {
        Some(reader) => reader.in_snapshot(read),
        None => read(),
    }
}
