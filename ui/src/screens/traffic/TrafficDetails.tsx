import { ChevronDown, ChevronUp, Ellipsis } from "lucide-react";
import type { Traffic } from "@/bindings/Traffic";
import { LookLink } from "@/domain/check/LookLink";
import { Alias } from "@/domain/demo/Alias";
import { GuideLink } from "@/domain/guide/GuideLink";
import { remedy } from "@/domain/peer/words";
import { useRequest } from "@/domain/traffic/hooks";
import { ItemLine } from "@/domain/traffic/ItemLine";
import { TimingTable } from "@/domain/traffic/TimingBars";
import { answer, isUnsent, requestLine } from "@/domain/traffic/words";
import { useActions } from "@/shared/actions";
import { IconButton } from "@/shared/Button";
import { exact } from "@/shared/format";
import { LongText } from "@/shared/LongText";
import { Inspector, InspectorPart, Loading } from "@/shared/layout";
import { StateWord } from "@/shared/Mark";
import { Menu, type MenuItem } from "@/shared/Menu";
import { lineText } from "@/shared/text";
import { Bytes, CopyButton, Duration, Fact, Facts, Ident, Lasting } from "@/shared/values";
import { t } from "@/text";

/** Characters of a header that are shown; what is copied is all of it. */
const LONGEST_HEADER = 2_000;

/** Keys of what can be done about the open request. Nobody is blocked by one key. */
const KEYS: Record<string, readonly string[]> = {
  "traffic-peer": ["o"],
  "traffic-check": ["d"],
  "traffic-only": ["f"],
  "traffic-copy": ["c"],
};

/** The request `id` in full. `shown`: the requests in the list. */
export function TrafficDetails({
  id,
  shown,
  actionsOf,
  onClose,
  onMove,
}: {
  id: number;
  shown: readonly Traffic[];
  actionsOf: (record: Traffic) => readonly MenuItem[];
  onClose: () => void;
  onMove: (by: number) => void;
}) {
  const record = useRequest(id, shown);
  const actions = record == null ? [] : actionsOf(record).filter(({ disabled }) => disabled !== true);
  useActions(
    actions.map(({ id, text, run }) => {
      const keys = KEYS[id];
      return { id, title: text, group: t.traffic.title, run, ...(keys && { keys }) };
    }),
  );
  return (
    <Inspector
      title={record == null ? t.app.details : t.traffic.kind[record.kind]}
      label={t.app.details}
      onClose={onClose}
      actions={
        <>
          {record != null && (
            <Menu
              label={t.traffic.act.menu}
              items={actionsOf(record)}
              trigger={
                <IconButton label={t.traffic.act.menu} data-testid="details-actions">
                  <Ellipsis className="size-4" />
                </IconButton>
              }
            />
          )}
          <IconButton label={t.traffic.previous} keys="k" onClick={() => onMove(-1)}>
            <ChevronUp className="size-4" />
          </IconButton>
          <IconButton label={t.traffic.next} keys="j" onClick={() => onMove(1)}>
            <ChevronDown className="size-4" />
          </IconButton>
        </>
      }
    >
      {record === undefined ? (
        <Loading />
      ) : record === null ? (
        <p className="text-muted">{t.traffic.gone}</p>
      ) : (
        <Details record={record} />
      )}
    </Inspector>
  );
}

function Details({ record }: { record: Traffic }) {
  const { tone, shape, text } = answer(record);
  return (
    <>
      <InspectorPart title={t.traffic.column.target}>
        <p className="mb-2">
          <Ident value={`${record.method} ${record.target}`} what={t.traffic.column.target} mono>
            {requestLine(record)}
          </Ident>
        </p>
        <Facts>
          <Fact name={t.traffic.column.status} hint={t.traffic.hint.status}>
            <StateWord tone={tone} shape={shape}>
              {text}
            </StateWord>
            {record.code !== null && <code className="ml-2 font-mono text-sm">{lineText(record.code)}</code>}
          </Fact>
          <Fact name={t.traffic.column.direction}>
            {record.direction === "in"
              ? t.traffic.in
              : isUnsent(record)
                ? t.traffic.notSentWay
                : t.traffic.out}
          </Fact>
          <Fact name={t.traffic.column.peer}>
            {record.peer === null ? (
              t.traffic.nobody
            ) : (
              <>
                {record.direction === "in" && !record.verified && (
                  <span className="text-muted">{t.traffic.claimed} </span>
                )}
                <Ident value={record.peer} what={t.traffic.column.peer} />
                <Alias provider={record.peer} />
              </>
            )}
          </Fact>
          {record.asker === "doctor" && (
            <Fact name={t.traffic.askedBy} hint={t.traffic.byDoctorHint}>
              {t.traffic.byDoctor}
            </Fact>
          )}
          {record.address !== null && (
            <Fact name={t.traffic.address} hint={t.traffic.addressHint}>
              <Ident value={record.address} what={t.traffic.address} />
            </Fact>
          )}
          {record.protocol !== null && <Fact name={t.traffic.protocol}>{lineText(record.protocol)}</Fact>}
        </Facts>
      </InspectorPart>
      <InspectorPart title={t.traffic.signature}>
        <SignatureWord record={record} />
        {record.signature !== null && (
          <Facts className="mt-1">
            {record.signature.key !== null && (
              <Fact name={t.traffic.key}>
                <Ident value={record.signature.key} what={t.traffic.key} mono>
                  {lineText(record.signature.key, LONGEST_HEADER)}
                </Ident>
              </Fact>
            )}
            <Fact name={t.traffic.covers} hint={t.traffic.coversHint}>
              {record.signature.covered.length === 0 ? (
                t.app.none
              ) : (
                <span className="font-mono text-sm">
                  {record.signature.covered.map((component) => lineText(component)).join(" · ")}
                </span>
              )}
            </Fact>
          </Facts>
        )}
      </InspectorPart>
      {(record.text !== null || record.stage !== null) && (
        <InspectorPart title={t.traffic.error}>
          {record.stage !== null && (
            <StateWord tone="bad" shape="triangle" title={t.stageHint[record.stage]}>
              {t.stage[record.stage]}
            </StateWord>
          )}
          {record.text !== null && <LongText text={record.text} markdown={false} />}
          {record.stage !== null && (
            <p className="mt-1.5 border-l-2 border-accent pl-2">
              <span className="font-medium">{t.peers.remedy}: </span>
              {remedy({ code: record.code ?? "", stage: record.stage })}{" "}
              {record.peer !== null && <LookLink provider={record.peer} />}{" "}
              <GuideLink code={record.code} stage={record.stage} />
            </p>
          )}
        </InspectorPart>
      )}
      <InspectorPart title={t.traffic.timing}>
        <Facts>
          <Fact name={t.traffic.began}>
            <time dateTime={record.at} className="whitespace-pre-line">
              {exact(record.at)}
            </time>
          </Fact>
          <Fact name={t.traffic.took} hint={t.traffic.hint.duration}>
            {record.waiting ? (
              <>
                {t.traffic.waiting} <Lasting since={record.at} />
              </>
            ) : (
              <Duration ms={record.duration_ms} />
            )}
          </Fact>
          <Fact name={t.traffic.sent}>
            <Sent record={record} part={record.direction === "out" ? "request" : "response"} />
          </Fact>
          <Fact name={t.traffic.received}>
            <Sent record={record} part={record.direction === "out" ? "response" : "request"} />
          </Fact>
        </Facts>
        {!isUnsent(record) && (
          <div className="mt-2">
            <TimingTable record={record} />
          </div>
        )}
      </InspectorPart>
      <InspectorPart title={t.traffic.itemsTitle(record.item_count)}>
        {record.items.length === 0 ? (
          <p className="text-muted">{record.waiting ? t.traffic.noneYet : t.traffic.noItems}</p>
        ) : (
          <ul>
            {record.items.map((item, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: what was refused has no number of its own.
              <li key={index}>
                <ItemLine item={item} />
              </li>
            ))}
            {record.item_count > record.items.length && (
              <li className="text-muted">{t.traffic.itemsMore(record.item_count - record.items.length)}</li>
            )}
          </ul>
        )}
      </InspectorPart>
      {isUnsent(record) ? (
        <Headers title={t.traffic.requestHeaders} lines={[]} none={t.traffic.noneUnsent} />
      ) : (
        <>
          <Headers title={t.traffic.requestHeaders} lines={record.request_headers} />
          <Headers
            title={t.traffic.responseHeaders}
            lines={record.response_headers}
            {...(record.waiting && { none: t.traffic.noneYet })}
          />
        </>
      )}
    </>
  );
}

/** How many octets of a part of it there were, or why none. */
function Sent({ record, part }: { record: Traffic; part: "request" | "response" }) {
  if (isUnsent(record)) return <span className="text-muted">{t.traffic.nothingSent}</span>;
  if (part === "response" && record.waiting) return <span className="text-muted">{t.traffic.notYet}</span>;
  return <Bytes n={part === "request" ? record.request_bytes : record.response_bytes} />;
}

function Headers({
  title,
  lines,
  none = t.traffic.noHeaders,
}: {
  title: string;
  lines: readonly string[];
  /** Why there are none. */
  none?: string;
}) {
  return (
    <InspectorPart
      title={title}
      actions={lines.length > 0 && <CopyButton always value={lines.join("\n")} what={title.toLowerCase()} />}
    >
      {lines.length === 0 ? (
        <p className="text-muted">{none}</p>
      ) : (
        <dl className="grid gap-1 font-mono text-sm">
          {lines.map((line, index) => {
            const at = line.indexOf(":");
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: a header may be there twice.
              <div key={index} className="wrap-anywhere">
                <dt className="inline text-muted">{lineText(line.slice(0, at))}: </dt>
                <dd className="inline">
                  <bdi>{lineText(line.slice(at + 1), LONGEST_HEADER)}</bdi>
                </dd>
              </div>
            );
          })}
        </dl>
      )}
    </InspectorPart>
  );
}

/** Theirs is on the request that came in, or on the answer to ours. */
function SignatureWord({ record }: { record: Traffic }) {
  if (record.verified) {
    return (
      <StateWord tone="ok" shape="tick">
        {t.traffic.verified}
      </StateWord>
    );
  }
  if (record.waiting) {
    const { notYet, unchecked } = t.traffic;
    return <span className="text-muted">{record.direction === "out" ? notYet : unchecked}</span>;
  }
  if (isUnsent(record)) return <span className="text-muted">{t.traffic.noneUnsent}</span>;
  if (record.direction === "out" && record.status === null) {
    return <span className="text-muted">{t.traffic.unanswered}</span>;
  }
  // The document is asked for without a signature; it is what signatures are checked by.
  if (record.kind === "document") return <span className="text-muted">{t.traffic.unsigned}</span>;
  return (
    <StateWord tone="warn" shape="ring">
      {t.traffic.unverified}
    </StateWord>
  );
}
