/** Where the doctor's reports stand: what is looked at is said in the address. */
import type { Subject } from "./looks";

/** `?provider=a.example`, `?self=1`, or `?self=1&by=b.example` where that peer looks. */
export interface DoctorPlace {
  provider?: string | undefined;
  self?: 1 | undefined;
  by?: string | undefined;
}

/** What is looked at there, at the node of `us`. A peer that is this provider itself, as in the demo, is none. */
export function subjectOf({ provider, self, by }: DoctorPlace, us: string): Subject | null {
  if (self !== undefined)
    return by === undefined || by === us ? { kind: "own" } : { kind: "look-back", peer: by };
  return provider === undefined ? null : { kind: "provider", typed: provider };
}

export function placeOf(subject: Subject): DoctorPlace {
  switch (subject.kind) {
    case "provider":
      return { provider: subject.typed };
    case "own":
      return { self: 1 };
    case "look-back":
      return { self: 1, by: subject.peer };
  }
}
