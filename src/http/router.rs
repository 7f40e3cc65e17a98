//! Every route, and what is answered where there is none.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};

use super::answer::Failure;
use super::state::Shared;
use super::{guard, relay, routes, stream};

pub(super) fn router(app: Shared) -> Router {
    Router::new()
        .merge(viewer())
        .merge(health())
        .merge(rows())
        .merge(search())
        .merge(sessions())
        .merge(upkeep())
        .merge(guide())
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

fn viewer() -> Router<Shared> {
    use routes::viewer::{asset, index};
    Router::new()
        .route("/", get(index))
        .route("/assets/{name}", get(asset))
        .route("/stream", get(stream::stream))
        .route("/api/openapi.json", get(routes::openapi::document))
}

fn health() -> Router<Shared> {
    use routes::health::{alive, full, ready, short, version};
    Router::new()
        .route("/health", get(short))
        .route("/healthz", get(alive))
        .route("/api/health", get(full))
        .route("/api/readiness", get(ready))
        .route("/api/version", get(version))
        .route("/api/stats", get(routes::stats::stats))
        .route("/api/stats/daily", get(routes::days::daily))
        .route("/api/usage", get(routes::days::usage))
        .route("/api/projects", get(routes::stats::projects))
        .route(
            "/api/processing-status",
            get(routes::queue::processing_status),
        )
}

fn rows() -> Router<Shared> {
    use routes::rows::{
        by_file, observation, observations, observations_batch, prompt, prompts, sessions_batch,
        summaries, summary,
    };
    Router::new()
        .route("/api/observations", get(observations))
        .route("/api/summaries", get(summaries))
        .route("/api/prompts", get(prompts))
        .route("/api/observation/{id}", get(observation))
        .route("/api/session/{id}", get(summary))
        .route("/api/prompt/{id}", get(prompt))
        .route("/api/observations/batch", post(observations_batch))
        .route("/api/observations/by-file", get(by_file))
        .route("/api/sdk-sessions/batch", post(sessions_batch))
}

fn search() -> Router<Shared> {
    use routes::context::{inject, preview, recent, semantic};
    use routes::search::{
        all, by_concept, by_file, by_type, changes, decisions, how_it_works, observations, prompts,
        sessions,
    };
    use routes::timeline::{by_query, timeline};
    Router::new()
        .route("/api/search", get(all))
        .route("/api/search/observations", get(observations))
        .route("/api/search/sessions", get(sessions))
        .route("/api/search/prompts", get(prompts))
        .route("/api/search/by-concept", get(by_concept))
        .route("/api/search/by-file", get(by_file))
        .route("/api/search/by-type", get(by_type))
        .route("/api/decisions", get(decisions))
        .route("/api/changes", get(changes))
        .route("/api/how-it-works", get(how_it_works))
        .route("/api/timeline", get(timeline))
        .route("/api/timeline/by-query", get(by_query))
        .route("/api/context/timeline", get(timeline))
        .route("/api/context/recent", get(recent))
        .route("/api/context/inject", get(inject))
        .route("/api/context/preview", get(preview))
        .route("/api/context/semantic", post(semantic))
}

fn sessions() -> Router<Shared> {
    use relay::by_number::{complete, forget, init, observation, summarize};
    Router::new()
        .route("/api/sessions/init", post(relay::by_name::init))
        .route(
            "/api/sessions/observations",
            post(relay::by_name::observation),
        )
        .route("/api/sessions/summarize", post(relay::by_name::summarize))
        .route("/api/sessions/complete", post(relay::by_name::complete))
        .route("/api/sessions/{id}/turns", get(routes::turns::turns))
        .route("/api/memory/save", post(relay::memory::save))
        .route("/sessions/{id}", delete(forget))
        .route("/sessions/{id}/init", post(init))
        .route("/sessions/{id}/observations", post(observation))
        .route("/sessions/{id}/summarize", post(summarize))
        .route("/sessions/{id}/complete", post(complete))
        .route("/sessions/{id}/status", get(routes::queue::session_status))
}

fn upkeep() -> Router<Shared> {
    use routes::{branch, logs, queue, settings};
    Router::new()
        .route("/api/pending-queue", get(queue::pending))
        .route("/api/pending-queue/process", post(queue::process))
        .route("/api/processing", post(queue::processing))
        .route("/api/settings", get(settings::show).post(settings::change))
        .route("/api/settings/schema", get(settings::schema))
        .route("/api/mcp/status", get(settings::mcp))
        .route("/api/mcp/toggle", post(settings::toggle_mcp))
        .route("/api/branch/status", get(branch::status))
        .route("/api/branch/switch", post(branch::switch))
        .route("/api/branch/update", post(branch::update))
        .route("/api/logs", get(logs::show))
        .route("/api/logs/clear", post(logs::clear))
}

/// Help for clients, and what the original offers and this server does not.
fn guide() -> Router<Shared> {
    use routes::guide::{administration, corpora, for_models, for_people, no_corpora, tool_uses};
    Router::new()
        .route("/api/instructions", get(for_models))
        .route("/api/search/help", get(for_models))
        .route("/api/onboarding/explainer", get(for_people))
        .route("/api/corpus", get(no_corpora).post(corpora))
        .route("/api/corpus/{name}", get(corpora).delete(corpora))
        .route("/api/corpus/{name}/{action}", post(corpora))
        .route("/api/tool-uses/batch", post(tool_uses))
        .route("/api/admin/{action}", post(administration))
}

async fn nothing_here(request: Request) -> Response {
    Failure::not_found("Not found")
        .with("path", request.uri().path())
        .into_response()
}

/// The router adds the header `Allow`.
async fn wrong_method(request: Request) -> Response {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
        .with("method", request.method().as_str())
        .with("path", request.uri().path())
        .into_response()
}
