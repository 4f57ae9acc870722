/** Reading from the node and telling it things: typed by the one list of commands. */
import { keepPreviousData, QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import {
  AdminError,
  type Command,
  type Platform,
  type RequestOf,
  type ResponseOf,
  UNREACHABLE,
} from "@/platform";
import { setClock } from "@/shared/clock";
import { t } from "@/text";
import { Live, type Reading } from "./live";

export interface Admin {
  platform: Platform;
  live: Live;
  call<C extends Command>(command: C, request: RequestOf<C>): Promise<ResponseOf<C>>;
  /** Reads anew what is shown of these; resolves when it is there. */
  refresh(...list: Reading[]): Promise<void>;
}

const AdminContext = createContext<Admin | null>(null);

/** What the node says once is true until an event says otherwise, so nothing grows stale by itself. */
export function makeQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Number.POSITIVE_INFINITY,
        gcTime: 10 * 60_000,
        retry: false,
        refetchOnWindowFocus: false,
        networkMode: "always",
      },
    },
  });
}

export function AdminProvider({ platform, children }: { platform: Platform; children: ReactNode }) {
  const queries = useMemo(makeQueries, []);
  const admin = useMemo<Admin>(() => {
    const live = new Live(platform, queries);
    return {
      platform,
      live,
      async call(command, request) {
        try {
          const answer = await platform.call(command, request);
          // Here, not where it is shown: what is kept of an answer is as old as the answer.
          if (command === "status") setClock((answer as ResponseOf<"status">).now);
          return answer;
        } catch (fault) {
          live.heard(fault);
          throw fault;
        }
      },
      refresh: (...list) => live.refresh(list),
    };
  }, [platform, queries]);
  useEffect(() => admin.live.open(), [admin]);
  return (
    <AdminContext.Provider value={admin}>
      <QueryClientProvider client={queries}>{children}</QueryClientProvider>
    </AdminContext.Provider>
  );
}

export function useAdmin(): Admin {
  const admin = useContext(AdminContext);
  if (admin === null) throw new Error("useAdmin is used outside of AdminProvider");
  return admin;
}

/** What the node answers to `command`, kept up to date by its events. */
export function useRead<C extends Command>(
  command: C,
  request: RequestOf<C>,
  options: { enabled?: boolean; every?: number; keep?: boolean } = {},
) {
  const admin = useAdmin();
  return useQuery<ResponseOf<C>, AdminError>({
    queryKey: [command, request],
    queryFn: () => admin.call(command, request),
    enabled: options.enabled ?? true,
    refetchInterval: options.every ?? false,
    ...(options.keep ? { placeholderData: keepPreviousData } : {}),
  });
}

/** Why it did not work, as a sentence. */
export function sentence(fault: unknown): string {
  if (!(fault instanceof AdminError)) return t.app.failed;
  if (fault.code === UNREACHABLE || fault.detail === "") return fault.detail || t.app.unreachable;
  const whole = asSentence(fault.detail);
  const lead = t.app.faults[fault.code];
  return lead === undefined ? whole : `${lead} ${whole}`;
}

/** A node's words as a sentence of their own. */
export function asSentence(words: string): string {
  const [first = "", ...rest] = words;
  const text = first.toUpperCase() + rest.join("");
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
