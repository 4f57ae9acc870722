import { useRead } from "@/domain/node/admin";

export function useUsers() {
  return useRead("users", {});
}

export function useRules() {
  return useRead("rules", {});
}
