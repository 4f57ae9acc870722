//! Prepares what Tauri compiles in: configuration, capabilities, icons and the pages in `ui/dist`.

use std::path::Path;

fn main() {
    // Said here, because the macro that embeds the pages says it less plainly.
    if !Path::new("ui/dist/index.html").exists() {
        println!("cargo::error=ui/dist is missing: build the pages first, with `scripts/ui build`");
        return;
    }
    let attributes = tauri_build::Attributes::new().capabilities_path_pattern("src-tauri/capabilities/**/*");
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
