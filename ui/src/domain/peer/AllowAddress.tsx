import { LockOpen } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import type { MetAddress } from "@/bindings/MetAddress";
import { sentence, useAdmin, useRead } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { Fault, Loading } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { Ago, Fact, Facts, Ident } from "@/shared/values";
import { t } from "@/text";

const words = t.peers.address;

/** The code of what is in the way where a peer is at an address that is not public. */
export const ADDRESS_REFUSED = "address-refused";

/** Looks where a peer is, and allows its private address for it alone. */
export function AllowAddress({ provider }: { provider: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button
        data-testid="allow-address"
        icon={<LockOpen className="size-3.5" aria-hidden="true" />}
        onClick={() => setOpen(true)}
      >
        {words.offer}
      </Button>
      <Dialog open={open} onClose={() => setOpen(false)} title={words.title(provider)} text={words.text}>
        <Met provider={provider} onClose={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function Met({ provider, onClose }: { provider: string; onClose: () => void }) {
  const admin = useAdmin();
  const [met, setMet] = useState<MetAddress[] | null>(null);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const look = useCallback(() => {
    setFault(null);
    admin.call("met-addresses", { provider }).then(
      ({ addresses }) => setMet(addresses),
      (refused) => setFault(sentence(refused)),
    );
  }, [admin, provider]);
  useEffect(look, [look]);
  const closed = met?.filter((each) => !each.open && each.may_be_allowed) ?? [];
  const allow = async () => {
    setBusy(true);
    setFault(null);
    try {
      // What was allowed before and still leads there stays.
      const kept = met?.filter((each) => each.may_be_allowed) ?? [];
      await admin.call("allow-addresses", { provider, addresses: kept.map(({ address }) => address) });
      toast(words.given(provider));
      void admin.refresh("peers", "peer", "allowed-addresses", "repairs");
      onClose();
    } catch (refused) {
      setFault(sentence(refused));
      setBusy(false);
    }
  };
  if (met === null) return fault === null ? <Loading /> : <Fault onRetry={look}>{fault}</Fault>;
  return (
    <>
      <Facts className="max-sm:grid-cols-1">
        {met.map((each) => (
          <Fact
            key={`${each.host} ${each.address}`}
            name={each.host === each.address ? words.own : each.host}
          >
            <Ident value={each.address} what={words.what} mono />{" "}
            <span className="text-sm text-muted">{standing(each)}</span>
          </Fact>
        ))}
      </Facts>
      {fault !== null && <Fault>{fault}</Fault>}
      <DialogButtons>
        <Button onClick={onClose}>{closed.length > 0 ? t.app.cancel : t.app.close}</Button>
        {closed.length > 0 && (
          <Button look="primary" disabled={busy} onClick={() => void allow()} data-testid="allow-address-now">
            {words.give}
          </Button>
        )}
      </DialogButtons>
    </>
  );
}

function standing({ open, may_be_allowed }: MetAddress): string {
  if (open) return words.open;
  return may_be_allowed ? words.closed : words.never;
}

/** The private addresses that are allowed for a peer, and a way to take that back; nothing where there are none. */
export function AllowedAddresses({ provider }: { provider: string }) {
  const admin = useAdmin();
  const read = useRead("allowed-addresses", {});
  const own = read.data?.addresses.filter((each) => each.provider === provider) ?? [];
  const [first] = own;
  if (first === undefined) return null;
  const takeBack = async () => {
    try {
      await admin.call("allow-addresses", { provider, addresses: [] });
      toast(words.takenBack(provider));
      await admin.refresh("peers", "peer", "allowed-addresses", "repairs");
    } catch (fault) {
      toast(sentence(fault), { tone: "bad" });
    }
  };
  return (
    <div className="mt-3 flex flex-wrap items-center gap-x-3 gap-y-1" data-testid="allowed-addresses">
      <p className="min-w-0 flex-1 basis-60 wrap-anywhere">
        {words.allowed(own.map(({ address }) => address))}{" "}
        <Ago at={first.since} className="text-sm text-muted" />
      </p>
      <Button small look="wary" onClick={() => void takeBack()}>
        {words.takeBack}
      </Button>
    </div>
  );
}
