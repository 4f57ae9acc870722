import { type FormEvent, type ReactNode, useState } from "react";
import { useShown } from "@/domain/machine/shown";
import { sentence, useAdmin } from "@/domain/node/admin";
import { AdminError } from "@/platform";
import { Button } from "@/shared/Button";
import { TextField } from "@/shared/form";
import { Fault } from "@/shared/layout";
import { Mark } from "@/shared/Mark";
import { t } from "@/text";
import { AddMachineDialog } from "./elsewhere/AddMachine";
import { SwitcherAbove } from "./elsewhere/Switcher";
import { SetUpCard } from "./first/SetUpCard";

/** Nothing has been set up yet: a demo to learn by, or a provider of one's own. */
export function FirstScreen({ onSetUp }: { onSetUp: () => void }) {
  return (
    <Offer {...t.first}>
      <DemoCard />
      {/* The longest has a column of its own, so that the others stand together. */}
      <div className="md:col-start-2 md:row-span-3 md:row-start-1">
        <SetUpCard onSetUp={onSetUp} />
      </div>
      <ElsewhereCard />
      <RestoreCard />
    </Offer>
  );
}

/** The demo was left where there is nothing else: a provider would be removed with its folder. */
export function DemoLeftScreen() {
  return (
    <Offer {...t.first.left}>
      <DemoCard />
    </Offer>
  );
}

function Offer({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  return (
    <main className="h-full overflow-y-auto" id="content">
      <div className="mx-auto max-w-[56rem] px-6 py-10 max-sm:px-4 max-sm:py-6">
        <SwitcherAbove />
        <p className="font-semibold text-muted">{t.app.name}</p>
        <h1 className="mt-1 text-2xl font-semibold">{title}</h1>
        <p className="mt-1 max-w-[40rem] text-lg text-muted">{lead}</p>
        <div className="mt-8 grid grid-cols-[minmax(0,1fr)] items-start gap-4 md:grid-cols-2 md:grid-rows-[auto_auto_1fr]">
          {children}
        </div>
      </div>
    </main>
  );
}

/** In the window: a provider that runs on another machine already. */
function ElsewhereCard() {
  const shown = useShown();
  const [adding, setAdding] = useState(false);
  const words = t.elsewhere.adding;
  if (shown === null || shown.machine !== null) return null;
  return (
    <section aria-labelledby="first-elsewhere" className="rounded-lg border border-line bg-surface p-5">
      <h2 id="first-elsewhere" className="text-lg font-semibold">
        {words.title}
      </h2>
      <p className="mt-1 mb-4 text-muted">{words.text}</p>
      <Button className="h-8 px-4" data-testid="first-add-machine" onClick={() => setAdding(true)}>
        {words.begin}
      </Button>
      <AddMachineDialog open={adding} onClose={() => setAdding(false)} />
    </section>
  );
}

function DemoCard() {
  const admin = useAdmin();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const start = async () => {
    setBusy(true);
    setFault(null);
    try {
      await admin.call("start-demo", {});
      admin.live.reload();
    } catch (refused) {
      setFault(sentence(refused));
      setBusy(false);
    }
  };
  return (
    <section aria-labelledby="first-demo" className="rounded-lg border border-line bg-surface p-5">
      <h2 id="first-demo" className="text-lg font-semibold">
        {t.first.demo.title}
      </h2>
      <p className="mt-1 text-muted">{t.first.demo.text}</p>
      <DemoPicture />
      <ul className="mb-4 grid gap-1.5">
        {t.first.demo.points.map((point) => (
          <li key={point} className="flex items-center gap-2">
            <Mark tone="ok" shape="tick" />
            {point}
          </li>
        ))}
      </ul>
      {fault !== null && (
        <div className="mb-3">
          <Fault>{fault}</Fault>
        </div>
      )}
      <Button look="primary" className="h-8 px-4" data-testid="start-demo" disabled={busy} onClick={start}>
        {busy ? t.first.demo.starting : t.first.demo.start}
      </Button>
    </section>
  );
}

/** Three providers, each pulling the others: what the demo is, at a glance. */
function DemoPicture() {
  const places = [
    { name: "alpha", x: 60, y: 60 },
    { name: "beta", x: 220, y: 28 },
    { name: "gamma", x: 220, y: 92 },
  ];
  return (
    <svg viewBox="0 0 280 120" aria-hidden="true" className="my-3 w-full text-ink">
      <g stroke="var(--line-strong)" strokeWidth="1.25" fill="none">
        <path d="M95 54 185 33M95 62 185 41" strokeDasharray="4 3" />
        <path d="M95 58 185 79M95 66 185 87" strokeDasharray="4 3" />
        <path d="M214 42v36M226 42v36" strokeDasharray="4 3" />
      </g>
      {places.map((place, index) => (
        <g key={place.name}>
          <rect
            x={place.x - 35}
            y={place.y - 14}
            width="70"
            height="28"
            rx="6"
            fill={index === 0 ? "var(--accent-soft)" : "var(--surface)"}
            stroke={index === 0 ? "var(--accent)" : "var(--line-strong)"}
          />
          <text
            x={place.x}
            y={place.y + 4}
            textAnchor="middle"
            fontSize="12"
            fontWeight="600"
            fill="currentColor"
          >
            {place.name}
          </text>
        </g>
      ))}
    </svg>
  );
}

/** A provider that ran elsewhere, from a backup of it. */
function RestoreCard() {
  const admin = useAdmin();
  const [file, setFile] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [fault, setFault] = useState<{ code: string; text: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const words = t.first.restore;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setFault(null);
    setBusy(true);
    try {
      await admin.call("restore", { file, ...(passphrase === "" ? {} : { passphrase }) });
      admin.live.reload();
    } catch (refused) {
      setBusy(false);
      setFault({ code: refused instanceof AdminError ? refused.code : "", text: sentence(refused) });
    }
  };
  const needs = fault === null ? undefined : words.needs[fault.code];
  return (
    <section aria-labelledby="first-restore" className="rounded-lg border border-line bg-surface p-5">
      <h2 id="first-restore" className="text-lg font-semibold">
        {words.title}
      </h2>
      <p className="mt-1 mb-4 text-muted">{words.text}</p>
      <form className="grid gap-3" onSubmit={submit} noValidate>
        <TextField
          name="backup"
          label={words.file}
          hint={words.fileHint}
          value={file}
          onChange={(event) => setFile(event.target.value)}
        />
        <TextField
          type="password"
          name="passphrase"
          label={words.passphrase}
          hint={words.passphraseHint}
          error={needs ?? null}
          value={passphrase}
          onChange={(event) => setPassphrase(event.target.value)}
        />
        {fault !== null && needs === undefined && <Fault>{fault.text}</Fault>}
        <div>
          <Button type="submit" className="h-8 px-4" disabled={busy || file.trim() === ""}>
            {busy ? words.restoring : words.restore}
          </Button>
        </div>
      </form>
    </section>
  );
}
