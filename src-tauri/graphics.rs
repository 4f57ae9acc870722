//! What WebKit needs of NVIDIA's driver: with Wayland, windows stay blank without it. Both read it from the environment as they
//! start, so the program is started once more with it, in its own place.

/// Starts the program once more where this computer needs it; returns where it does not, or where that cannot be done.
#[cfg(target_os = "linux")]
pub(crate) fn prepare() {
    use std::io::Write;
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::Command;

    let Some(name) = needed(Path::new("/sys"), |name| std::env::var_os(name)) else { return };
    let again = std::env::current_exe().map(|program| {
        let mut arguments = std::env::args_os();
        let mut command = Command::new(program);
        if let Some(own_name) = arguments.next() {
            command.arg0(own_name);
        }
        // It returns where it fails alone.
        command.args(arguments).env(name, "1").exec()
    });
    let (Ok(fault) | Err(fault)) = again;
    let _ = writeln!(std::io::stderr(), "drawbridge: the window may stay blank; set {name}=1: {fault}");
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare() {}

/// What has to be set to 1 on the computer that `sys` tells of, where nobody has chosen yet what `environment` has.
#[cfg(target_os = "linux")]
fn needed(
    sys: &std::path::Path,
    environment: impl Fn(&str) -> Option<std::ffi::OsString>,
) -> Option<&'static str> {
    /// The driver has the window's buffers waited for in the old way. Since this version it has another.
    const NO_EXPLICIT_SYNC: (&str, u32) = ("__NV_DISABLE_EXPLICIT_SYNC", 555);
    /// WebKit hands over its buffers in the old way, which is slower.
    const NO_DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

    let is_chosen = [NO_EXPLICIT_SYNC.0, NO_DMABUF].into_iter().any(|name| environment(name).is_some());
    let is_wayland = environment("WAYLAND_DISPLAY").is_some_and(|display| !display.is_empty())
        && environment("GDK_BACKEND").is_none_or(|backend| backend != "x11");
    if is_chosen || !is_wayland || !is_driven_by_nvidia(sys) {
        return None;
    }
    let version = std::fs::read_to_string(sys.join("module/nvidia/version")).unwrap_or_default();
    let major = version.split('.').next().and_then(|major| major.trim().parse::<u32>().ok());
    let is_new = major.is_some_and(|major| major >= NO_EXPLICIT_SYNC.1);
    Some(if is_new { NO_EXPLICIT_SYNC.0 } else { NO_DMABUF })
}

/// Whether a graphics card has NVIDIA's own driver; nouveau is another.
#[cfg(target_os = "linux")]
fn is_driven_by_nvidia(sys: &std::path::Path) -> bool {
    let Ok(cards) = std::fs::read_dir(sys.join("class/drm")) else { return false };
    cards.flatten().any(|card| {
        let driver = std::fs::read_link(card.path().join("device/driver"));
        driver.is_ok_and(|driver| driver.file_name().is_some_and(|name| name == "nvidia"))
    })
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    /// What the system tells of a computer with a card of `driver`, whose module has `version`.
    fn computer(driver: &str, version: Option<&str>) -> tempfile::TempDir {
        let sys = tempfile::tempdir().unwrap();
        let device = sys.path().join("class/drm/card1/device");
        fs::create_dir_all(&device).unwrap();
        fs::create_dir_all(sys.path().join("class/drm/version")).unwrap();
        symlink(format!("../../../../bus/pci/drivers/{driver}"), device.join("driver")).unwrap();
        if let Some(version) = version {
            let module = sys.path().join("module").join(driver);
            fs::create_dir_all(&module).unwrap();
            fs::write(module.join("version"), format!("{version}\n")).unwrap();
        }
        sys
    }

    fn needed_with(sys: &Path, environment: &[(&str, &str)]) -> Option<&'static str> {
        needed(sys, |name| environment.iter().find(|(own, _)| *own == name).map(|(_, value)| value.into()))
    }

    const WAYLAND: (&str, &str) = ("WAYLAND_DISPLAY", "wayland-0");

    #[test]
    fn something_is_needed_with_the_driver_of_nvidia_and_wayland_alone() {
        let new = computer("nvidia", Some("580.95.05"));
        assert_eq!(needed_with(new.path(), &[WAYLAND]), Some("__NV_DISABLE_EXPLICIT_SYNC"));
        for old in [computer("nvidia", Some("550.67")), computer("nvidia", None)] {
            assert_eq!(needed_with(old.path(), &[WAYLAND]), Some("WEBKIT_DISABLE_DMABUF_RENDERER"));
        }
        for other in [computer("nouveau", None), computer("i915", None), tempfile::tempdir().unwrap()] {
            assert_eq!(needed_with(other.path(), &[WAYLAND]), None);
        }
        for x11 in [&[][..], &[("WAYLAND_DISPLAY", "")], &[WAYLAND, ("GDK_BACKEND", "x11")]] {
            assert_eq!(needed_with(new.path(), x11), None, "{x11:?}");
        }
    }

    #[test]
    fn what_somebody_has_chosen_stays_and_the_program_is_started_again_once() {
        let new = computer("nvidia", Some("580.95.05"));
        for chosen in ["__NV_DISABLE_EXPLICIT_SYNC", "WEBKIT_DISABLE_DMABUF_RENDERER"] {
            for value in ["0", "1"] {
                assert_eq!(needed_with(new.path(), &[WAYLAND, (chosen, value)]), None);
            }
        }
    }
}
