import type { AddRule } from "@/bindings/AddRule";
import type { User } from "@/bindings/User";
import { sentence, useAdmin } from "@/domain/node/admin";
import { useNode } from "@/domain/node/hooks";
import { nameOf } from "@/domain/node/identifiers";
import { PersonName } from "@/domain/node/PersonName";
import { Select } from "@/shared/form";
import { toast } from "@/shared/toast";
import { t } from "@/text";

const RULES = ["ask", "allow", "never"] as const satisfies readonly AddRule[];

/** Whom a person here is connected with, and what each may do about adding them to groups. */
export function Contacts({ user }: { user: User }) {
  const admin = useAdmin();
  const us = useNode()?.provider;
  const change = async (other: string, rule: AddRule) => {
    try {
      await admin.call("set-add-rule", { user: user.name, other, rule });
      toast(t.settings.saved);
    } catch (fault) {
      toast(sentence(fault), { tone: "bad" });
    }
    void admin.refresh("users");
  };
  return (
    <div className="border-t border-line px-3 py-1.5">
      <h3 className="text-sm font-semibold text-muted" title={t.accounts.contactsHint}>
        {t.accounts.contacts}
      </h3>
      {user.contacts.length === 0 ? (
        <p className="text-muted">{t.accounts.contactsEmpty}</p>
      ) : (
        <ul>
          {user.contacts.map(({ user: other, add_rule }) => (
            <li key={other} className="flex min-h-9 flex-wrap items-center gap-x-3">
              <span className="mr-auto">
                <PersonName uri={other} us={us} />
              </span>
              <span className="text-sm text-muted" aria-hidden="true">
                {t.accounts.addRuleShort}
              </span>
              <Select
                hideLabel
                label={t.accounts.addRule(nameOf(other))}
                value={add_rule}
                onChange={(event) => void change(other, event.target.value as AddRule)}
              >
                {RULES.map((each) => (
                  <option key={each} value={each}>
                    {t.accounts.addRuleOption[each]}
                  </option>
                ))}
              </Select>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
