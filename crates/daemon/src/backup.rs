//! `backup` and `restore`: everything that the provider is in one file, and put back. The running node makes the backup, which
//! knows of a keychain; where none runs, it is made here.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use drawbridge_admin::request::BackupMade;
use drawbridge_node::ambient::System;
use drawbridge_node::backup::{
    self, BackupOrder, Opener, Passphrase, Recipient, RestoreFault, Restored, Seal, back_up_beside,
};
use drawbridge_node::config::Config;
use drawbridge_node::identity::{DataFolder, FolderFault};
use serde_json::json;

use crate::ask::carry_out_at_running;
use crate::print::{answer, say};

/// The backup that is wanted.
#[derive(clap::Args)]
pub(crate) struct Wanted {
    /// The file to write, which is not there yet [default: one in the folder for backups]
    file: Option<PathBuf>,
    /// Seal it with a passphrase, which is asked for.
    #[arg(long, group = "seal")]
    passphrase: bool,
    /// Seal it with the passphrase in this file; - is the standard input.
    #[arg(long, value_name = "FILE", group = "seal")]
    passphrase_file: Option<PathBuf>,
    /// Seal it for this public key of age [default: as configured]
    #[arg(long, value_name = "AGE1…", group = "seal")]
    recipient: Option<Recipient>,
    /// Leave out the keys of the provider, of its certificate and of its built-in clients.
    #[arg(long)]
    without_keys: bool,
}

/// The backup that is put back.
#[derive(clap::Args)]
pub(crate) struct Source {
    /// The backup.
    file: PathBuf,
    /// It is opened with the passphrase in this file; - is the standard input. Without this, it is asked for where it is needed.
    #[arg(long, value_name = "FILE", group = "opener")]
    passphrase_file: Option<PathBuf>,
    /// It is opened with the key of age in this file.
    #[arg(long, value_name = "FILE", group = "opener")]
    identity: Option<PathBuf>,
    /// Only look whether it is whole, and say what it holds; nothing is written.
    #[arg(long)]
    check: bool,
}

/// Makes a backup of the node that runs in `folder`, or else of that of the file `config`.
pub(crate) async fn backup(folder: &Path, config: &Path, wanted: Wanted) -> ExitCode {
    let passphrase = match passphrase_of(&wanted) {
        Ok(passphrase) => passphrase,
        Err(code) => return code,
    };
    // The node may have been started in another folder.
    let file = wanted.file.map(|file| std::path::absolute(&file).unwrap_or(file));
    let keys = wanted.without_keys.then_some(false);
    let request = json!({
        "file": file,
        "passphrase": passphrase,
        "recipient": wanted.recipient,
        "keys": keys,
    });
    let request = request.as_object().map(|fields| {
        fields.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone()))
    });
    let request = serde_json::Value::Object(request.into_iter().flatten().collect());
    let made = match carry_out_at_running(folder, "back-up", &request).await {
        Some(made) => made.and_then(|made| serde_json::from_value(made).map_err(|fault| fault.to_string())),
        None => {
            #[cfg(unix)]
            if let Some(owner) = DataFolder::user_beside_root(folder) {
                return as_owner(owner, config, file, passphrase, wanted.recipient.as_ref(), keys);
            }
            by_ourselves(config, file, passphrase, wanted.recipient, keys)
        }
    };
    match made {
        Ok(made) => tell(&made).map_or_else(|code| code, |()| ExitCode::SUCCESS),
        Err(fault) => say(&fault, 1),
    }
}

/// Makes the backup as the user and group `owner`, whom the data folder belongs to: root would follow what that user has put there to
/// files that are none of its business, and what root makes there the service could not use.
#[cfg(unix)]
fn as_owner(
    (user, group): (u32, u32),
    config: &Path,
    file: Option<PathBuf>,
    passphrase: Option<String>,
    recipient: Option<&Recipient>,
    keys: Option<bool>,
) -> ExitCode {
    use std::io::Write;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    // The system knows by itself where that is, also where the user cannot look into the folders above it.
    let ourselves = Path::new("/proc/self/exe");
    let found = if ourselves.exists() { Ok(ourselves.to_owned()) } else { std::env::current_exe() };
    let made = found.and_then(|program| {
        let mut command = Command::new(program);
        command.arg("backup").arg("--config").arg(std::path::absolute(config)?);
        command.args(passphrase.is_some().then_some(["--passphrase-file", "-"]).into_iter().flatten());
        command.args(recipient.map(|recipient| format!("--recipient={recipient}")));
        command.args((keys == Some(false)).then_some("--without-keys")).args(file);
        let mut making = command.uid(user).gid(group).stdin(Stdio::piped()).spawn()?;
        if let (Some(mut told), Some(passphrase)) = (making.stdin.take(), passphrase) {
            writeln!(told, "{passphrase}")?;
        }
        making.wait()
    });
    match made {
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(fault) => say(&format!("the backup cannot be made as the user number {user}: {fault}"), 1),
    }
}

fn by_ourselves(
    config: &Path,
    file: Option<PathBuf>,
    passphrase: Option<String>,
    recipient: Option<Recipient>,
    keys: Option<bool>,
) -> Result<BackupMade, String> {
    let config = Config::load(config).map_err(|fault| fault.to_string())?;
    match DataFolder::check(&config.data_dir, &config.provider) {
        // It runs without its pages.
        Ok(()) | Err(FolderFault::Held(_)) => {}
        Err(fault) => return Err(fault.to_string()),
    }
    let mut order = BackupOrder::configured(&config);
    order.file = file;
    order.keys = keys.unwrap_or(order.keys);
    let passphrase = passphrase.and_then(Passphrase::new).map(Seal::Passphrase);
    order.seal = passphrase.or(recipient.map(Seal::Recipient)).or(order.seal);
    let made = back_up_beside(&config, order, &System).map_err(|fault| fault.to_string())?;
    Ok(made.into())
}

fn tell(made: &BackupMade) -> Result<(), ExitCode> {
    answer(format_args!("{} ({} bytes)", made.file, made.bytes))?;
    if made.lacks_clients_key {
        answer(
            "The key of the conversations is in this computer's keychain and not in the backup: make it while the desktop app \
             runs, or the conversations in it cannot be read elsewhere.",
        )?;
    }
    match (made.keys, made.sealed) {
        (true, true) => Ok(()),
        (true, false) => answer(
            "Whoever has this file can speak as your provider and read the conversations kept here: keep it safe.",
        ),
        (false, _) => answer(
            "It has no keys: to restore it, you need identity.key and clients.key of the data folder too.",
        ),
    }
}

/// Puts back a backup for the configuration `config`, or looks at it alone.
pub(crate) fn restore(config: &Path, from: Source) -> ExitCode {
    let opener = match opener_of(&from) {
        Ok(opener) => opener,
        Err(code) => return code,
    };
    if from.check {
        return match opened(opener, |opener| backup::look(&from.file, opener)) {
            Ok(manifest) => {
                let keys = if manifest.keys { "with" } else { "without" };
                let text = format!(
                    "{} is whole: a backup of {} of {}, {keys} its keys, made by Drawbridge {}",
                    from.file.display(),
                    manifest.provider,
                    manifest.made,
                    manifest.version
                );
                answer(text).map_or_else(|code| code, |()| ExitCode::SUCCESS)
            }
            Err(code) => code,
        };
    }
    match opened(opener, |opener| backup::restore(&from.file, opener, config)) {
        Ok(restored) => tell_restored(&restored, config).map_or_else(|code| code, |()| ExitCode::SUCCESS),
        Err(code) => code,
    }
}

fn tell_restored(restored: &Restored, config: &Path) -> Result<(), ExitCode> {
    let Restored { manifest, data_dir, has_config } = restored;
    answer(format_args!(
        "{} is as it was on {}, in {}",
        manifest.provider,
        manifest.made,
        data_dir.display()
    ))?;
    if *has_config {
        answer(format_args!(
            "Its configuration is in {}: see that the addresses and files in it are right on this computer.",
            config.display()
        ))?;
    }
    if !manifest.keys {
        answer(
            "The backup has no keys: put identity.key, and clients.key where accounts are used on this computer, into that folder before the start.",
        )?;
    }
    answer("Start it only where the provider that the backup was made of does not run any more.")
}

/// Does `work` with what was given to open the backup; where it turns out to need a passphrase and a person is there, that one is
/// asked.
fn opened<T>(
    opener: Option<Opener>,
    mut work: impl FnMut(Option<&Opener>) -> Result<T, RestoreFault>,
) -> Result<T, ExitCode> {
    let done = match work(opener.as_ref()) {
        Err(RestoreFault::NeedsPassphrase(_))
            if opener.is_none() && io::IsTerminal::is_terminal(&io::stdin()) =>
        {
            let text = ask("Passphrase: ")?;
            work(Passphrase::new(text).map(Opener::Passphrase).as_ref())
        }
        done => done,
    };
    done.map_err(|fault| say(&fault.to_string(), 1))
}

fn opener_of(from: &Source) -> Result<Option<Opener>, ExitCode> {
    match (&from.passphrase_file, &from.identity) {
        (Some(file), _) => Ok(Passphrase::new(read_passphrase(file)?).map(Opener::Passphrase)),
        (None, Some(file)) => {
            Opener::read_identities(file).map(Some).map_err(|fault| say(&fault.to_string(), 2))
        }
        (None, None) => Ok(None),
    }
}

fn passphrase_of(wanted: &Wanted) -> Result<Option<String>, ExitCode> {
    if let Some(file) = &wanted.passphrase_file {
        return read_passphrase(file).map(Some);
    }
    if !wanted.passphrase {
        return Ok(None);
    }
    let text = ask("Passphrase: ")?;
    if text.is_empty() {
        return Err(say("the passphrase is empty", 2));
    }
    if ask("The same again: ")? != text {
        return Err(say("the two passphrases are not the same, so nothing was done", 2));
    }
    Ok(Some(text))
}

fn ask(prompt: &str) -> Result<String, ExitCode> {
    rpassword::prompt_password(prompt)
        .map_err(|fault| say(&format!("no passphrase can be asked for: {fault}"), 2))
}

/// The first line of the file, or of the standard input.
fn read_passphrase(file: &Path) -> Result<String, ExitCode> {
    let text = if file == Path::new("-") {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    } else {
        std::fs::read_to_string(file)
    };
    let text = text
        .map_err(|fault| say(&format!("the passphrase in {} cannot be read: {fault}", file.display()), 2))?;
    match text.lines().next().unwrap_or_default() {
        "" => Err(say(&format!("there is no passphrase in the first line of {}", file.display()), 2)),
        first => Ok(first.to_owned()),
    }
}
