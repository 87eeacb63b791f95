//! Writes the CustomResourceDefinitions into a folder, `crds` by default: one file per kind and a kustomization.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "crds".to_owned()));
    std::fs::create_dir_all(&folder)?;
    for (name, text) in entitlement_operator::api::crd::files()? {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
