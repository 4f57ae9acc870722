import type { LostBranch as Branch } from "@/bindings/LostBranch";
import { InspectorPart } from "@/shared/layout";
import { Ago } from "@/shared/values";
import { t } from "@/text";
import { Events } from "./Events";

/** Events that were numbered after a store had gone back, and do not count: kept to be looked at. */
export function LostBranch({ branch }: { branch: Branch }) {
  return (
    <InspectorPart title={t.groups.branch(branch.first, branch.last)}>
      <p className="text-muted">
        {t.groups.branchHint} {t.groups.branchBegun} <Ago at={branch.begun} />, {t.groups.branchFound}{" "}
        <Ago at={branch.at} />.
      </p>
      <Events group={null} events={branch.events} />
    </InspectorPart>
  );
}
