import { ChevronDown, Telescope } from "lucide-react";
import { useMemo } from "react";
import type { Peer } from "@/bindings/Peer";
import { useCalled } from "@/domain/demo/Alias";
import { peerWord, WELL_RANK } from "@/domain/peer/words";
import { Button } from "@/shared/Button";
import { Menu, type MenuItem } from "@/shared/Menu";
import { t } from "@/text";

const MOST_LISTED = 50;

/** Peers that may be asked to look at this provider: those that are let in, first those that can be reached. */
export function useLookers(peers: readonly Peer[]): readonly Peer[] {
  return useMemo(() => {
    const rank = (peer: Peer) => Math.abs(peerWord(peer).rank - WELL_RANK);
    return peers.filter(({ state }) => state === "allowed").toSorted((a, b) => rank(a) - rank(b));
  }, [peers]);
}

/** Asks a peer, which is chosen here, to look at this provider. */
export function HavePeerLook({
  lookers,
  onAsk,
}: {
  lookers: readonly Peer[];
  onAsk: (peer: string) => void;
}) {
  const called = useCalled();
  const words = t.doctor.from;
  const items: MenuItem[] = lookers.slice(0, MOST_LISTED).map((peer) => ({
    id: `looker-${peer.provider}`,
    text: called(peer.provider),
    hint: peerWord(peer).text,
    run: () => onAsk(peer.provider),
  }));
  const others = lookers.length - items.length;
  if (others > 0)
    items.push({ id: "looker-others", text: words.others(others), disabled: true, run: () => {} });
  return (
    <Menu
      label={words.choose}
      align="start"
      items={items}
      trigger={
        <Button data-testid="have-peer-look" icon={<Telescope className="size-3.5" aria-hidden="true" />}>
          {words.ask}
          <ChevronDown className="size-3.5" aria-hidden="true" />
        </Button>
      }
    />
  );
}
