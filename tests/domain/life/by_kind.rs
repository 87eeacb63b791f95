//! From something in the queue to its kind.

/// Does something with the kind and the key of an object in the queue, or with a grant.
macro_rules! by_kind {
    ($work:expr, $kind:ident, $key:ident => $object:expr, $grant:ident => $of_grant:expr, $none:expr) => {
        match $work {
            $crate::life::rules::WorkItem::Catalog($key) => {
                type $kind = entitlement_operator::api::Catalog;
                $object
            }
            $crate::life::rules::WorkItem::Resource($key) => {
                type $kind = entitlement_operator::api::CatalogResource;
                $object
            }
            $crate::life::rules::WorkItem::Package($key) => {
                type $kind = entitlement_operator::api::AccessPackage;
                $object
            }
            $crate::life::rules::WorkItem::Policy($key) => {
                type $kind = entitlement_operator::api::Policy;
                $object
            }
            $crate::life::rules::WorkItem::Request($key) => {
                type $kind = entitlement_operator::api::AccessRequest;
                $object
            }
            $crate::life::rules::WorkItem::Decision($key) => {
                type $kind = entitlement_operator::api::ApprovalDecision;
                $object
            }
            $crate::life::rules::WorkItem::Assignment($key) => {
                type $kind = entitlement_operator::api::Assignment;
                $object
            }
            $crate::life::rules::WorkItem::Grant($grant) => $of_grant,
            $crate::life::rules::WorkItem::Admission | $crate::life::rules::WorkItem::Unreadable(..) => $none,
        }
    };
}
pub(crate) use by_kind;
