/** What a screen has open, chosen or filtered stands in the address: it outlives a reload, and a link leads to it. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

/** Browsers refuse an address that changes with every key; what was typed is written once it rests. */
const REST_MS = 250;

/** The named parts of the address, each empty where it is not there, and how to change some of them. */
export function useAddress<K extends string>(
  ...keys: readonly K[]
): [Readonly<Record<K, string>>, (part: Partial<Record<K, string>>) => void] {
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const navigate = useNavigate();
  const inAddress = JSON.stringify(
    Object.fromEntries(keys.map((key) => [key, typeof search[key] === "string" ? search[key] : ""])),
  );
  const [shown, setShown] = useState(inAddress);
  const written = useRef(inAddress);
  // Another address came from elsewhere: a link, a command, a step in the history.
  useEffect(() => {
    if (inAddress === written.current) return;
    written.current = inAddress;
    setShown(inAddress);
  }, [inAddress]);
  useEffect(() => {
    if (shown === written.current) return;
    const timer = window.setTimeout(() => {
      written.current = shown;
      const parts = Object.entries(JSON.parse(shown) as Record<string, string>);
      const next = Object.fromEntries(parts.map(([key, value]) => [key, value === "" ? undefined : value]));
      const change = (before: Record<string, unknown>) => ({ ...before, ...next });
      void navigate({ to: ".", search: change as never, replace: true });
    }, REST_MS);
    return () => window.clearTimeout(timer);
  }, [shown, navigate]);
  const change = useCallback(
    (part: Partial<Record<K, string>>) =>
      setShown((before) => JSON.stringify({ ...(JSON.parse(before) as Record<K, string>), ...part })),
    [],
  );
  return [useMemo(() => JSON.parse(shown) as Record<K, string>, [shown]), change];
}

/** Whether a screen's dialog is asked for in its address, and how to open and close it. */
export function useDialogPlace(name: string): [boolean, (open: boolean) => void] {
  const search = useSearch({ strict: false }) as { do?: string };
  const navigate = useNavigate();
  const set = (open: boolean) => {
    const change = (before: Record<string, unknown>) => ({ ...before, do: open ? name : undefined });
    void navigate({ to: ".", search: change as never, replace: true });
  };
  return [search.do === name, set];
}
