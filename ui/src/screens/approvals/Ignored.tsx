import { ChevronRight } from "lucide-react";
import { type ReactNode, useState } from "react";
import { additionDecisions } from "@/domain/addition/decisions";
import { additionKey, connectionKey, type ShownApprovals } from "@/domain/connection/approvals";
import { type Decision, decisions } from "@/domain/connection/decisions";
import { Alias } from "@/domain/demo/Alias";
import { GroupName } from "@/domain/group/GroupName";
import { PersonName } from "@/domain/node/PersonName";
import { Button } from "@/shared/Button";
import { t } from "@/text";

/** What was ignored: out of the way, yet findable. */
export function Ignored({
  data,
  us,
  decide,
}: {
  data: ShownApprovals;
  us: string;
  decide: (list: readonly Decision[]) => void;
}) {
  const [open, setOpen] = useState(false);
  const rows: { key: string; who: ReactNode; decision: Decision }[] = [
    ...data.asideProviders.map(({ provider }) => ({
      key: provider,
      who: (
        <span className="font-semibold wrap-anywhere">
          {provider}
          <Alias provider={provider} />
        </span>
      ),
      decision: decisions.reopenProvider(provider),
    })),
    ...data.asideConnections.map((connection) => ({
      key: connectionKey(connection),
      who: (
        <>
          <PersonName uri={connection.from} />
          <span className="text-muted">{t.approvals.asks}</span>
          <PersonName uri={connection.to} us={us} />
        </>
      ),
      decision: decisions.reopen(connection),
    })),
    ...data.asideAdditions.map((addition) => ({
      key: additionKey(addition),
      who: (
        <>
          <PersonName uri={addition.adder} us={us} />
          <span className="text-muted">{t.approvals.wantsToAdd}</span>
          <PersonName uri={addition.user} us={us} />
          <span className="text-muted">{t.approvals.toGroup}</span>
          <GroupName uri={addition.group} name={addition.group_name} />
        </>
      ),
      decision: additionDecisions.reopen(addition),
    })),
  ];
  if (rows.length === 0) return null;
  return (
    <div>
      <Button look="quiet" aria-expanded={open} onClick={() => setOpen(!open)} data-testid="aside">
        <ChevronRight className={open ? "size-4 rotate-90" : "size-4"} aria-hidden="true" />
        {t.approvals.aside(rows.length)}
      </Button>
      {open && (
        <>
          <p className="mt-1 mb-2 text-sm text-muted">{t.approvals.asideHint}</p>
          <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
            {rows.map(({ key, who, decision }) => (
              <li key={key} className="flex flex-wrap items-center gap-x-1.5 px-3 py-1">
                {who}
                <Button small className="ml-auto" onClick={() => decide([decision])}>
                  {t.approvals.reopen}
                </Button>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
