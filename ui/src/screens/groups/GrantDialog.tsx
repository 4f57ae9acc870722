import type { ReactNode } from "react";
import type { GrantView } from "@/bindings/GrantView";
import { nameOf } from "@/domain/node/identifiers";
import { Button } from "@/shared/Button";
import { now } from "@/shared/clock";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { StateWord } from "@/shared/Mark";
import { Ago, Fact, Facts, Ident, Until } from "@/shared/values";
import { t } from "@/text";

/** A grant's claims, each with its meaning, and whether they were proved. */
export function GrantDialog({ grant, onClose }: { grant: GrantView | null; onClose: () => void }) {
  return (
    <Dialog
      wide
      open={grant !== null}
      onClose={onClose}
      title={t.groups.grantOf(grant === null ? "" : nameOf(grant.sub))}
      text={t.groups.grantText}
    >
      {grant !== null && (
        <>
          <div className="mb-3">
            <StateWord tone={grant.verified ? "ok" : "bad"} shape={grant.verified ? "tick" : "cross"}>
              {grant.verified ? t.groups.grantVerified : t.groups.grantFaulty}
            </StateWord>
            <p>{grant.verdict}</p>
          </div>
          <Facts>
            {(["iss", "aud", "sub", "adder", "group"] as const).map((claim) => (
              <Claim key={claim} claim={claim}>
                <Ident value={grant[claim]} what={t.groups.claim[claim][0]} />
              </Claim>
            ))}
            <Claim claim="issued">
              <Ago at={grant.issued} />
            </Claim>
            <Claim claim="expires">
              <When at={grant.expires} />
            </Claim>
            <Claim claim="jti">
              <Ident value={grant.jti} what={t.groups.claim.jti[0]} mono />
            </Claim>
          </Facts>
        </>
      )}
      <DialogButtons>
        <Button data-first="" onClick={onClose}>
          {t.app.close}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}

function Claim({ claim, children }: { claim: keyof typeof t.groups.claim; children: ReactNode }) {
  const [name, hint] = t.groups.claim[claim];
  return (
    <Fact name={name} hint={hint}>
      {children}
    </Fact>
  );
}

function When({ at }: { at: string }) {
  return Date.parse(at) < now() ? <Ago at={at} /> : <Until at={at} />;
}
