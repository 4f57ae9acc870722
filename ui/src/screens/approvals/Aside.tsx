import { ChevronRight } from "lucide-react";
import { type ReactNode, useState } from "react";
import { additionDeeds } from "@/domain/addition/deeds";
import { additionKey, connectionKey, type ShownApprovals } from "@/domain/connection/approvals";
import { type Deed, deeds } from "@/domain/connection/deeds";
import { Alias } from "@/domain/demo/Alias";
import { GroupName } from "@/domain/group/GroupName";
import { PersonName } from "@/domain/node/PersonName";
import { Button } from "@/shared/Button";
import { t } from "@/text";

/** What was ignored: out of the way, yet findable. */
export function Aside({
  data,
  us,
  decide,
}: {
  data: ShownApprovals;
  us: string;
  decide: (list: readonly Deed[]) => void;
}) {
  const [open, setOpen] = useState(false);
  const rows: { key: string; who: ReactNode; deed: Deed }[] = [
    ...data.asideProviders.map(({ provider }) => ({
      key: provider,
      who: (
        <span className="font-semibold wrap-anywhere">
          {provider}
          <Alias provider={provider} />
        </span>
      ),
      deed: deeds.reopenProvider(provider),
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
      deed: deeds.reopen(connection),
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
      deed: additionDeeds.reopen(addition),
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
            {rows.map(({ key, who, deed }) => (
              <li key={key} className="flex flex-wrap items-center gap-x-1.5 px-3 py-1">
                {who}
                <Button small className="ml-auto" onClick={() => decide([deed])}>
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
