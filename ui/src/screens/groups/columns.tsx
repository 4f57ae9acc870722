/** The columns of Groups. */
import type { GroupSummary } from "@/bindings/GroupSummary";
import { Alias } from "@/domain/demo/Alias";
import { groupTitle, groupWord } from "@/domain/group/words";
import { groupOf } from "@/domain/node/identifiers";
import type { Column } from "@/shared/DataTable";
import { count } from "@/shared/format";
import { StateWord } from "@/shared/Mark";
import { Breakable, Bytes } from "@/shared/values";
import { t } from "@/text";

export function Standing({ group }: { group: GroupSummary }) {
  const { tone, shape, text, hint } = groupWord(group);
  return (
    <StateWord tone={tone} shape={shape} title={hint}>
      {text}
    </StateWord>
  );
}

function Name({ group }: { group: GroupSummary }) {
  return (
    <>
      <bdi className="block">{groupTitle(group)}</bdi>
      {group.name !== "" && (
        <span className="block text-sm font-normal text-muted">
          <Breakable text={groupOf(group.group)?.name ?? group.group} />
        </span>
      )}
    </>
  );
}

function Owner({ group }: { group: GroupSummary }) {
  return group.ours ? (
    <span title={t.groups.oursHint}>{t.groups.us}</span>
  ) : (
    <span className="wrap-anywhere">
      <Breakable text={group.owner} />
      <Alias provider={group.owner} />
    </span>
  );
}

/** A row where there is no room for columns. */
export function NarrowGroup({ group }: { group: GroupSummary }) {
  return (
    <p className="flex flex-wrap items-center gap-x-3 text-sm text-muted">
      <Standing group={group} />
      <span>{t.groups.people(group.users)}</span>
      <span>
        {group.ours ? t.groups.ours : t.groups.theirs(group.owner)}
        {!group.ours && <Alias provider={group.owner} />}
      </span>
    </p>
  );
}

const { column } = t.groups;

export const groupColumns: readonly Column<GroupSummary>[] = [
  {
    id: "group",
    header: column.group,
    accessorFn: groupTitle,
    cell: ({ row }) => <Name group={row.original} />,
    sortingFn: "text",
    meta: { width: "minmax(9rem, 2fr)" },
  },
  {
    id: "state",
    header: column.state,
    accessorFn: (group) => groupWord(group).rank,
    cell: ({ row }) => <Standing group={row.original} />,
    sortingFn: "basic",
    meta: { width: "6.5rem" },
  },
  {
    id: "owner",
    header: column.owner,
    accessorFn: (group) => (group.ours ? "" : group.owner),
    cell: ({ row }) => <Owner group={row.original} />,
    sortingFn: "alphanumeric",
    meta: { width: "minmax(7rem, 1.3fr)", from: 480 },
  },
  {
    id: "members",
    header: column.members,
    accessorFn: (group) => group.users,
    cell: ({ row }) => (
      <span title={column.membersHint} className="whitespace-nowrap">
        {t.groups.people(row.original.users)}
        <span className="block text-muted">{t.groups.clients(row.original.clients)}</span>
      </span>
    ),
    sortingFn: "basic",
    meta: { width: "7rem", hint: column.membersHint, end: true, from: 560 },
  },
  {
    id: "providers",
    header: column.providers,
    accessorFn: (group) => group.providers,
    cell: ({ row }) => <span title={column.providersHint}>{count(row.original.providers)}</span>,
    sortingFn: "basic",
    meta: { width: "5rem", hint: column.providersHint, end: true, from: 680 },
  },
  {
    id: "head",
    header: column.head,
    accessorFn: (group) => group.head,
    cell: ({ row }) => <span title={column.headHint}>{count(row.original.head)}</span>,
    sortingFn: "basic",
    meta: { width: "4rem", hint: column.headHint, end: true, from: 720 },
  },
  {
    id: "bytes",
    header: column.bytes,
    accessorFn: (group) => group.bytes,
    cell: ({ row }) => <Bytes n={row.original.bytes} />,
    sortingFn: "basic",
    meta: { width: "5rem", hint: column.bytesHint, end: true, from: 780 },
  },
];
