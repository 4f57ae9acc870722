import { useState } from "react";
import type { KeyStanding } from "@/bindings/KeyStanding";
import type { SignedWith } from "@/bindings/SignedWith";
import type { SigningKey } from "@/bindings/SigningKey";
import { sentence, useAdmin, useRead } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { Confirm } from "@/shared/Dialog";
import { Fault, Loading, Panel } from "@/shared/layout";
import { type Shape, StateWord, type Tone } from "@/shared/Mark";
import { toast } from "@/shared/toast";
import { Ago, Ident, Until } from "@/shared/values";
import { t } from "@/text";

const words = t.settings.signingKeys;

const looks: Record<KeyStanding, { tone: Tone; shape: Shape }> = {
  next: { tone: "wait", shape: "ring" },
  signs: { tone: "ok", shape: "tick" },
  published: { tone: "muted", shape: "ring" },
  past: { tone: "muted", shape: "dash" },
  revoked: { tone: "bad", shape: "diamond" },
};

/** The keys that this provider signs with: which there are, a new one, and what to do where one has leaked. */
export function SigningKeys() {
  const admin = useAdmin();
  const read = useRead("keys", {});
  const [rotating, setRotating] = useState(false);
  const [revoking, setRevoking] = useState<SignedWith | null>(null);
  const keys = read.data;
  const ask = async (key: SigningKey) => {
    try {
      setRevoking(await admin.call("signed-with", { fingerprint: key.fingerprint }));
    } catch (fault) {
      toast(sentence(fault), { tone: "bad" });
    }
  };
  if (keys === undefined) {
    return (
      <Panel title={words.title}>
        {read.error === null ? (
          <Loading />
        ) : (
          <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>
        )}
      </Panel>
    );
  }
  const isChanging = keys.keys.some((key) => key.standing === "next");
  return (
    <Panel title={words.title}>
      <p className="mb-3 text-muted">{words.text}</p>
      <ul className="mb-3 grid grid-cols-[minmax(0,1fr)] gap-2" data-testid="signing-keys">
        {keys.keys.map((key) => (
          <Key key={key.fingerprint} of={key} onRevoke={() => void ask(key)} />
        ))}
      </ul>
      {keys.waits !== null && <Fault>{keys.waits}</Fault>}
      <p className="mb-3 text-sm text-muted">
        {keys.rotate_days === 0 ? words.onCommand : words.every(keys.rotate_days)}
      </p>
      <Button data-testid="rotate-key" disabled={isChanging} onClick={() => setRotating(true)}>
        {words.rotate}
      </Button>
      <Confirm
        open={rotating}
        onClose={() => setRotating(false)}
        title={words.rotateTitle}
        text={words.rotateText}
        action={words.rotateAction}
        run={async () => {
          try {
            await admin.call("rotate-key", {});
            toast(words.rotated);
            await admin.refresh("keys");
            return null;
          } catch (fault) {
            return sentence(fault);
          }
        }}
      />
      {revoking !== null && <Revoke signed={revoking} onClose={() => setRevoking(null)} />}
    </Panel>
  );
}

function Key({ of: key, onRevoke }: { of: SigningKey; onRevoke: () => void }) {
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
      <span className="min-w-0 grow basis-64">
        <Ident value={key.fingerprint} what={t.approvals.keys} mono />
        <span className="flex flex-wrap items-baseline gap-x-3 text-sm text-muted">
          <StateWord {...looks[key.standing]}>{words.standing[key.standing]}</StateWord>
          {key.standing === "next" && key.since !== null && (
            <span>
              {words.signsIn} <Until at={key.since} />
            </span>
          )}
          {key.standing === "signs" && key.since !== null && (
            <span>
              {words.since} <Ago at={key.since} />
            </span>
          )}
          {key.until !== null && (
            <span>
              {words.until} <Ago at={key.until} />
            </span>
          )}
          {key.leaves !== null && (
            <span>
              {words.leavesIn} <Until at={key.leaves} />
            </span>
          )}
        </span>
      </span>
      {key.standing !== "revoked" && (
        <Button small look="wary" title={words.revokeHint} data-testid="revoke-key" onClick={onRevoke}>
          {words.revoke}
        </Button>
      )}
    </li>
  );
}

/** So many grants and groups are named; the command signed-with tells them all. */
const NAMED = 8;

/** Names what follows before a key is revoked: what it signed, and who stops. */
function Revoke({ signed, onClose }: { signed: SignedWith; onClose: () => void }) {
  const admin = useAdmin();
  const { key, grants, groups, stops } = signed;
  return (
    <Confirm
      danger
      open
      onClose={onClose}
      title={words.revokeTitle}
      text={words.revokeText}
      action={words.revokeAction}
      run={async () => {
        try {
          await admin.call("revoke-key", { fingerprint: key.fingerprint });
          toast(words.revoked);
          await admin.refresh("keys", "status", "backups");
          return null;
        } catch (fault) {
          return sentence(fault);
        }
      }}
    >
      <div className="mb-2 grid max-h-72 gap-3 overflow-auto" data-testid="what-follows">
        <div>
          <Ident value={key.fingerprint} what={t.approvals.keys} mono />
          {key.since !== null && (
            <p className="text-sm text-muted">
              {words.signedFrom} <Ago at={key.since} />
            </p>
          )}
        </div>
        <p>{stops.length === 0 ? words.stopsNone : words.stops(stops)}</p>
        <Listed
          title={words.grants(grants.length, grants.filter((grant) => !grant.used).length)}
          rows={grants.map((grant) => [grant.id, words.grant(grant.user, grant.adder, grant.group)] as const)}
        />
        <Listed
          title={words.groups(groups.length)}
          rows={groups.map((each) => [each.group, words.group(each.group, each.participants)] as const)}
        />
      </div>
    </Confirm>
  );
}

function Listed({ title, rows }: { title: string; rows: readonly (readonly [string, string])[] }) {
  return (
    <div>
      <p>{title}</p>
      <ul className="text-sm text-muted">
        {rows.slice(0, NAMED).map(([id, text]) => (
          <li key={id} className="break-words">
            {text}
          </li>
        ))}
        {rows.length > NAMED && <li>{words.more(rows.length - NAMED)}</li>}
      </ul>
    </div>
  );
}
