import { type FormEvent, useState } from "react";
import { sentence, useAdmin } from "@/domain/node/admin";
import { useLink } from "@/domain/node/hooks";
import { Button } from "@/shared/Button";
import { TextField } from "@/shared/form";
import { t } from "@/text";

/** A browser without a session: where the token is printed, and a field to type it in. */
export function TokenScreen() {
  const admin = useAdmin();
  const link = useLink();
  const [text, setText] = useState("");
  const refused = admin.platform.entrance?.refused ?? null;
  const [error, setError] = useState<string | null>(refused === null ? null : sentence(refused));
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    // The whole link is what is at hand to copy, so it will do.
    const token = (/#token=(.+)$/.exec(text)?.[1] ?? text).trim();
    if (token === "") {
      setError(t.token.empty);
      return;
    }
    setBusy(true);
    try {
      await admin.platform.entrance?.enter(token);
      admin.live.unlocked();
    } catch (fault) {
      setError(sentence(fault));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="grid h-full place-items-center overflow-y-auto p-6" id="content">
      <form
        className="grid w-full max-w-[30rem] gap-3 rounded-lg border border-line bg-surface p-6"
        onSubmit={submit}
        noValidate
      >
        <h1 className="text-xl font-semibold">{t.token.title}</h1>
        {link.state === "locked" && link.why.code === "session-ended" && (
          <p role="status" data-testid="session-ended">
            {sentence(link.why)}
          </p>
        )}
        <p>{t.token.why}</p>
        <p className="text-muted">{t.token.where}</p>
        <p>
          <code className="rounded-sm bg-sunken px-1.5 py-0.5 font-mono text-sm">{t.token.example}</code>
        </p>
        <TextField
          label={t.token.field}
          type="password"
          value={text}
          error={error}
          onChange={(event) => setText(event.target.value)}
        />
        <div>
          <Button look="primary" type="submit" className="h-8 px-4" disabled={busy}>
            {t.token.enter}
          </Button>
        </div>
      </form>
    </main>
  );
}
