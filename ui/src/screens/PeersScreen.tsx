import { Plus } from "lucide-react";
import { useMemo } from "react";
import type { Peer } from "@/bindings/Peer";
import { sentence } from "@/domain/node/admin";
import { CardButton } from "@/domain/node/CardButton";
import { usePeers } from "@/domain/peer/hooks";
import { PeerStateWord, PeerTrouble } from "@/domain/peer/PeerState";
import { useActions } from "@/shared/actions";
import { useAddress, useDialogPlace } from "@/shared/address";
import { Button } from "@/shared/Button";
import { DataTable } from "@/shared/DataTable";
import { SearchField } from "@/shared/form";
import { Empty, Fault, Loading, Screen } from "@/shared/layout";
import { t } from "@/text";
import { AddDialog } from "./peers/AddDialog";
import { Pulling, peerColumns, Serving } from "./peers/columns";
import { PeerDetails } from "./peers/PeerDetails";

/** Whom do I federate with, and how is it going? */
export function PeersScreen() {
  const peers = usePeers();
  const [place, setPlace] = useAddress("open", "filter", "to");
  const { filter } = place;
  const open = place.open === "" ? null : place.open;
  const [adding, setAdding] = useDialogPlace("add");
  const all = peers.data?.peers;
  const shown = useMemo(
    () => all?.filter((peer) => peer.provider.includes(filter.toLowerCase())),
    [all, filter],
  );
  const setOpen = (provider: string | null) => setPlace({ open: provider ?? "" });
  useActions([
    {
      id: "peers.add",
      title: t.peers.add,
      group: t.palette.groups.act,
      keys: ["n"],
      keyOnly: true,
      run: () => setAdding(true),
    },
  ]);
  const closeAdding = () => {
    setAdding(false);
    setPlace({ to: "" });
  };
  const few = (all?.length ?? 0) < 2;
  return (
    <Screen
      title={t.peers.title}
      actions={
        <>
          {!few && (
            <SearchField
              label={t.peers.filter}
              className="max-w-52 max-sm:order-last max-sm:max-w-none"
              value={filter}
              onChange={(event) => setPlace({ filter: event.target.value })}
            />
          )}
          <CardButton />
          <Button icon={<Plus className="size-3.5" aria-hidden="true" />} onClick={() => setAdding(true)}>
            {t.peers.add}
          </Button>
        </>
      }
      aside={open !== null && <PeerDetails key={open} provider={open} onClose={() => setOpen(null)} />}
    >
      {peers.error !== null && all === undefined && (
        <Fault onRetry={() => void peers.refetch()}>{sentence(peers.error)}</Fault>
      )}
      {shown === undefined || all === undefined ? (
        peers.error === null && <Loading />
      ) : all.length === 0 ? (
        <div className="rounded-lg border border-line bg-surface">
          <Empty>
            <span className="font-medium text-ink">{t.peers.empty}</span> {t.peers.emptyHint}
          </Empty>
        </div>
      ) : (
        <div className="rounded-lg border border-line bg-surface">
          {shown.length === 0 ? (
            <Empty>{t.peers.noMatch}</Empty>
          ) : (
            <DataTable<Peer>
              label={t.peers.title}
              rows={shown}
              columns={peerColumns}
              keyOf={(peer) => peer.provider}
              openKey={open}
              onOpen={setOpen}
              openLabel={(peer) => t.peers.open(peer.provider)}
              below={(peer) => <PeerTrouble peer={peer} />}
              estimate={52}
              sort={[{ id: "state", desc: false }]}
              rowTestId={(peer) => `peer-${peer.provider}`}
              narrow={(peer) => (
                <div>
                  <PeerStateWord peer={peer} />
                  <div className="mt-1 grid grid-cols-2 gap-x-3 text-sm">
                    <span className="text-muted">{t.peers.column.pulling}</span>
                    <span className="text-muted">{t.peers.column.serving}</span>
                    <Pulling peer={peer} />
                    <Serving peer={peer} />
                  </div>
                </div>
              )}
            />
          )}
        </div>
      )}
      <AddDialog open={adding} named={place.to} onClose={closeAdding} />
    </Screen>
  );
}
