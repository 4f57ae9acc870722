import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Route, Stethoscope } from "lucide-react";
import { type FormEvent, useEffect, useId, useMemo, useState } from "react";
import type { Peer } from "@/bindings/Peer";
import { useLook } from "@/domain/check/hooks";
import { isOwn, type Subject } from "@/domain/check/looks";
import { type DoctorPlace, placeOf } from "@/domain/check/place";
import { Alias } from "@/domain/demo/Alias";
import { CardButton } from "@/domain/node/CardButton";
import { usePeers } from "@/domain/peer/hooks";
import { PeerStateWord } from "@/domain/peer/PeerState";
import { peerWord } from "@/domain/peer/words";
import { Button, buttonClass } from "@/shared/Button";
import { TextField } from "@/shared/form";
import { Fault, Panel, Screen } from "@/shared/layout";
import { t } from "@/text";
import { HavePeerLook, useLookers } from "./doctor/HavePeerLook";
import { Report } from "./doctor/Report";

/** Why does it not work? */
export function DoctorScreen() {
  const place: DoctorPlace = useSearch({ strict: false });
  const navigate = useNavigate();
  const peers = usePeers().data?.peers ?? NO_PEERS;
  const lookers = useLookers(peers);
  const { look, by, begin } = useLook(place);
  const lookAt = (subject: Subject) => {
    begin(subject);
    const wanted = placeOf(subject);
    const isHere = place.provider === wanted.provider && place.self === wanted.self && place.by === wanted.by;
    if (!isHere) void navigate({ to: "/doctor", search: wanted });
  };
  const askToLook = (peer: string) => lookAt({ kind: "look-back", peer });
  const again = () => look !== undefined && begin(look.subject);
  const about = look?.report?.seen_by ?? look?.report?.provider;
  return (
    <Screen title={t.doctor.title} actions={<span className="text-muted">{t.doctor.question}</span>}>
      <div className="mb-4 flex flex-wrap items-start gap-x-6 gap-y-3">
        <LookForm
          provider={place.provider ?? ""}
          peers={peers}
          onLook={(typed) => lookAt({ kind: "provider", typed })}
        />
        <CheckMe onLook={() => lookAt({ kind: "own" })} />
      </div>
      {look === undefined ? (
        place.provider === undefined &&
        place.self === undefined && (
          <>
            <p className="mb-4 max-w-[44rem] text-muted">{t.doctor.intro}</p>
            <FromElsewhere lookers={lookers} onAsk={askToLook} />
            <ToDryRun />
            <TraceOne />
            <KnownProviders peers={peers} />
          </>
        )
      ) : look.state === "refused" ? (
        <Fault onRetry={again}>
          {t.doctor.refused} {look.fault}
        </Fault>
      ) : (
        <Report
          key={look.key}
          look={look}
          by={by}
          peer={peers.find(({ provider }) => provider === about)?.provider ?? null}
          actions={
            isOwn(look) && (
              <>
                <CardButton />
                {lookers.length > 0 && <HavePeerLook lookers={lookers} onAsk={askToLook} />}
              </>
            )
          }
          onAgain={again}
        />
      )}
    </Screen>
  );
}

const NO_PEERS: readonly Peer[] = [];
const MOST_SUGGESTED = 50;

function LookForm({
  provider,
  peers,
  onLook,
}: {
  provider: string;
  peers: readonly Peer[];
  onLook: (typed: string) => void;
}) {
  const [typed, setTyped] = useState(provider);
  const [error, setError] = useState<string | null>(null);
  const list = useId();
  // Another address came from a link or a step in the history; the field itself stays, and keeps the focus.
  useEffect(() => {
    setTyped(provider);
    setError(null);
  }, [provider]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const text = typed.trim();
    if (text === "") setError(t.app.nothingNamed.provider);
    else onLook(text);
  };
  const suggested = useMemo(
    () => peers.filter((peer) => peer.provider.includes(typed.toLowerCase())).slice(0, MOST_SUGGESTED),
    [peers, typed],
  );
  return (
    <form
      noValidate
      role="search"
      aria-label={t.doctor.title}
      onSubmit={submit}
      className="flex min-w-0 max-w-[31rem] flex-[1_1_20rem] items-start gap-2"
    >
      <TextField
        className="min-w-0 flex-1"
        label={t.doctor.field}
        hint={t.doctor.fieldHint}
        error={error}
        list={list}
        value={typed}
        placeholder="beta.example"
        onChange={(event) => {
          setTyped(event.target.value);
          setError(null);
        }}
      />
      <datalist id={list}>
        {suggested.map((peer) => (
          <option key={peer.provider} value={peer.provider} />
        ))}
      </datalist>
      {/* As high as the label, so that the button stands beside the field. */}
      <Button
        look="primary"
        type="submit"
        className="mt-6 h-8"
        icon={<Stethoscope className="size-3.5" aria-hidden="true" />}
      >
        {t.doctor.look}
      </Button>
    </form>
  );
}

/** The other way in: this provider itself. */
function CheckMe({ onLook }: { onLook: () => void }) {
  const id = useId();
  return (
    <div className="flex-none border-line max-sm:flex max-sm:w-full max-sm:items-center max-sm:gap-3 max-sm:border-t max-sm:pt-3 sm:border-l sm:pl-6">
      <p className="mb-1 font-medium max-sm:hidden">{t.doctor.me}</p>
      <Button
        look="primary"
        className="h-8"
        aria-describedby={id}
        data-testid="check-me"
        icon={<Stethoscope className="size-3.5" aria-hidden="true" />}
        onClick={onLook}
      >
        {t.doctor.checkMe}
      </Button>
      <p id={id} className="text-sm text-muted sm:mt-1">
        {t.doctor.checkMeHint}
      </p>
    </div>
  );
}

/** Where nothing was asked yet: what a peer can tell that this node cannot see. */
function FromElsewhere({ lookers, onAsk }: { lookers: readonly Peer[]; onAsk: (peer: string) => void }) {
  const words = t.doctor.from;
  return (
    <Panel
      title={words.title}
      className="mb-4 max-w-[44rem]"
      actions={lookers.length > 0 && <HavePeerLook lookers={lookers} onAsk={onAsk} />}
    >
      <p className="text-muted">
        {words.text} {lookers.length === 0 && words.nobody}
      </p>
    </Panel>
  );
}

/** Where nothing was asked yet: the other question, what this provider does with others. */
function ToDryRun() {
  return (
    <Panel
      title={t.dryRun.title}
      className="mb-4 max-w-[44rem]"
      actions={
        <Link to="/doctor/dry-run" className={buttonClass({})}>
          {t.dryRun.open}
        </Link>
      }
    >
      <p className="text-muted">{t.dryRun.intro}</p>
    </Panel>
  );
}

/** The other question: where one message is. */
function TraceOne() {
  return (
    <Panel
      title={t.trace.open}
      className="mb-4 max-w-[44rem]"
      actions={
        <Link to="/doctor/trace" className={buttonClass({})} data-testid="open-trace">
          <Route className="size-3.5" aria-hidden="true" />
          {t.trace.open}
        </Link>
      }
    >
      <p className="text-muted">{t.trace.openHint}</p>
    </Panel>
  );
}

const FIRST_FEW = 12;

/** Where nothing was asked yet: whom one may mean, those with trouble first. */
function KnownProviders({ peers }: { peers: readonly Peer[] }) {
  const sorted = useMemo(
    () => peers.toSorted((a, b) => peerWord(a).rank - peerWord(b).rank).slice(0, FIRST_FEW),
    [peers],
  );
  if (sorted.length === 0) return null;
  return (
    <Panel flush title={t.doctor.known} className="max-w-[44rem]">
      <ul className="divide-y divide-line">
        {sorted.map((peer) => (
          <li
            key={peer.provider}
            className="grid grid-cols-[minmax(0,1fr)_11rem] items-center gap-x-3 px-3 py-1.5 max-sm:grid-cols-[minmax(0,1fr)_auto]"
          >
            <Link
              to="/doctor"
              search={{ provider: peer.provider }}
              title={t.doctor.lookAt(peer.provider)}
              className="font-semibold wrap-anywhere hover:underline"
            >
              {peer.provider}
              <Alias provider={peer.provider} />
            </Link>
            <PeerStateWord peer={peer} />
          </li>
        ))}
      </ul>
      {peers.length > sorted.length && (
        <p className="border-t border-line px-3 py-1.5 text-sm text-muted">
          {t.doctor.knownMore(peers.length - sorted.length)}
        </p>
      )}
    </Panel>
  );
}
