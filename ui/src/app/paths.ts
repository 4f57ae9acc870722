/**
 * The shell opens a screen by its path (`/approvals`); the screens' own addresses stand behind `#`. Whichever way
 * a path comes, from the first address or from a step in the history, it is turned into the screen's address.
 */
export function adoptPaths(): void {
  adopt();
  // Before the router's listener, which then reads the address as it should be.
  window.addEventListener("popstate", adopt, { capture: true });
}

function adopt(): void {
  const [, screen] =
    /^\/(approvals|repairs|peers|groups|traffic|doctor|conversations|accounts|settings|guide)\/?$/.exec(
      window.location.pathname,
    ) ?? [];
  if (screen === undefined) return;
  window.history.replaceState(window.history.state, "", `/#/${screen}`);
}
