//! Kubeconfig files: who speaks to the control plane, and as whom.

use std::path::Path;

use kube::config::{AuthInfo, Context, Kubeconfig, NamedAuthInfo, NamedContext};

use super::people::Person;

const NAME: &str = "test";

/// The same user and cluster as the current context, impersonating a person.
pub fn impersonating(base: &Kubeconfig, person: &Person) -> Kubeconfig {
    let user = &current(base).user;
    let known = base.auth_infos.iter().find(|a| Some(&a.name) == user.as_ref());
    let mut credentials = known.and_then(|a| a.auth_info.clone()).unwrap_or_default();
    credentials.impersonate = Some(person.name.clone());
    credentials.impersonate_uid = (!person.uid.is_empty()).then(|| person.uid.clone());
    credentials.impersonate_groups = Some(person.groups.clone());
    with_credentials(base, credentials)
}

/// The cluster of the current context, with a bearer token.
pub fn with_token(base: &Kubeconfig, token: String) -> Kubeconfig {
    let credentials = AuthInfo { token: Some(token.into()), ..AuthInfo::default() };
    with_credentials(base, credentials)
}

/// Reads a kubeconfig that must be there.
pub fn read(path: &Path) -> Kubeconfig {
    Kubeconfig::read_from(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Writes a kubeconfig.
pub fn write(path: &Path, config: &Kubeconfig) {
    let text = serde_yaml::to_string(config).expect("a kubeconfig is YAML");
    std::fs::write(path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

fn with_credentials(base: &Kubeconfig, credentials: AuthInfo) -> Kubeconfig {
    Kubeconfig {
        clusters: base.clusters.clone(),
        auth_infos: vec![NamedAuthInfo { name: NAME.to_owned(), auth_info: Some(credentials), ..NamedAuthInfo::default() }],
        contexts: vec![NamedContext {
            name: NAME.to_owned(),
            context: Some(Context { cluster: current(base).cluster, user: Some(NAME.to_owned()), ..Context::default() }),
            ..NamedContext::default()
        }],
        current_context: Some(NAME.to_owned()),
        ..Kubeconfig::default()
    }
}

fn current(config: &Kubeconfig) -> Context {
    let name = config.current_context.as_deref().unwrap_or_default();
    let named = config.contexts.iter().find(|c| c.name == name);
    named.and_then(|c| c.context.clone()).unwrap_or_else(|| panic!("kubeconfig without its current context {name:?}"))
}
