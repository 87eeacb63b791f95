//! The memory of a process, in bytes, as Linux counts it.

/// What is resident now.
pub fn resident(process: u32) -> usize {
    read(process, "VmRSS:")
}

/// The most that was resident at a time, since the start or [`forget_highest`].
pub fn highest(process: u32) -> usize {
    read(process, "VmHWM:")
}

/// Lets [`highest`] begin anew, with what is resident now.
pub fn forget_highest(process: u32) {
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").expect("the process is ours");
}

fn read(process: u32, field: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}
