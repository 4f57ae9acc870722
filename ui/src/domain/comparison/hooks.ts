import { useMemo } from "react";
import { type Admin, sentence, useAdmin } from "@/domain/node/admin";
import { groupOf } from "@/domain/node/identifiers";
import { copyText } from "@/shared/hooks";
import { useStore } from "@/shared/store";
import { toast } from "@/shared/toast";
import { t } from "@/text";
import { type Comparing, Comparisons } from "./comparisons";

const comparisonsOf = new WeakMap<Admin, Comparisons>();

/** The comparison of that group's log, and what begins one. */
export function useComparison(group: string): Comparing & { begin: () => void } {
  const admin = useAdmin();
  const comparisons = comparisonsOf.get(admin) ?? new Comparisons(admin);
  comparisonsOf.set(admin, comparisons);
  const comparing = Comparisons.of(useStore(comparisons.all), group);
  return { ...comparing, begin: () => void comparisons.begin(group) };
}

/** Hands the person the evidence of a group as a file; where no file can be handed over, it is copied. */
export function useExportEvidence(group: string): () => Promise<void> {
  const admin = useAdmin();
  return useMemo(
    () => async () => {
      try {
        const text = JSON.stringify(await admin.call("evidence", { group }), null, 2);
        const { save } = admin.platform;
        if (save !== null) save(`drawbridge-evidence-${groupOf(group)?.name ?? "group"}.json`, text);
        else await copyText(text).then(() => toast(t.comparison.copied));
      } catch (fault) {
        toast(sentence(fault));
      }
    },
    [admin, group],
  );
}
