import { type FormEvent, useState } from "react";
import type { Client } from "@/bindings/Client";
import type { Token } from "@/bindings/Token";
import type { User } from "@/bindings/User";
import { sentence, useAdmin } from "@/domain/node/admin";
import { isName } from "@/domain/node/identifiers";
import { Button } from "@/shared/Button";
import { Confirm, Dialog, DialogButtons } from "@/shared/Dialog";
import { TextField } from "@/shared/form";
import { QrCode } from "@/shared/QrCode";
import { toast } from "@/shared/toast";
import { Ago, CopyButton, Ident } from "@/shared/values";
import { t } from "@/text";
import { StockWord } from "./StockWord";

/** The devices and programs of one person. */
export function Clients({ user }: { user: User }) {
  const admin = useAdmin();
  const [making, setMaking] = useState(false);
  const [renewing, setRenewing] = useState<Client | null>(null);
  const [deleting, setDeleting] = useState<Client | null>(null);
  const [token, setToken] = useState<Token | null>(null);
  return (
    <div className="border-t border-line">
      <div className="flex items-center px-3 pt-1.5">
        <h3 className="mr-auto text-sm font-semibold text-muted">{t.accounts.clients}</h3>
        <Button small onClick={() => setMaking(true)} aria-label={t.accounts.clientNewFor(user.name)}>
          {t.accounts.clientNew}
        </Button>
      </div>
      {user.clients.length === 0 ? (
        <p className="px-3 pb-2 text-muted">{t.accounts.clientsEmpty}</p>
      ) : (
        <ul className="px-3 pb-2">
          {user.clients.map((client) => (
            <li key={client.name} className="flex min-h-8 flex-wrap items-center gap-x-3">
              <span className="font-medium">{client.name}</span>
              {client.built_in && (
                <span
                  className="rounded-sm border border-line-strong px-1 text-xs font-medium text-muted"
                  title={t.accounts.builtInHint}
                >
                  {t.accounts.builtIn}
                </span>
              )}
              <Ident value={client.uri} what="address" className="text-muted" />
              <StockWord stock={client.stock} />
              <span className="ml-auto text-sm text-muted">
                {client.built_in ? null : client.last_seen === null ? (
                  t.accounts.never
                ) : (
                  <>
                    {t.accounts.lastSeen} <Ago at={client.last_seen} />
                  </>
                )}
              </span>
              {!client.built_in && (
                <>
                  <Button
                    small
                    aria-label={`${t.accounts.newToken}: ${client.name}`}
                    onClick={() => setRenewing(client)}
                  >
                    {t.accounts.newToken}
                  </Button>
                  <Button
                    small
                    look="wary"
                    aria-label={`${t.accounts.deleteClient}: ${client.name}`}
                    onClick={() => setDeleting(client)}
                  >
                    {t.accounts.deleteClient}
                  </Button>
                </>
              )}
            </li>
          ))}
        </ul>
      )}
      <Dialog
        open={making}
        onClose={() => setMaking(false)}
        title={t.accounts.clientNew}
        text={t.accounts.clientText(user.name)}
      >
        <NewClient
          user={user}
          onDone={(made) => {
            setMaking(false);
            setToken(made);
          }}
        />
      </Dialog>
      <TokenDialog token={token} onClose={() => setToken(null)} />
      <Confirm
        open={renewing !== null}
        onClose={() => setRenewing(null)}
        title={t.accounts.newTokenTitle(renewing?.name ?? "")}
        text={t.accounts.newTokenText}
        action={t.accounts.newTokenButton}
        run={async () => {
          if (renewing === null) return null;
          try {
            setToken(await admin.call("new-token", { user: user.name, name: renewing.name }));
            return null;
          } catch (fault) {
            return sentence(fault);
          }
        }}
      />
      <Confirm
        danger
        open={deleting !== null}
        onClose={() => setDeleting(null)}
        title={t.accounts.deleteTitle(deleting?.name ?? "")}
        text={t.accounts.deleteText}
        action={t.accounts.deleteButton}
        run={async () => {
          if (deleting === null) return null;
          try {
            await admin.call("delete-client", { user: user.name, name: deleting.name });
            toast(t.accounts.deleted(deleting.name));
            await admin.refresh("users");
            return null;
          } catch (fault) {
            return sentence(fault);
          }
        }}
      />
    </div>
  );
}

function NewClient({ user, onDone }: { user: User; onDone: (token: Token) => void }) {
  const admin = useAdmin();
  const [name, setName] = useState("");
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!isName(name)) {
      setError(t.accounts.errors.name);
      return;
    }
    try {
      const token = await admin.call("create-client", { user: user.name, name });
      void admin.refresh("users");
      onDone(token);
    } catch (fault) {
      setError(sentence(fault));
    }
  };
  return (
    <form onSubmit={submit} noValidate>
      <TextField
        label={t.accounts.name}
        hint={t.accounts.clientHint}
        error={error}
        value={name}
        onChange={(event) => setName(event.target.value.trim())}
      />
      <DialogButtons>
        <Button look="primary" type="submit">
          {t.accounts.clientMake}
        </Button>
      </DialogButtons>
    </form>
  );
}

/** Shown once: closing it is the last that is seen of the token. */
function TokenDialog({ token, onClose }: { token: Token | null; onClose: () => void }) {
  return (
    <Dialog
      open={token !== null}
      onClose={onClose}
      title={t.accounts.tokenOf(token?.client.split("/").at(-1) ?? "")}
      text={token === null ? "" : t.accounts.tokenText(token.client)}
    >
      <div className="flex items-center gap-2 rounded-md border border-line bg-sunken px-3 py-2">
        <code className="min-w-0 flex-1 font-mono wrap-anywhere select-all" data-testid="token">
          {token?.token}
        </code>
        {token !== null && <CopyButton always value={token.token} what={t.accounts.tokenWhat} />}
      </div>
      {token !== null && token.address === null && (
        <p className="mt-3 text-muted">{t.accounts.tokenNowhere}</p>
      )}
      {token !== null && token.address !== null && (
        <div className="mt-3 grid gap-2">
          <p>
            {t.accounts.tokenAddress} <Ident value={token.address} what={t.accounts.address} mono />
          </p>
          {token.qr !== null && <QrCode qr={token.qr} label={t.accounts.addressQr} />}
        </div>
      )}
      <DialogButtons>
        <Button look="primary" onClick={onClose}>
          {t.accounts.tokenDone}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
