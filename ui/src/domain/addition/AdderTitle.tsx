import type { Authorization } from "@/bindings/Authorization";
import { nameOf } from "@/domain/node/identifiers";
import { nameText } from "@/shared/text";
import { t } from "@/text";

/** What the adder calls the group, as the adder's words: nothing proves them. */
export function AdderTitle({ addition }: { addition: Authorization }) {
  const { title, adder, group_name } = addition;
  const called = nameText(title ?? "");
  if (called === "" || title === group_name) return null;
  return (
    <span className="text-muted" title={t.approvals.calledHint}>
      {t.approvals.calledBy(nameOf(adder))} “<bdi className="text-ink">{called}</bdi>”
    </span>
  );
}
