import { Link } from "@tanstack/react-router";
import { Alias } from "@/domain/demo/Alias";
import { useRepairs } from "@/domain/repair/hooks";
import { severityMarks } from "@/domain/repair/words";
import { count } from "@/shared/format";
import { Empty, Loading, Panel } from "@/shared/layout";
import { StateWord } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { Lasting } from "@/shared/values";
import { t } from "@/text";

const FIRST_FEW = 5;

/** The worst of what is wrong, as Repairs has it. */
export function OpenRepairs() {
  const { data } = useRepairs();
  const open = data?.open ?? [];
  const more = open.length - FIRST_FEW;
  return (
    <Panel
      title={t.repairs.title}
      flush
      actions={
        <Link to="/repairs" className="text-sm text-accent underline underline-offset-2">
          {t.repairs.all}
          {open.length > 0 && ` (${count(open.length)})`}
        </Link>
      }
    >
      {data === undefined ? (
        <Loading />
      ) : open.length === 0 ? (
        <Empty>
          {data.looked === null
            ? t.repairs.notLooked
            : data.begun.length > 0
              ? t.repairs.overviewBegun(data.begun.length)
              : t.repairs.overviewEmpty}
          {data.ignored.length > 0 && ` ${t.repairs.overviewIgnored(data.ignored.length)}`}
        </Empty>
      ) : (
        <ul className="divide-y divide-line">
          {open.slice(0, FIRST_FEW).map((repair) => (
            <li key={repair.id} className="grid gap-0.5 px-3 py-2">
              <div className="flex flex-wrap items-center gap-x-2 text-sm">
                <StateWord {...severityMarks[repair.severity]} title={t.repairs.severity[repair.severity][1]}>
                  {t.repairs.severity[repair.severity][0]}
                </StateWord>
                <span className="ml-auto text-muted">
                  {t.repairs.since} <Lasting since={repair.since} coarse />
                </span>
              </div>
              <Link to="/repairs" className="wrap-anywhere hover:underline">
                <bdi>{lineText(repair.text, 300)}</bdi>
                {repair.subject.type === "peer" && <Alias provider={repair.subject.provider} />}
              </Link>
            </li>
          ))}
          {more > 0 && <li className="px-3 py-2 text-sm text-muted">{t.repairs.overviewMore(more)}</li>}
        </ul>
      )}
    </Panel>
  );
}
