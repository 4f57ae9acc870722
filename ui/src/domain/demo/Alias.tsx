/** In the demo, providers are called by address and port; their names from the demo's bar stand beside. */
import { createContext, type ReactNode, useContext, useMemo } from "react";
import { useDemo } from "./hooks";

const AliasContext = createContext<ReadonlyMap<string, string>>(new Map());

export function AliasProvider({ children }: { children: ReactNode }) {
  const nodes = useDemo()?.nodes;
  const aliases = useMemo(() => new Map(nodes?.map((node) => [node.provider, node.name])), [nodes]);
  return <AliasContext.Provider value={aliases}>{children}</AliasContext.Provider>;
}

export function Alias({ provider }: { provider: string | null }) {
  const alias = useContext(AliasContext).get(provider ?? "");
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
