import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import type { MetCertificate } from "@/bindings/MetCertificate";
import { asSentence, sentence, useAdmin } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { Fault } from "@/shared/layout";
import { lineText } from "@/shared/text";
import { toast } from "@/shared/toast";
import { Fact, Facts, Ident, Until } from "@/shared/values";
import { t } from "@/text";

const words = t.card.trust;

const NOT_VOUCHED_FOR: ReadonlySet<string> = new Set([
  "certificate-self-signed",
  "certificate-unknown-issuer",
  "certificate-replaced",
]);

/** Whether a trouble is that nobody vouches for a certificate, so that the operator may. */
export function isNotVouchedFor({ code }: { code: string | null }): boolean {
  return code !== null && NOT_VOUCHED_FOR.has(code);
}

/** Trusts the certificate of a provider by its fingerprint, where nobody else vouches for it. */
export function TrustCertificate({ provider }: { provider: string }) {
  const admin = useAdmin();
  const [met, setMet] = useState<MetCertificate | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const doing = async (work: () => Promise<void>) => {
    setBusy(true);
    setFault(null);
    try {
      await work();
    } catch (refused) {
      setFault(sentence(refused));
    }
    setBusy(false);
  };
  const look = () => doing(async () => setMet(await admin.call("met-certificate", { provider })));
  const trust = (fingerprint: string) =>
    doing(async () => {
      await admin.call("trust-certificate", { provider, fingerprint });
      setMet(null);
      toast(words.given(provider));
      void admin.refresh("peers", "peer", "trusted-certificates", "repairs");
    });
  return (
    <>
      <Button
        data-testid="look-at-certificate"
        icon={<ShieldCheck className="size-3.5" aria-hidden="true" />}
        disabled={busy}
        onClick={() => void look()}
      >
        {words.look}
      </Button>
      {fault !== null && met === null && <Fault>{fault}</Fault>}
      <Dialog
        open={met !== null}
        onClose={() => setMet(null)}
        title={words.title(provider)}
        text={words.text}
      >
        {met !== null && (
          <>
            <Facts className="max-sm:grid-cols-1">
              <Fact name={t.card.certificate}>
                <Ident value={met.fingerprint} what={t.card.certificate.toLowerCase()} mono />
              </Fact>
              <Fact name={words.names}>{lineText(met.names.join(", "), 300)}</Fact>
              <Fact name={words.ends}>
                <Until at={met.ends} due={t.overview.own.ended} />
              </Fact>
            </Facts>
            <p className="mt-2 text-sm text-muted">
              {met.refused === null ? words.trusted : asSentence(lineText(met.refused, 500))}
            </p>
            {fault !== null && <Fault>{fault}</Fault>}
            <DialogButtons>
              <Button onClick={() => setMet(null)}>{t.app.cancel}</Button>
              {met.refused !== null && (
                <Button look="primary" disabled={busy} onClick={() => void trust(met.fingerprint)}>
                  {words.give}
                </Button>
              )}
            </DialogButtons>
          </>
        )}
      </Dialog>
    </>
  );
}
