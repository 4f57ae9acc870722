/** In the demo, providers are called by address and port; their names from the demo's bar stand beside. */
import { useEffect } from "react";
import { Store, useStore } from "@/shared/store";
import { t } from "@/text";
import { useDemo } from "./hooks";

const aliases = new Store<ReadonlyMap<string, string>>(new Map());

/** Keeps the names as the demo has them; there are none outside it. */
export function useAliases(): void {
  const nodes = useDemo()?.nodes;
  useEffect(() => aliases.set(new Map(nodes?.map((node) => [node.provider, node.name]))), [nodes]);
}

export function Alias({ provider }: { provider: string | null }) {
  const alias = useStore(aliases).get(provider ?? "");
  if (alias === undefined) return null;
  return (
    <>
      {" "}
      <span className="inline-block rounded-sm border border-line-strong px-1 align-[0.05em] text-xs font-medium whitespace-nowrap text-muted">
        {alias}
      </span>
    </>
  );
}

/** A provider within a sentence. */
export function called(provider: string): string {
  const alias = aliases.read().get(provider);
  return alias === undefined ? provider : t.demo.called(provider, alias);
}

/** The same for a sentence that stays on the screen. */
export function useCalled(): typeof called {
  useStore(aliases);
  return called;
}
