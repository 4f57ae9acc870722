import type { Authorization } from "@/bindings/Authorization";
import { GroupName } from "@/domain/group/GroupName";
import { PersonName } from "@/domain/node/PersonName";
import { t } from "@/text";
import { AdderTitle } from "./AdderTitle";

/** Who wants to add whom to which group. */
export function AdditionWords({ addition, us }: { addition: Authorization; us: string }) {
  return (
    <>
      <PersonName uri={addition.adder} us={us} />
      <span className="text-muted">{t.approvals.wantsToAdd}</span>
      <PersonName uri={addition.user} us={us} />
      <span className="text-muted">{t.approvals.toGroup}</span>
      <GroupName uri={addition.group} name={addition.group_name} />
      <AdderTitle addition={addition} />
    </>
  );
}
