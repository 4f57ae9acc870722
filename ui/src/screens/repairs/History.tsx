import { useState } from "react";
import type { Repair } from "@/bindings/Repair";
import { Button } from "@/shared/Button";
import { coarseSpan } from "@/shared/format";
import { Empty, Panel } from "@/shared/layout";
import { Mark } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { Ago } from "@/shared/values";
import { t } from "@/text";

const FIRST = 10;

/** What is well again: when it was raised and gone, how long it lasted, and whether it was ignored. */
export function History({ repairs }: { repairs: readonly Repair[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? repairs : repairs.slice(0, FIRST);
  const { raised, gone, lasted } = t.repairs.historyOf;
  return (
    <Panel title={t.repairs.historyTitle} hint={t.repairs.historyHint} flush testId="repairs-history">
      {repairs.length === 0 ? (
        <Empty>{t.repairs.historyEmpty}</Empty>
      ) : (
        <>
          <ul className="divide-y divide-line">
            {shown.map((repair) => (
              <li key={repair.id} className="flex items-start gap-2 px-3 py-2">
                <Mark tone="muted" shape="tick" className="mt-1" />
                <div className="min-w-0">
                  <p className="wrap-anywhere">
                    <bdi>{lineText(repair.text, 600)}</bdi>
                  </p>
                  <p className="text-sm text-muted">
                    {repair.gone !== null && (
                      <>
                        {gone} <Ago at={repair.gone} /> · {lasted}{" "}
                        {coarseSpan(Date.parse(repair.gone) - Date.parse(repair.since))} ·{" "}
                      </>
                    )}
                    {raised} <Ago at={repair.raised} />
                    {repair.ignored_at !== null && (
                      <>
                        {" · "}
                        {t.repairs.ignoredAt} <Ago at={repair.ignored_at} />
                      </>
                    )}{" "}
                    · {t.repairs.severity[repair.severity][0]}
                  </p>
                </div>
              </li>
            ))}
          </ul>
          {shown.length < repairs.length && (
            <div className="border-t border-line px-3 py-2">
              <Button onClick={() => setAll(true)}>{t.repairs.more(repairs.length - shown.length)}</Button>
            </div>
          )}
        </>
      )}
    </Panel>
  );
}
