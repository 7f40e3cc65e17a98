//! What is said where nothing goes wrong.

use serde_json::json;

use super::client::{OPENAI, SYSTEM, WAYS, Way, post, receive, send};
use crate::support::fake_model::{FakeModel, Fault, Scene, digest, event_ids};

const USER: &str =
    "<event id=\"17\" at=\"noon\">toolu_01AB. and event-3, then event-3 again</event> äöü";

#[test]
fn every_way_of_asking_brings_the_same_deterministic_answer() {
    let model = FakeModel::start(Vec::new());
    let texts = WAYS.map(|way| {
        let got = way.ask(&model, USER);
        let stop = if way.is_anthropic() {
            "end_turn"
        } else {
            "stop"
        };
        assert_eq!(got.stop(way), stop, "{way:?}");
        got.text(way).unwrap()
    });
    for text in &texts {
        assert_eq!(text, &texts[0]);
    }
    let title = format!("<title>Told {}</title>", digest(USER));
    assert!(texts[0].contains(&title), "{}", texts[0]);
    for id in ["17", "toolu_01AB", "event-3"] {
        let fact = format!("<fact>event {id}</fact>");
        assert_eq!(texts[0].matches(&fact).count(), 1, "{}", texts[0]);
    }
    assert!(texts[0].contains("Events: 17 toolu_01AB event-3."));
    assert!(texts[0].contains("<summary>"));
    let other = WAYS[0].ask(&model, "something else").text(WAYS[0]).unwrap();
    assert_ne!(other, texts[0]);
    assert_eq!(model.calls(), 5);
}

#[test]
fn no_summary_is_written_where_none_is_asked_for() {
    let model = FakeModel::start(Vec::new());
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "<observation>"}]});
    let text = post(&model, OPENAI, &body).text(WAYS[2]).unwrap();
    assert!(text.ends_with("</observation>"), "{text}");
    let text = WAYS[2]
        .ask(&model, "A part. Give no summary.")
        .text(WAYS[2]);
    assert!(text.unwrap().ends_with("</observation>"));
}

#[test]
fn ids_of_events_are_found_in_order_and_once() {
    let text = "(event-z) <a  id=\"b.1:c\"><x event=\"4\"/> void=\"5\" id=\"two words\" id=\"\" \
        toolu_9, prevent-me toolu_9 event-z. id=\"4\" id=\"open";
    assert_eq!(event_ids(text), ["event-z", "b.1:c", "4", "toolu_9"]);
}

#[test]
fn a_test_can_answer_itself() {
    let model = FakeModel::start(Vec::new());
    model.answer_with(|asked| {
        let (system, user) = (asked.system_text(), asked.user_text());
        assert_eq!(asked.text(), format!("{system}\n{user}"));
        format!("{system}|{user}|{}", asked.input_chars())
    });
    for way in WAYS {
        let chars = SYSTEM.chars().count() + 5;
        let text = way.ask(&model, "häuse").text(way).unwrap();
        assert_eq!(text, format!("{SYSTEM}|häuse|{chars}"));
    }
}

#[test]
fn reminders_of_the_host_are_not_the_users_words() {
    let model = FakeModel::start(Vec::new());
    let body = json!({"model": "m", "system": [{"type": "text", "text": SYSTEM}], "messages": [
        {"role": "user", "content": [
            {"type": "text", "text": "<system-reminder>today</system-reminder>\n"},
            {"type": "text", "text": "the turn"}]}], "tools": []});
    let text = post(&model, "/v1/messages?beta=true", &body)
        .text(WAYS[0])
        .unwrap();
    assert!(text.contains(&digest("the turn")), "{text}");
    let [asked] = &model.observed()[..] else {
        panic!("one call")
    };
    assert_eq!(asked.user_text(), "the turn");
    assert_eq!(asked.system_text(), SYSTEM);
}

#[test]
fn who_offers_tools_or_asks_for_no_memory_gets_a_scene() {
    let model = FakeModel::start(vec![Scene::about("weather").turn("Rain.", [])]);
    let mut body = WAYS[0].body("the weather");
    body["tools"] = json!([{"name": "Read"}]);
    let said = post(&model, WAYS[0].path, &body).text(WAYS[0]);
    assert_eq!(said.as_deref(), Some("Rain."));
    for way in WAYS {
        let body = json!({"model": "m", "stream": way.stream, "messages": [
            {"role": "user", "content": "How is the weather?"}]});
        assert_eq!(
            post(&model, way.path, &body).text(way).as_deref(),
            Some("Rain.")
        );
    }
    assert_eq!(model.calls(), 0);
    assert_eq!(model.bodies_about("weather").len(), 3);
}

#[test]
fn any_prefix_is_served_and_the_unknown_tolerated() {
    let model = FakeModel::start(Vec::new());
    assert_eq!(model.openai_url(), format!("{}/v1", model.url()));
    let way = Way {
        path: "/v1beta/openai/chat/completions",
        stream: false,
    };
    let expected = WAYS[2].ask(&model, "x").text(WAYS[2]);
    assert_eq!(way.ask(&model, "x").text(way), expected);
    for path in ["/v1/models", "/api/v1/models", "/v1/models?limit=1"] {
        let models = receive(send(&model, "GET", path, "")).json();
        assert_eq!(models["data"][0]["id"], "fake-model", "{path}");
    }
    let head = receive(send(&model, "HEAD", "/", ""));
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(receive(send(&model, "GET", "/what", "")).json(), json!({}));
    let broken = receive(send(&model, "POST", "/v1/messages", "{\"model\":"));
    assert_eq!(broken.status, 200);
    let paths: Vec<String> = model
        .requests()
        .into_iter()
        .map(|asked| asked.path)
        .collect();
    assert_eq!(paths.len(), 8);
    assert_eq!(paths[6], "/what");
}

#[test]
fn every_byte_that_came_is_kept() {
    let model = FakeModel::start(Vec::new());
    drop(WAYS[1].ask(&model, "canary-in-body"));
    drop(receive(send(&model, "GET", "/canary-in-path", "")));
    let received: Vec<String> = model
        .everything_received()
        .into_iter()
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .collect();
    assert_eq!(received.len(), 2);
    assert!(received[0].starts_with("POST /v1/messages HTTP/1.1\r\nHost: model\r\n"));
    assert!(received[0].contains("canary-in-head") && received[0].contains("canary-in-body"));
    assert!(received[1].contains("/canary-in-path"));
}

#[test]
fn an_answer_of_a_test_that_panics_fails_the_test() {
    let model = FakeModel::start(Vec::new());
    model.answer_with(|asked| {
        assert!(!asked.text().contains("bad"), "as it should");
        "fine".to_owned()
    });
    let got = WAYS[0].ask(&model, "bad");
    assert_eq!((got.status, got.reset), (0, false));
    assert_eq!(model.in_flight(), 0);
    assert_eq!(
        WAYS[0].ask(&model, "good").text(WAYS[0]).as_deref(),
        Some("fine")
    );
    model.fault_when(|text| panic!("{}", text.len()), Fault::Empty);
    assert_eq!(WAYS[0].ask(&model, "good").status, 0);
    assert_eq!((model.calls(), model.in_flight()), (3, 0));
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(model)));
    assert!(ended.is_err(), "it must not go unseen");
}
