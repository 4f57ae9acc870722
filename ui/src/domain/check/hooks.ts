import { useLocation, useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { type Admin, useAdmin } from "@/domain/node/admin";
import { useStatus } from "@/domain/node/hooks";
import { useStore } from "@/shared/store";
import { type Look, Looks, type Remembered, type Subject } from "./looks";
import { type DoctorPlace, subjectOf } from "./place";

declare module "@tanstack/react-router" {
  interface HistoryState {
    /** Whose report this place showed: read again after a reload, while a link to it begins a look. */
    look?: Remembered;
  }
}

const looksOf = new WeakMap<Admin, Looks>();

function useLooks(): Looks {
  const admin = useAdmin();
  const looks = looksOf.get(admin) ?? new Looks(admin);
  looksOf.set(admin, looks);
  return looks;
}

/** The look at what stands in the address; it begins by itself. None where nothing stands there. */
export function useLook({ provider, self, by: peer }: DoctorPlace): {
  look: Look | undefined;
  by: string;
  begin: (subject: Subject) => void;
} {
  const looks = useLooks();
  const by = useStatus().data?.node?.provider ?? "";
  const all = useStore(looks.all);
  const subject = useMemo(() => subjectOf({ provider, self, by: peer }, by), [provider, self, peer, by]);
  const look = subject === null ? undefined : Looks.latest(all, by, subject);
  const remembered = useLocation({ select: ({ state }) => state.look });
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is remembered is of use only on coming here.
  useEffect(() => {
    if (subject !== null && by !== "") looks.open(by, subject, remembered);
  }, [looks, by, subject]);
  useRemember(look, remembered);
  return { look, by, begin: (wanted) => looks.begin(by, wanted) };
}

function useRemember(look: Look | undefined, remembered: Remembered | undefined): void {
  const navigate = useNavigate();
  const { by, id = null } = look ?? {};
  // The first step tells when it began; a peer's look has none for a minute, and is not asked for twice meanwhile.
  const began = look?.report?.began ?? (look?.subject.kind === "look-back" ? null : undefined);
  useEffect(() => {
    if (by === undefined || id === null || began === undefined) return;
    if (remembered?.by === by && remembered.id === id && remembered.began === began) return;
    const state = (before: object) => ({ ...before, look: { by, id, began } });
    void navigate({ to: ".", search: true as never, state, replace: true, resetScroll: false });
  }, [navigate, by, id, began, remembered]);
}
