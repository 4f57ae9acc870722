import { Store, useStore } from "@/shared/store";

const said = new Store("");

/** Has a screen reader say something that appears on the screen by itself. */
export function announce(text: string): void {
  // The same sentence twice would not be read twice.
  said.set(said.read() === text ? `${text}\u00a0` : text);
}

export function Announcer() {
  return (
    <p className="sr-only" aria-live="polite">
      {useStore(said)}
    </p>
  );
}
