//! Child processes that never outlive the tests.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const GUARD: &str = include_str!("guard.sh");

/// Starts a program whose output goes to a log file, and which is killed when
/// this process is gone.
pub fn spawn_guarded<S: AsRef<OsStr>>(program: &str, args: &[S], log: &Path) -> Child {
    let file = File::create(log).unwrap_or_else(|e| panic!("{}: {e}", log.display()));
    let errors = file.try_clone().expect("a file can be cloned");
    Command::new("sh")
        .args(["-c", GUARD, "guard", program])
        .args(args)
        .env_remove("KUBECONFIG")
        .stdin(Stdio::piped()) // its end is what the guard watches
        .stdout(file)
        .stderr(errors)
        .spawn()
        .unwrap_or_else(|e| panic!("{program}: {e}"))
}

/// Waits for the end of a process without closing its stdin first.
pub fn ended_within(child: &mut Child, within: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        if Instant::now() > end {
            return None;
        }
        sleep(Duration::from_millis(10));
    }
}

/// Kills a process, if it is still there, and waits for it.
pub fn kill(child: &mut Child) {
    child.kill().ok();
    child.wait().ok();
}
