//! What a request to the API server asks for, read from its method and path.

use axum::http::Method;

use super::Request;

/// Resources that get a name of their own. The rest is `other`: a catalog may name any resource of the cluster, and metrics must
/// not grow with what people write.
pub const KINDS: [&str; 18] = [
    "accesspackages",
    "accessrequests",
    "approvaldecisions",
    "assignments",
    "catalogresources",
    "catalogs",
    "policies",
    "clusterrolebindings",
    "clusterroles",
    "customresourcedefinitions",
    "events",
    "leases",
    "namespaces",
    "rolebindings",
    "roles",
    "subjectaccessreviews",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
];

/// Subresources that get a name of their own.
const SUBRESOURCES: [&str; 1] = ["status"];

/// Kind of what is no resource: API discovery, the version, the API server's own health.
const DISCOVERY: &str = "discovery";
/// What no vocabulary knows.
const OTHER: &str = "other";

/// Reads `/api/v1/...` and `/apis/GROUP/VERSION/...`, each followed by `[namespaces/NAME/]PLURAL[/NAME[/SUBRESOURCE]]`.
pub(super) fn request(method: &Method, path: &str, query: Option<&str>) -> Request {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let resource = match segments.as_slice() {
        ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        _ => &[],
    };
    let resource = match resource {
        // Below a namespace, unless it is the namespace itself or a subresource of it.
        ["namespaces", _, subresource] if SUBRESOURCES.contains(subresource) => resource,
        ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
        _ => resource,
    };
    let (kind, named, subresource) = match resource {
        [] => (DISCOVERY, true, ""),
        [kind] => (known(&KINDS, kind), false, ""),
        [kind, _] => (known(&KINDS, kind), true, ""),
        [kind, _, subresource, ..] => (known(&KINDS, kind), true, known(&SUBRESOURCES, subresource)),
    };
    Request { verb: verb(method, named, query), kind, subresource }
}

fn known(vocabulary: &[&'static str], word: &str) -> &'static str {
    vocabulary.iter().find(|known| **known == word).copied().unwrap_or(OTHER)
}

fn verb(method: &Method, named: bool, query: Option<&str>) -> &'static str {
    let watches = || query.unwrap_or_default().split('&').any(|pair| matches!(pair, "watch=true" | "watch=1"));
    match method.as_str() {
        "GET" if watches() => "watch",
        "GET" if named => "get",
        "GET" => "list",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" if named => "delete",
        "DELETE" => "deletecollection",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_is_asked_for_and_never_what_it_is_about() {
        let own = "/apis/entitlement.dev/v1alpha1/namespaces/catalog-payments";
        for (method, path, query, verb, kind, subresource) in [
            ("GET", "/apis/entitlement.dev/v1alpha1/assignments".into(), Some("limit=500"), "list", "assignments", ""),
            (
                "GET",
                "/apis/entitlement.dev/v1alpha1/assignments".into(),
                Some("watch=true&resourceVersion=5"),
                "watch",
                "assignments",
                "",
            ),
            ("GET", format!("{own}/assignments/status"), None, "get", "assignments", ""),
            ("PATCH", format!("{own}/assignments/a1/status"), Some("force=true"), "patch", "assignments", "status"),
            ("POST", format!("{own}/accessrequests"), None, "create", "accessrequests", ""),
            ("DELETE", format!("{own}/accessrequests/watch=true"), None, "delete", "accessrequests", ""),
            ("DELETE", format!("{own}/accessrequests"), None, "deletecollection", "accessrequests", ""),
            ("PUT", "/apis/rbac.authorization.k8s.io/v1/namespaces/x/rolebindings/y".into(), None, "update", "rolebindings", ""),
            ("GET", "/api/v1/namespaces".into(), None, "list", "namespaces", ""),
            ("GET", "/api/v1/namespaces/secrets".into(), None, "get", "namespaces", ""),
            ("PATCH", "/api/v1/namespaces/x/status".into(), None, "patch", "namespaces", "status"),
            ("POST", "/api/v1/namespaces/x/serviceaccounts/y/token".into(), None, "create", "other", "other"),
            ("GET", "/apis/example.org/v1/widgets/w1/teapot/t".into(), None, "get", "other", "other"),
            ("GET", "/version".into(), None, "get", "discovery", ""),
            ("GET", "/apis".into(), None, "get", "discovery", ""),
            ("GET", "/apis/entitlement.dev/v1alpha1".into(), None, "get", "discovery", ""),
            ("BREW", "//".into(), None, "other", "discovery", ""),
        ] {
            let request = request(&Method::from_bytes(method.as_bytes()).unwrap(), &path, query);
            assert_eq!(request, Request { verb, kind, subresource }, "{method} {path}");
        }
    }
}
