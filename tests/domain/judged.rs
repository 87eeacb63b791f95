//! Whatever is granted was judged as it is now, in this place, in this catalog: through random edits of roles and places by whomever,
//! namespaces, Roles and Catalogs that are deleted and made anew, powers that come and go, answers that arrive late, and an operator that
//! stops after any write.

mod acts;
mod operator;
mod rules;
mod world;

use proptest::prelude::*;

use crate::chance;
use acts::acts;
use world::World;

proptest! {
    #![proptest_config(chance(3_000))]

    #[test]
    fn whatever_is_granted_was_judged_as_it_is_now_here_in_this_catalog(acts in acts()) {
        let mut world = World::new();
        acts.iter().for_each(|act| world.happens(act));
        world.settle();
    }
}
