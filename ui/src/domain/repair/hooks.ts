import { useMemo } from "react";
import type { Repair } from "@/bindings/Repair";
import { sentence, useAdmin, useRead } from "@/domain/node/admin";
import { toast } from "@/shared/toast";
import { t } from "@/text";

/** `every`: milliseconds after which it is read again though nothing has changed, for when it was last looked. */
export function useRepairs(options: { every?: number } = {}) {
  return useRead("repairs", {}, options);
}

/** What the operator can do to something that is wrong, where it stands. */
export function useRepairActions() {
  const admin = useAdmin();
  return useMemo(() => {
    const set = async ({ id, text }: Repair, ignored: boolean) => {
      try {
        await admin.call(ignored ? "ignore-repair" : "unignore-repair", { id });
        const said = ignored ? t.repairs.ignored(text) : t.repairs.shown(text);
        toast(said, { undo: () => void set({ id, text } as Repair, !ignored) });
      } catch (fault) {
        toast(sentence(fault), { tone: "bad" });
      }
      void admin.refresh("repairs", "status");
    };
    const goOnHere = async () => {
      try {
        await admin.call("go-on-here", {});
        toast(t.repairs.goesOn);
      } catch (fault) {
        toast(sentence(fault), { tone: "bad" });
      }
      void admin.refresh("repairs", "status");
    };
    return {
      goOnHere: () => void goOnHere(),
      ignore: (repair: Repair) => void set(repair, true),
      unignore: (repair: Repair) => void set(repair, false),
    };
  }, [admin]);
}
