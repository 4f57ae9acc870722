import { Link } from "@tanstack/react-router";
import { useCallback, useEffect, useState } from "react";
import type { DeviceLink } from "@/bindings/DeviceLink";
import type { Session } from "@/bindings/Session";
import { headingId } from "@/domain/guide/parts";
import { sentence, useAdmin } from "@/domain/node/admin";
import { useNode } from "@/domain/node/hooks";
import { Button } from "@/shared/Button";
import { useNow } from "@/shared/clock";
import { DialogButtons } from "@/shared/Dialog";
import { Select } from "@/shared/form";
import { Fault, Loading } from "@/shared/layout";
import { QrCode } from "@/shared/QrCode";
import { CopyButton, Ident, Until } from "@/shared/values";
import { t } from "@/text";
import { deviceName } from "./deviceName";

const words = t.settings.otherDevice;

/** A link by which another device opens these pages, where it can, and what is in the way where it cannot. */
export function OtherDevice({
  origin,
  sessions,
  onClose,
}: {
  /** Where the pages of the node are opened here. */
  origin: string;
  sessions: readonly Session[];
  onClose: () => void;
}) {
  const admin = useAdmin();
  const [link, setLink] = useState<DeviceLink | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [known] = useState(() => new Set(sessions.map(({ id }) => id)));
  const letIn = sessions.find(({ id }) => !known.has(id));
  const make = useCallback(() => {
    setFault(null);
    admin.call("link-device", { origin }).then(setLink, (refused) => setFault(sentence(refused)));
  }, [admin, origin]);
  useEffect(make, [make]);
  return (
    <>
      {letIn !== undefined ? (
        <p role="status" data-testid="device-let-in">
          {words.letIn(deviceName(letIn))}
        </p>
      ) : fault !== null ? (
        <Fault onRetry={make}>{fault}</Fault>
      ) : link === null ? (
        <Loading />
      ) : (
        <Shown link={link} onRenew={make} />
      )}
      <DialogButtons>
        <Button look="primary" onClick={onClose}>
          {t.app.close}
        </Button>
      </DialogButtons>
    </>
  );
}

function Shown({ link, onRenew }: { link: DeviceLink; onRenew: () => void }) {
  const [at, setAt] = useState(0);
  const isOver = useNow() >= Date.parse(link.ends);
  const place = link.places[at] ?? link.places[0];
  const certificates = useNode()?.ourselves.certificates ?? [];
  const shown = certificates.find(({ section }) => section === "admin");
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
      {link.obstacle !== null && (
        <div data-testid="device-obstacle" className="grid gap-2">
          <p>{words.obstacle[link.obstacle](link.listen)}</p>
          <p>
            <Link
              to="/guide"
              hash={headingId(words.part)}
              className="text-accent underline underline-offset-2"
            >
              {words.guide}
            </Link>
          </p>
        </div>
      )}
      {place === undefined ? null : isOver ? (
        <div className="flex flex-wrap items-center gap-3" data-testid="device-link-over">
          <p>{words.over}</p>
          <Button onClick={onRenew}>{words.another}</Button>
        </div>
      ) : (
        <>
          {place.qr === null ? (
            <p>{words.here}</p>
          ) : (
            <>
              {link.places.length > 1 && (
                <Select
                  label={words.address}
                  value={at}
                  onChange={(event) => setAt(Number(event.target.value))}
                >
                  {link.places.map(({ origin }, index) => (
                    <option key={origin} value={index}>
                      {origin}
                    </option>
                  ))}
                </Select>
              )}
              <p>{words.scan}</p>
              <QrCode qr={place.qr} label={words.qr} />
            </>
          )}
          <div className="flex items-center gap-2 rounded-md border border-line bg-sunken px-3 py-2">
            <code
              className="min-w-0 flex-1 font-mono text-sm wrap-anywhere select-all"
              data-testid="device-link"
            >
              {place.link}
            </code>
            <CopyButton always value={place.link} what={words.link} />
          </div>
          <p className="text-muted">
            {words.once} <Until at={link.ends} />.
          </p>
          {place.self_signed && <p>{words.selfSigned}</p>}
          {place.self_signed && shown !== undefined && (
            <p data-testid="device-certificate">
              {words.fingerprint} <Ident mono value={shown.fingerprint} what={words.fingerprintWhat} />
            </p>
          )}
          {!place.reached && link.obstacle === null && <p>{words.unreached}</p>}
        </>
      )}
    </div>
  );
}
