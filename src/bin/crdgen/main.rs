//! Writes what is generated from `src/api`: the CustomResourceDefinitions into a folder, `crds` by default, one file per kind and a
//! kustomization; and the reference of the API into a file, `docs/api.md` by default.

mod reference;
mod schema;

use std::error::Error;
use std::path::PathBuf;

use entitlement_operator::api::crd;

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = std::env::args().skip(1);
    let folder = PathBuf::from(paths.next().unwrap_or_else(|| "crds".to_owned()));
    let document = PathBuf::from(paths.next().unwrap_or_else(|| "docs/api.md".to_owned()));
    std::fs::create_dir_all(&folder)?;
    for (name, text) in crd::files()? {
        std::fs::write(folder.join(name), text)?;
    }
    std::fs::write(document, reference::markdown(&crd::all()?))?;
    Ok(())
}
