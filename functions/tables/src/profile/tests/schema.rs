//! The shape of `profile.json` is the one that is committed.

use crate::profile::report::Table;
use std::{fs, path::Path};

#[test]
fn the_schema_is_as_committed() {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<Table>();
    let made = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/profile.schema.json");
    let committed = fs::read_to_string(&path).unwrap_or_default();
    if made != committed {
        let beside = path.with_extension("json.new");
        fs::write(&beside, made).unwrap();
        panic!(
            "docs/profile.schema.json is not what the types say; {} is",
            beside.display()
        );
    }
}
