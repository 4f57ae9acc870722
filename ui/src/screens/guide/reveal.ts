/** Brings the part with that heading into sight, and the keyboard there. */
export function reveal(id: string): void {
  const heading = document.getElementById(id);
  heading?.scrollIntoView({ block: "start" });
  heading?.focus({ preventScroll: true });
}
