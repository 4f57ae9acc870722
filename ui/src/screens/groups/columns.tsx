/** The columns of Groups. */
import type { GroupSummary } from "@/bindings/GroupSummary";
import { Alias, useCalled } from "@/domain/demo/Alias";
import { type OwnerOf, useOwners } from "@/domain/group/hooks";
import { groupTitle, groupWord, shutReason } from "@/domain/group/words";
import { groupOf } from "@/domain/node/identifiers";
import type { Column } from "@/shared/DataTable";
import { count } from "@/shared/format";
import { StateWord } from "@/shared/Mark";
import { nameText } from "@/shared/text";
import { Breakable, Bytes } from "@/shared/values";
import { t } from "@/text";

export function Standing({ group }: { group: GroupSummary }) {
  const { tone, shape, text, hint } = groupWord(group, useOwners()(group));
  return (
    <StateWord tone={tone} shape={shape} title={hint}>
      {text}
    </StateWord>
  );
}

function Name({ group }: { group: GroupSummary }) {
  const title = groupTitle(group);
  const isNamed = nameText(group.name) !== "";
  return (
    <>
      {isNamed ? (
        // A name is shortened, since its address, which is not, stands below and tells it from others.
        <bdi className="line-clamp-2" title={title}>
          {title}
        </bdi>
      ) : (
        <Breakable text={title} />
      )}
      {isNamed && (
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

/** Why nothing of it comes or goes. */
export function ShutNote({ group }: { group: GroupSummary }) {
  const why = shutReason(group, useOwners()(group), useCalled());
  return why === null ? null : <p className="text-sm text-warn wrap-anywhere">{why}</p>;
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

/** `ownerOf`: the provider that keeps a group, as a peer. */
export const groupColumns = (ownerOf: OwnerOf): readonly Column<GroupSummary>[] => [
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
    accessorFn: (group) => groupWord(group, ownerOf(group)).rank,
    cell: ({ row }) => <Standing group={row.original} />,
    sortingFn: "basic",
    meta: { width: "9rem" },
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
