import { IdCard } from "lucide-react";
import { useState } from "react";
import { Button } from "@/shared/Button";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { Fault, Loading } from "@/shared/layout";
import { QrCode } from "@/shared/QrCode";
import { CopyButton, Fact, Facts, Ident } from "@/shared/values";
import { t } from "@/text";
import { sentence, useRead } from "./admin";

const words = t.card;

/** Shows what others need to add this provider. */
export function CardButton() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button
        data-testid="own-card"
        icon={<IdCard className="size-3.5" aria-hidden="true" />}
        onClick={() => setOpen(true)}
      >
        {words.mine}
      </Button>
      <Dialog open={open} onClose={() => setOpen(false)} title={words.mine} text={words.text}>
        <OwnCard />
        <DialogButtons>
          <Button look="primary" onClick={() => setOpen(false)}>
            {t.app.close}
          </Button>
        </DialogButtons>
      </Dialog>
    </>
  );
}

function OwnCard() {
  const read = useRead("card", {});
  const card = read.data;
  if (read.error !== null) return <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>;
  if (card === undefined) return <Loading />;
  return (
    <div className="grid gap-3">
      {card.qr !== null && <QrCode qr={card.qr} label={words.qr} />}
      <div className="flex items-center gap-2 rounded-md border border-line bg-sunken px-3 py-2">
        <code className="min-w-0 flex-1 font-mono text-sm wrap-anywhere select-all" data-testid="card-link">
          {card.link}
        </code>
        <CopyButton always value={card.link} what={words.link} />
      </div>
      <Fingerprints of={card} />
    </div>
  );
}

/** What two operators compare: the key, and a certificate for which nobody else vouches. */
export function Fingerprints({ of }: { of: { key: string | null; certificate: string | null } }) {
  return (
    <Facts className="max-sm:grid-cols-1">
      {of.key !== null && (
        <Fact name={words.key}>
          <Ident value={of.key} what={words.key.toLowerCase()} mono />
        </Fact>
      )}
      {of.certificate !== null && (
        <Fact name={words.certificate} hint={words.certificateHint}>
          <Ident value={of.certificate} what={words.certificate.toLowerCase()} mono />
        </Fact>
      )}
    </Facts>
  );
}
