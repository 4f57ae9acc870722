//! What may be wrong with this node itself, by a code each.

use crate::words::words;

words! {
    /// What may be wrong with this node, its groups and its clients. What to do about each is in `ui/src/text/en/trouble.ts`.
    OwnFault {
        /// There is no room on the disk.
        DiskFull = "disk-full",
        /// There is little room on the disk.
        DiskLow = "disk-low",
        /// The store's file is damaged.
        StoreDamaged = "store-damaged",
        /// The store cannot be written for another reason.
        StoreUnwritable = "store-unwritable",
        /// A certificate has ended.
        CertificateExpired = "certificate-expired",
        /// A certificate has not begun.
        CertificateNotYetValid = "certificate-not-yet-valid",
        /// A certificate is for another name.
        CertificateWrongName = "certificate-wrong-name",
        /// A certificate ends within two weeks.
        CertificateEndsSoon = "certificate-ends-soon",
        /// A renewed certificate could not be taken.
        CertificateRefused = "certificate-refused",
        /// A certificate is signed by itself, and nobody has come by it.
        CertificateSelfSigned = "certificate-self-signed",
        /// The ACME directory cannot be reached.
        AcmeUnreachable = "acme-unreachable",
        /// It has not found the answer to its challenge.
        AcmeChallenge = "acme-challenge",
        /// It was asked too often.
        AcmeRateLimited = "acme-rate-limited",
        /// It gives no certificate for another reason.
        AcmeRefused = "acme-refused",
        /// The address for its requests cannot be listened on.
        AcmePort = "acme-port",
        /// The operator's command has failed.
        AcmeCommand = "acme-command",
        /// What was got cannot be kept.
        AcmeUnkept = "acme-unkept",
        /// Our name leads to no address.
        NameUnresolved = "name-unresolved",
        /// Our name leads only to private addresses.
        NamePrivate = "name-private",
        /// Nothing listens at the port that our name leads to.
        PortClosed = "port-closed",
        /// This computer's network has no router.
        RouterMissing = "router-missing",
        /// The router answers to nothing by which a port is opened.
        RouterSilent = "router-silent",
        /// The router does not open the port.
        RouterRefuses = "router-refuses",
        /// The router leads the port to another computer.
        RouterPortTaken = "router-port-taken",
        /// The router's own address is shared with others.
        RouterAddressShared = "router-address-shared",
        /// Our name leads elsewhere than to the router.
        RouterAddressOther = "router-address-other",
        /// The operator's command for a changed address fails.
        AddressHookFailed = "address-hook-failed",
        /// Our clock shows a time from before the program was built.
        ClockBeforeBuild = "clock-before-build",
        /// Most peers say that our clock is wrong.
        Clock = "own-clock",
        /// Another copy of the data folder runs.
        RunsTwice = "runs-twice",
        /// No peer can be reached, for reasons that are here.
        Network = "own-network",
        /// No backup is made, though it is time.
        BackupFailed = "backup-failed",
        /// Requests cannot be written to the traffic record.
        TrafficNotKept = "traffic-not-kept",
        /// A target of notifications cannot be reached.
        NotifyFailed = "notify-failed",
        /// A group's log cannot be believed.
        LogBroken = "log-broken",
        /// A client has no fresh KeyPackage left.
        KeyPackagesSpent = "key-packages-spent",
        /// A client has few fresh KeyPackages left.
        KeyPackagesLow = "key-packages-low",
    }
}
