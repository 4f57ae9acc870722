//! `package-files`: what a package has beside the program and is made from its command line, so that it says the same.

use std::fs::create_dir_all;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap_complete::Shell;

use crate::print::say;

const NAME: &str = "drawbridged";

/// Writes the manual pages of `command` into `man` in `folder`, and what completes it in bash, zsh and fish into `completions`.
pub(crate) fn write(command: clap::Command, folder: &Path) -> ExitCode {
    match try_write(command, folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => say(&format!("{} cannot be written: {fault}", folder.display()), 1),
    }
}

fn try_write(mut command: clap::Command, folder: &Path) -> io::Result<()> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    create_dir_all(&man)?;
    create_dir_all(&completions)?;
    clap_mangen::generate_to(command.clone(), man)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, NAME, &completions)?;
    }
    Ok(())
}
