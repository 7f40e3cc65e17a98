//! Chromium, driven through chromedriver: the `WebDriver` protocol is JSON over
//! HTTP, and what the tests need of it is a dozen commands.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PATIENCE, Sandbox, wait_until, wait_until_within};

/// What is wrong with a page as it stands, as a list of texts.
const AUDIT: &str = include_str!("audit.js");

/// The driver, from `CLAUDE_MEM_TEST_CHROMEDRIVER` or the search path. Without
/// one the browser's tests are left out, or fail where `CI` is set.
fn driver() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let found = set("CLAUDE_MEM_TEST_CHROMEDRIVER")
        .map(PathBuf::from)
        .or_else(|| {
            let path = set("PATH")?;
            std::env::split_paths(&path)
                .map(|directory| directory.join("chromedriver"))
                .find(|file| file.is_file())
        });
    if found.is_none() {
        let why = "there is no chromedriver: run scripts/test, or install chromium-driver";
        assert!(set("CI").is_none(), "{why}");
        eprintln!("left out: {why}");
    }
    found
}

/// One window of a browser of its own, ended with the test.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Started among the sandbox's processes, so that one that is left behind
    /// fails the test.
    pub(crate) fn start(sandbox: &Sandbox) -> Option<Self> {
        let mut driver = sandbox
            .command(driver()?)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let port = line.rsplit_once("successfully on port ")?.1;
                port.trim_end_matches('.').parse().ok()
            })
            .expect("chromedriver names its port");
        // Whoever writes to a closed pipe dies of it.
        std::thread::spawn(move || lines.for_each(drop));
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
        };
        let options = json!({"args": ["--headless=new", "--no-sandbox", "--disable-gpu",
            "--disable-dev-shm-usage", "--window-size=1440,900"]});
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}});
        let made = browser.call("POST", "/session", &wanted).unwrap();
        browser.session = format!("/session/{}", made["sessionId"].as_str().unwrap());
        Some(browser)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let answer = self.request(method, path, body);
        let (status, body) = answer.map_err(|error| format!("{method} {path}: {error}"))?;
        let value = serde_json::from_slice::<Value>(&body).map_err(|error| error.to_string())?;
        if status == 200 {
            Ok(value["value"].clone())
        } else {
            Err(format!("{method} {path}: {}", value["value"]["message"]))
        }
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> std::io::Result<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE * 2))?;
        let body = if method == "POST" {
            body.to_string()
        } else {
            String::new()
        };
        let port = self.port;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )?;
        let mut reader = BufReader::new(stream);
        let (mut status, mut length) = (0, 0);
        for line in reader.by_ref().lines() {
            let line = line?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest
                    .get(..3)
                    .and_then(|code| code.parse().ok())
                    .unwrap_or(0);
            } else if let Some(rest) = line.strip_prefix("content-length:") {
                length = rest.trim().parse().unwrap_or(0);
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer)?;
        Ok((status, answer))
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        let path = format!("{}{path}", self.session);
        self.call("POST", &path, body)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    #[track_caller]
    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post(
            "/goog/cdp/execute",
            &json!({"cmd": command, "params": parameters}),
        )
    }

    /// The system's theme, as pages see it.
    #[track_caller]
    pub(super) fn prefer_dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": value}]);
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    #[track_caller]
    pub(super) fn resize(&self, (width, height): (u32, u32)) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
        self.wait(&format!("innerWidth === {width}"));
    }

    /// Loads the address anew, even where only its fragment is another.
    #[track_caller]
    pub(crate) fn load(&self, address: &str) {
        self.post("/url", &json!({"url": "about:blank"}));
        self.post("/url", &json!({"url": address}));
    }

    /// The value of the script's `return`.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The value of an expression.
    #[track_caller]
    pub(super) fn value(&self, expression: &str) -> Value {
        self.run(&format!("return {expression}"))
    }

    /// What the script gives to `arguments[0]`, whenever that is.
    #[track_caller]
    pub(super) fn run_async(&self, script: &str) -> Value {
        self.post("/execute/async", &json!({"script": script, "args": []}))
    }

    /// Waits until the expression is true.
    #[track_caller]
    pub(crate) fn wait(&self, expression: &str) {
        wait_until(expression, || {
            self.value(&format!("Boolean({expression})")) == true
        });
    }

    /// The same for what may take longer than everything else.
    #[track_caller]
    pub(super) fn wait_within(&self, patience: Duration, expression: &str) {
        wait_until_within(patience, expression, || {
            self.value(&format!("Boolean({expression})")) == true
        });
    }

    /// Waits until an element is there.
    #[track_caller]
    pub(super) fn wait_for(&self, selector: &str) {
        self.wait(&format!("document.querySelector({selector:?})"));
    }

    /// Presses keys one after the other.
    #[track_caller]
    pub(super) fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|what| json!({"type": what, "value": key})))
            .collect();
        self.post(
            "/actions",
            &json!({"actions": [{"type": "key", "id": "keys", "actions": strokes}]}),
        );
    }

    /// What the audit finds wrong.
    #[track_caller]
    pub(super) fn problems(&self) -> Vec<String> {
        serde_json::from_value(self.run(AUDIT)).unwrap()
    }

    #[track_caller]
    fn log(&self, kind: &str) -> Vec<String> {
        let lines = self.post("/se/log", &json!({"type": kind}));
        let lines = lines.as_array().unwrap().iter();
        lines
            .map(|line| line["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What the page wrote to its console since the last look, errors of
    /// loading and violations of the security policy among it.
    #[track_caller]
    pub(super) fn console(&self) -> Vec<String> {
        self.log("browser")
    }

    /// Addresses that were asked for since the last look.
    #[track_caller]
    pub(super) fn requests(&self) -> Vec<String> {
        let asked = |event: &Value| {
            event["params"]["request"]["url"]
                .as_str()
                .map(str::to_owned)
        };
        self.network().iter().filter_map(asked).collect()
    }

    /// Addresses of requests that the page has taken back, of all that `events`
    /// has collected in earlier looks and this one.
    #[track_caller]
    pub(super) fn taken_back(&self, events: &mut Vec<Value>) -> Vec<String> {
        events.extend(self.network());
        let id = |event: &Value| event["params"]["requestId"].clone();
        let canceled: Vec<Value> = events
            .iter()
            .filter(|event| event["params"]["canceled"] == true)
            .map(id)
            .collect();
        events
            .iter()
            .filter(|event| canceled.contains(&id(event)))
            .filter_map(|event| {
                event["params"]["request"]["url"]
                    .as_str()
                    .map(str::to_owned)
            })
            .collect()
    }

    /// Requests that were begun, and those that failed, since the last look.
    #[track_caller]
    fn network(&self) -> Vec<Value> {
        self.log("performance")
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["message"].clone())
            .filter(|event| {
                ["Network.requestWillBeSent", "Network.loadingFailed"]
                    .iter()
                    .any(|method| event["method"] == *method)
            })
            .collect()
    }

    /// Keeps what is on screen, for people to look at.
    #[track_caller]
    pub(super) fn screenshot(&self, name: &str) {
        let path = format!("{}/screenshot", self.session);
        let picture = self.call("GET", &path, &Value::Null).unwrap();
        let picture = decoded(picture.as_str().unwrap());
        assert!(picture.starts_with(b"\x89PNG"), "{name} is no picture");
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(format!("{name}.png")), picture).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.call("DELETE", &self.session, &Value::Null));
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

/// Base64 without blanks, as the protocol sends pictures.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0);
    for digit in text.bytes().take_while(|byte| *byte != b'=') {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => panic!("{:?} is not a digit of base64", char::from(digit)),
        };
        held = (held << 6 | u32::from(value)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).unwrap());
        }
    }
    bytes
}
