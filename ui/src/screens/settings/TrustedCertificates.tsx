import { sentence, useAdmin, useRead } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { Fault, Panel } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { Ago, Ident } from "@/shared/values";
import { t } from "@/text";

const words = t.card.trust;

/** The certificates that are trusted for one provider each; nothing where there is none. */
export function TrustedCertificates() {
  const admin = useAdmin();
  const read = useRead("trusted-certificates", {});
  const takeBack = async (provider: string) => {
    try {
      await admin.call("trust-certificate", { provider });
      toast(words.takenBack(provider));
      await admin.refresh("trusted-certificates");
    } catch (fault) {
      toast(sentence(fault), { tone: "bad" });
    }
  };
  if (read.data?.certificates.length === 0) return null;
  return (
    <Panel title={words.list}>
      <p className="mb-2 text-muted">{words.listText}</p>
      {read.error !== null && <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>}
      <ul className="grid gap-2">
        {read.data?.certificates.map(({ provider, fingerprint, since }) => (
          <li
            key={provider}
            className="flex flex-wrap items-start gap-x-3 gap-y-1"
            data-testid={`trusted-${provider}`}
          >
            <span className="min-w-0 flex-1 basis-60">
              <span className="font-medium wrap-anywhere">{provider}</span>{" "}
              <Ago at={since} className="text-sm text-muted" />
              <span className="block text-sm">
                <Ident value={fingerprint} what={t.card.certificate.toLowerCase()} mono />
              </span>
            </span>
            <Button
              small
              look="wary"
              aria-label={words.takeBackOf(provider)}
              onClick={() => void takeBack(provider)}
            >
              {words.takeBack}
            </Button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
