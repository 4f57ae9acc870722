import type { NodeStatus } from "@/bindings/NodeStatus";
import { useStore } from "@/shared/store";
import { useAdmin, useRead } from "./admin";

/** Counts such as pulls per minute change without an event of their own. */
const STATUS_EVERY_MS = 10_000;

export function useStatus() {
  return useRead("status", {}, { every: STATUS_EVERY_MS });
}

/** The running node; only below the frame, which is there only while there is one. */
export function useNode(): NodeStatus | null {
  return useStatus().data?.node ?? null;
}

export function useLink() {
  return useStore(useAdmin().live.link);
}
