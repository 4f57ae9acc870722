/**
 * The shell opens a screen by its path (`/approvals`); the screens' own addresses stand behind `#`. Whichever way
 * a path comes, from the first address or from a step in the history, it is turned into the screen's address.
 * An address such as `#/of/{machine}/approvals` is of the provider on that machine, or of this computer's own (`here`).
 */
import { asked } from "@/domain/machine/asked";

export function adoptPaths(): void {
  adopt();
  // Before the router's listener, which then reads the address as it should be.
  window.addEventListener("popstate", adopt, { capture: true });
}

function adopt(): void {
  const [, machine, rest] = /^#\/of\/([\w-]+)(\/.*)$/.exec(window.location.hash) ?? [];
  if (machine !== undefined) {
    window.history.replaceState(window.history.state, "", `#${rest}`);
    asked.set({ machine: machine === "here" ? null : machine });
    return;
  }
  const [, screen] =
    /^\/(approvals|repairs|peers|groups|traffic|doctor|conversations|accounts|settings|guide)\/?$/.exec(
      window.location.pathname,
    ) ?? [];
  if (screen === undefined) return;
  window.history.replaceState(window.history.state, "", `/#/${screen}`);
}
