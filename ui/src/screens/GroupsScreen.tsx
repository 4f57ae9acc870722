import { useMemo } from "react";
import type { GroupSummary } from "@/bindings/GroupSummary";
import { useGroups, useOwners } from "@/domain/group/hooks";
import { groupTitle } from "@/domain/group/words";
import { sentence } from "@/domain/node/admin";
import { useAddress } from "@/shared/address";
import { DataTable } from "@/shared/DataTable";
import { SearchField } from "@/shared/form";
import { Empty, Fault, Loading, Screen } from "@/shared/layout";
import { lineText } from "@/shared/text";
import { t } from "@/text";
import { groupColumns, NarrowGroup, ShutNote } from "./groups/columns";
import { GroupDetails } from "./groups/GroupDetails";

/** Who is in which group? */
export function GroupsScreen() {
  const groups = useGroups();
  const ownerOf = useOwners();
  const columns = useMemo(() => groupColumns(ownerOf), [ownerOf]);
  const [place, setPlace] = useAddress("open", "filter");
  const { filter } = place;
  const open = place.open === "" ? null : place.open;
  const all = groups.data?.groups;
  const shown = useMemo(() => {
    const wanted = filter.toLowerCase();
    return all?.filter((each) => `${each.name} ${each.group}`.toLowerCase().includes(wanted));
  }, [all, filter]);
  const setOpen = (group: string | null) => setPlace({ open: group ?? "" });
  return (
    <Screen
      title={t.groups.title}
      actions={
        (all?.length ?? 0) > 1 && (
          <SearchField
            label={t.groups.filter}
            className="max-w-52"
            value={filter}
            onChange={(event) => setPlace({ filter: event.target.value })}
          />
        )
      }
      aside={open !== null && <GroupDetails key={open} group={open} onClose={() => setOpen(null)} />}
    >
      {groups.error !== null && all === undefined && (
        <Fault onRetry={() => void groups.refetch()}>{sentence(groups.error)}</Fault>
      )}
      {shown === undefined || all === undefined ? (
        groups.error === null && <Loading />
      ) : (
        <div className="rounded-lg border border-line bg-surface">
          {all.length === 0 ? (
            <Empty>
              <span className="font-medium text-ink">{t.groups.empty}</span> {t.groups.emptyHint}
            </Empty>
          ) : shown.length === 0 ? (
            <Empty>{t.groups.noMatch}</Empty>
          ) : (
            <DataTable<GroupSummary>
              label={t.groups.title}
              rows={shown}
              columns={columns}
              keyOf={(each) => each.group}
              openKey={open}
              onOpen={setOpen}
              openLabel={(each) => t.groups.open(groupTitle(each))}
              estimate={52}
              sort={[{ id: "group", desc: false }]}
              rowTestId={(each) => `group-${each.group}`}
              narrow={(each) => <NarrowGroup group={each} />}
              below={(each) => (
                <>
                  <ShutNote group={each} />
                  {each.fault !== null && (
                    <p className="text-sm text-bad wrap-anywhere">
                      <bdi>{lineText(each.fault, 1_000)}</bdi>
                    </p>
                  )}
                </>
              )}
            />
          )}
        </div>
      )}
    </Screen>
  );
}
