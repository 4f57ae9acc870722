//! `proxy-config`: what the configuration of a proxy before the provider has to say.

use std::path::Path;
use std::process::ExitCode;

use drawbridge_admin::proxy_config;
use drawbridge_admin::view::ProxyProgram;
use drawbridge_node::config::Config;

use crate::print::{answer, say};

/// Prints the configuration of `program` before the provider whose configuration is `config`, with whether the operator has
/// named it.
pub(crate) fn print((config, is_named): (&Path, bool), program: ProxyProgram) -> ExitCode {
    let config = match Config::load(config) {
        Ok(config) => config,
        Err(fault) => {
            let hint =
                if is_named { "" } else { "; name that of a node that is started with serve by --config" };
            return say(&format!("{fault}{hint}"), 2);
        }
    };
    let text = proxy_config(program, &config).text;
    answer(text.trim_end()).map_or_else(|code| code, |()| ExitCode::SUCCESS)
}
