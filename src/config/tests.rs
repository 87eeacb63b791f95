use clap::CommandFactory;

use super::*;

fn parse(args: &[&str]) -> Result<Config, clap::Error> {
    Config::try_parse_from([&["entitlement-operator"], args].concat())
}

#[test]
fn defaults_need_no_flag() {
    let config = parse(&[]).unwrap();
    assert_eq!(config.kubeconfig, None);
    assert_eq!(config.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.retention.to_string(), "90d");
    assert_eq!((config.concurrency, config.log_format, config.log_filter.as_str()), (32, LogFormat::Text, "info"));
    assert_eq!(config.namespace, "entitlement-system");
    assert!(!config.leader_elect && !config.allow_unenforced_identity);
    assert_eq!((config.lease_duration, config.request_timeout), (Duration::from_secs(15), Duration::from_secs(10)));
    assert!(config.identity.len() > 17);
}

#[test]
fn switches_take_a_value_or_none() {
    for (args, leader_elect) in [
        (&["--leader-elect"][..], true),
        (&["--leader-elect=false"], false),
        (&["--leader-elect", "off"], false),
        (&["--leader-elect", "--concurrency", "1"], true),
    ] {
        assert_eq!(parse(args).unwrap().leader_elect, leader_elect, "{args:?}");
    }
    assert!(parse(&["--allow-unenforced-identity"]).unwrap().allow_unenforced_identity);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for args in [
        ["--listen", "8080"],
        ["--retention", "0d"],
        ["--retention", "P90D"],
        ["--concurrency", "0"],
        ["--concurrency", "100000"],
        ["--lease-duration", "1s"],
        ["--lease-duration", "1d"],
        ["--request-timeout", "1y"],
        ["--log-format", "xml"],
        ["--identity", ""],
        ["--leader-elect", "maybe"],
    ] {
        assert!(parse(&args).is_err(), "{args:?}");
    }
}

#[test]
fn every_flag_has_its_variable_and_says_what_it_does() {
    let command = Config::command();
    for arg in command.get_arguments() {
        let long = arg.get_long().unwrap();
        let variable = format!("ENTITLEMENT_{}", long.to_uppercase().replace('-', "_"));
        assert_eq!(arg.get_env().unwrap().to_str(), Some(variable.as_str()));
        assert!(arg.get_help().is_some(), "--{long}");
    }
    command.debug_assert();
}
