//! An executable that does what the real one cannot be made to do.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::*;
use crate::support::fake_claude::{Behaviour, FakeClaude};
use crate::support::wait_until;

const ANSWER: &str = "<observation><title>Zero is \"handled\"</title></observation>";

/// For calls that are to be ended by their deadline.
const SHORT: Duration = Duration::from_secs(1);

fn with(behaviour: &Behaviour) -> (Sandbox, Config) {
    let sandbox = Sandbox::new();
    let claude = FakeClaude::install(sandbox.root.path(), behaviour);
    let config = config(&sandbox, &claude);
    (sandbox, config)
}

/// A `claude` that runs these commands of the shell when it has read a line.
fn with_script(commands: &str) -> (Sandbox, Config) {
    let sandbox = Sandbox::new();
    let claude = sandbox.root.path().join("claude");
    write_executable(&claude, &format!("#!/bin/sh\nread -r line\n{commands}\n"));
    let config = config(&sandbox, &claude);
    (sandbox, config)
}

fn write_executable(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn an_answer_comes_through_and_the_directory_stays_empty_and_private() {
    let (sandbox, config) = with(&Behaviour::Answer(ANSWER.to_owned()));
    let directory = &config.claude_cli.directory;
    for _ in 0..2 {
        let reply = ask(&config, "What happened?").unwrap();
        assert_eq!(reply.text, ANSWER);
        assert!(!reply.truncated);
        assert!(reply.usage.input > 0 && reply.usage.output > 0);
        assert_eq!(sandbox.processes(), []);
        assert_eq!((left_in(directory), mode(directory)), (0, 0o700));
        // Somebody's umask, or somebody.
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn the_child_has_this_environment_these_arguments_and_nothing_else() {
    let sandbox = Sandbox::new();
    let record = sandbox.root.path().join("record");
    let claude = FakeClaude::install(
        sandbox.root.path(),
        &Behaviour::RecordEnvironment(record.clone()),
    );
    let mut config = config(&sandbox, &claude);
    config.model = Some("opus".to_owned());
    let given = &mut config.claude_cli.environment;
    given.insert("MAX_THINKING_TOKENS".to_owned(), "31999".to_owned());
    ask(&config, "A secret of the user's").unwrap();
    let recorded = FakeClaude::recorded(&record);
    assert_eq!(
        recorded.directory,
        config.claude_cli.directory.canonicalize().unwrap()
    );
    let fixed = [
        ("API_TIMEOUT_MS", "60000"),
        ("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1"),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ("CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK", "1"),
        ("CLAUDE_CODE_MAX_OUTPUT_TOKENS", "4096"),
        ("CLAUDE_CODE_MAX_RETRIES", "0"),
        (capture::skip::INTERNAL_VARIABLE, "1"),
        ("DISABLE_AUTOUPDATER", "1"),
        ("DISABLE_BUG_COMMAND", "1"),
        ("DISABLE_ERROR_REPORTING", "1"),
        ("DISABLE_TELEMETRY", "1"),
        ("MAX_THINKING_TOKENS", "0"),
    ];
    let mut expected = config.claude_cli.environment.clone();
    expected.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut environment: BTreeMap<_, _> = recorded.environment;
    // The shell's own.
    for name in ["PWD", "OLDPWD", "SHLVL", "_"] {
        environment.remove(name);
    }
    assert_eq!(environment, expected);
    assert_eq!(
        recorded.args.join(" "),
        "-p --input-format stream-json --output-format stream-json --verbose --tools  \
         --setting-sources  --strict-mcp-config --no-session-persistence \
         --disable-slash-commands --settings \
         {\"cleanupPeriodDays\":36500,\"disableAllHooks\":true} --model opus \
         --system-prompt Answer in XML."
    );
}

#[test]
fn whatever_goes_wrong_has_its_reason_and_leaves_nothing() {
    let cases = [
        (
            Behaviour::ToolsOffered(vec!["Bash".to_owned()]),
            Reason::UnsafeTools,
            "Bash",
        ),
        (Behaviour::NotLoggedIn, Reason::Auth, "Not logged in"),
        (Behaviour::UsageLimit, Reason::Quota, "usage limit"),
        (
            Behaviour::ExitSilently(0),
            Reason::ChildDied,
            "exit status: 0",
        ),
        (
            Behaviour::ExitSilently(3),
            Reason::ChildDied,
            "exit status: 3",
        ),
        (
            Behaviour::ExitWithStderr("out of luck".to_owned(), 1),
            Reason::ChildDied,
            "exit status: 1): out of luck",
        ),
        (
            Behaviour::ExitWithStderr("Invalid API key".to_owned(), 1),
            Reason::Auth,
            "Invalid API key",
        ),
        // 128 and SIGKILL.
        (
            Behaviour::DieMidAnswer,
            Reason::ChildDied,
            "exit status: 137",
        ),
        (Behaviour::GarbageLines, Reason::ChildDied, ""),
    ];
    for (behaviour, reason, words) in cases {
        let (sandbox, config) = with(&behaviour);
        let failure = failure(&sandbox, &config, reason);
        assert!(failure.detail.contains(words), "{behaviour:?}: {failure}");
        assert!(!failure.untried, "{behaviour:?}");
        assert_eq!(left_in(&config.claude_cli.directory), 0, "{behaviour:?}");
    }
    let (_sandbox, config) = with(&Behaviour::GarbageAround(ANSWER.to_owned()));
    assert_eq!(ask(&config, "What happened?").unwrap().text, ANSWER);
}

#[test]
fn one_that_hangs_is_ended_at_the_deadline_with_all_that_it_started() {
    // The last two do not end when they are asked to.
    let stubborn = "trap '' TERM INT HUP\n/bin/sleep 120 &\nwhile :; do wait; done";
    let worlds = [
        with(&Behaviour::Hang),
        with(&Behaviour::HangWithGrandchild),
        with_script(stubborn),
        with_script(&format!("{stubborn} <&- >&- 2>&-")),
    ];
    for (sandbox, mut config) in worlds {
        config.timeout = SHORT;
        let failure = failure(&sandbox, &config, Reason::Timeout);
        assert!(failure.detail.contains("1s"), "{failure}");
    }
}

#[test]
fn one_that_says_too_much_is_ended_and_one_that_complains_is_heard_out() {
    let (sandbox, config) = with_script("while :; do printf '%01000d' 7; done");
    let talker = failure(&sandbox, &config, Reason::Malformed);
    assert!(talker.detail.contains("more output"), "{talker}");
    // More than a pipe holds.
    let (sandbox, config) = with_script(
        "echo first words >&2\ni=0\nwhile [ $i -lt 300 ]; do printf '%01000d\\n' 7 >&2; i=$((i + 1)); done\nexit 9",
    );
    let complainer = failure(&sandbox, &config, Reason::ChildDied);
    assert!(
        complainer.detail.contains("exit status: 9): first words"),
        "{complainer}"
    );
}

#[test]
fn one_that_reads_nothing_does_not_hold_up_a_long_question() {
    let (sandbox, config) = with_script(
        "echo '{\"type\":\"system\",\"subtype\":\"init\",\"tools\":[],\"mcp_servers\":[]}'\n\
         echo '{\"type\":\"result\",\"is_error\":false,\"result\":\"\"}'\nexit 5",
    );
    let failure = ask(&config, &"long ".repeat(200_000)).unwrap_err();
    assert_eq!(failure.reason, Reason::ChildDied, "{failure}");
    sandbox.wait_for_quiet();
}

#[test]
fn a_call_that_nobody_waits_for_any_more_is_ended() {
    let (sandbox, config) = with(&Behaviour::HangWithGrandchild);
    let claude = config.claude_cli.path.clone().unwrap();
    let (provider, model) = provider(&config);
    let request = request(model, "What happened?");
    runtime().block_on(async {
        let under_way = async {
            while FakeClaude::grandchild(&claude).is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            outcome = provider.ask(&request) => panic!("{outcome:?}"),
            () = under_way => {}
        }
    });
    assert!(FakeClaude::grandchild(&claude).is_some());
    sandbox.wait_for_quiet();
}

#[test]
fn a_supervisor_that_is_killed_takes_everything_with_it() {
    let (sandbox, config) = with(&Behaviour::HangWithGrandchild);
    let claude = config.claude_cli.path.clone().unwrap();
    let asking = {
        let config = config.clone();
        std::thread::spawn(move || ask(&config, "What happened?"))
    };
    wait_until("the grandchild runs", || {
        FakeClaude::grandchild(&claude).is_some()
    });
    kill(supervisor(&sandbox), Signal::SIGKILL).unwrap();
    let failure = asking.join().unwrap().unwrap_err();
    assert_eq!(failure.reason, Reason::ChildDied, "{failure}");
    sandbox.wait_for_quiet();
}

/// Of the processes of a sandbox, the one that leads the group.
fn supervisor(sandbox: &Sandbox) -> Pid {
    let groups: Vec<Pid> = sandbox
        .processes()
        .into_iter()
        .filter(|pid| nix::unistd::getpgid(Some(*pid)) == Ok(*pid))
        .collect();
    assert_eq!(groups.len(), 1, "{groups:?}");
    groups[0]
}

#[test]
fn the_executable_is_looked_for_at_each_call() {
    let sandbox = Sandbox::new();
    let places: Vec<PathBuf> = ["first", "second", "third"]
        .map(|name| sandbox.root.path().join(name))
        .into();
    let mut config = config(&sandbox, Path::new("unused"));
    config.claude_cli.path = None;
    config.claude_cli.search = [vec![PathBuf::from(".")], places.clone()].concat();
    for place in &places {
        std::fs::create_dir(place).unwrap();
    }
    // Neither a directory nor a file that cannot be run is one.
    std::fs::create_dir(places[0].join("claude")).unwrap();
    std::fs::write(places[1].join("claude"), "#!/bin/sh\n").unwrap();
    let missing = failure(&sandbox, &config, Reason::BinaryMissing);
    assert!(missing.untried);

    let old = FakeClaude::install(sandbox.root.path(), &Behaviour::Answer("<old/>".to_owned()));
    std::os::unix::fs::symlink(&old, places[2].join("claude")).unwrap();
    assert_eq!(ask(&config, "What?").unwrap().text, "<old/>");
    let _new = FakeClaude::install(sandbox.root.path(), &Behaviour::Answer("<new/>".to_owned()));
    assert_eq!(ask(&config, "What?").unwrap().text, "<new/>");
    std::fs::remove_file(&old).unwrap();
    drop(failure(&sandbox, &config, Reason::BinaryMissing));

    config.claude_cli.path = Some(places[1].join("claude"));
    let named = failure(&sandbox, &config, Reason::BinaryMissing);
    assert!(named.detail.contains("second/claude"), "{named}");
}

#[test]
fn what_cannot_be_started_is_said() {
    let (sandbox, mut config) = with(&Behaviour::Answer(ANSWER.to_owned()));
    config.claude_cli.supervisor = sandbox.root.path().join("claude-mem");
    let gone = failure(&sandbox, &config, Reason::BinaryMissing);
    assert!(
        gone.untried && gone.detail.contains("/claude-mem"),
        "{gone}"
    );
    config.claude_cli.supervisor = binary("claude-mem");
    config.claude_cli.directory = sandbox.root.path().join("claude");
    let directory = failure(&sandbox, &config, Reason::ChildDied);
    assert!(directory.detail.contains("/claude"), "{directory}");
    // An interpreter that is not there.
    let (sandbox, config) = with_script("exit 0");
    let claude = config.claude_cli.path.clone().unwrap();
    write_executable(&claude, "#!/nowhere/node\n");
    let interpreter = failure(&sandbox, &config, Reason::BinaryMissing);
    assert!(interpreter.detail.contains("cannot run"), "{interpreter}");
}
