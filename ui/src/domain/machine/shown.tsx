/** Which provider is shown: in the window this computer's own or one on another machine, in a browser the one that served the page. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import type { Machine } from "@/bindings/Machine";
import type { Machines } from "@/bindings/Machines";
import { deleting } from "@/domain/conversation/actions";
import { sentence } from "@/domain/node/admin";
import type { Elsewhere, Platform } from "@/platform";
import { useStore } from "@/shared/store";
import { concludeAll, toast } from "@/shared/toast";
import { asked } from "./asked";

/** The providers that the window can show. */
export interface Shown {
  elsewhere: Elsewhere;
  list: Machines;
  /** The other machine that is shown; null where that is this computer's own provider. */
  machine: Machine | null;
  /** The platform of this computer's own provider. */
  here: Platform;
  /** Shows the provider on that machine; this computer's own without one. */
  show(id: string | null): void;
}

const ShownContext = createContext<Shown | null>(null);

/** Null in a browser, which shows one provider. */
export const useShown = () => useContext(ShownContext);

/** Hands the platform of the provider that is shown to `children`. */
export function ShownProvider({
  platform,
  children,
}: {
  platform: Platform;
  children: (platform: Platform) => ReactNode;
}) {
  if (platform.elsewhere === null) return children(platform);
  return (
    <OneOfSeveral here={platform} elsewhere={platform.elsewhere}>
      {children}
    </OneOfSeveral>
  );
}

function OneOfSeveral({
  here,
  elsewhere,
  children,
}: {
  here: Platform;
  elsewhere: Elsewhere;
  children: (platform: Platform) => ReactNode;
}) {
  const [list, setList] = useState<Machines | null>(null);
  // What was chosen here counts at once; what the shell keeps follows.
  const [chosen, setChosen] = useState<string | null | undefined>(() => asked.read()?.machine);
  useEffect(() => elsewhere.follow(setList), [elsewhere]);
  const id = chosen === undefined ? (list?.shown ?? null) : chosen;
  const machine = list?.machines.find((each) => each.id === id) ?? null;
  const origin = machine?.origin ?? "";
  const platform = useMemo(
    () => (machine?.id === undefined ? here : elsewhere.at(machine.id, origin)),
    [here, elsewhere, machine?.id, origin],
  );
  const show = useRef((_: string | null) => {});
  show.current = (next) => {
    if (next === (machine?.id ?? null)) return;
    // What waits for its undo to lapse is done at the one before, as long as that can be asked.
    concludeAll();
    deleting.set(new Set());
    setChosen(next);
    elsewhere.show(next).catch((fault) => toast(sentence(fault), { tone: "bad" }));
  };
  const wanted = useStore(asked);
  useEffect(() => {
    if (wanted === null) return;
    asked.set(null);
    show.current(wanted.machine);
  }, [wanted]);
  const shown = useMemo<Shown | null>(
    () => list && { elsewhere, list, machine, here, show: (next) => show.current(next) },
    [elsewhere, list, machine, here],
  );
  // Until the shell has told which one it is, which it does at once.
  if (shown === null) return null;
  return <ShownContext.Provider value={shown}>{children(platform)}</ShownContext.Provider>;
}
