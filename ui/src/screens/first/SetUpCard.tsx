import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { SetUp } from "@/bindings/SetUp";
import type { SetUpAnswer } from "@/bindings/SetUpAnswer";
import type { SetUpField } from "@/bindings/SetUpField";
import type { SetUpLook } from "@/bindings/SetUpLook";
import type { SetUpNote } from "@/bindings/SetUpNote";
import { asSentence, sentence, useAdmin } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { Checkbox, Choices, Select, TextField } from "@/shared/form";
import { useRested } from "@/shared/hooks";
import { Fault } from "@/shared/layout";
import { Mark } from "@/shared/Mark";
import { WebLink } from "@/shared/WebLink";
import { t } from "@/text";

const words = t.first.own;

type Answers = Omit<SetUp, "confirmed">;
type TypedField = Exclude<SetUpField, "reached_by" | "agree_terms" | "challenge" | "open_port">;

/** What rests for so long is looked at. */
const REST_MS = 400;

/** A provider of one's own: each answer is looked at by the node as it is given, with what to do beside it. */
export function SetUpCard({ onSetUp }: { onSetUp: () => void }) {
  const admin = useAdmin();
  const [answers, setAnswers] = useState<Answers>({ provider: "", user: "", reached_by: "acme" });
  const [confirmed, setConfirmed] = useState<readonly string[]>([]);
  const [left, setLeft] = useState<ReadonlySet<SetUpField>>(new Set());
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const { look, lookNow } = useSetUpLook({ ...answers, confirmed: [...confirmed] });

  const set = (changed: Partial<Answers>) => setAnswers((before) => ({ ...before, ...changed }));
  const leave = (field: SetUpField) => setLeft((before) => new Set(before).add(field));
  const notesOf = (field: SetUpField): readonly SetUpNote[] =>
    left.has(field) ? (answerOf(look, field)?.notes ?? []) : [];

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setFault(null);
    setBusy(true);
    try {
      const found = await lookNow();
      setLeft(new Set(found.answers.map(({ field }) => field)));
      if (found.is_ready) {
        await admin.call("set-up", { ...sent(answers), confirmed: [...confirmed] });
        onSetUp();
        admin.live.reload();
        return;
      }
      const first = found.answers.find(({ notes }) => notes.some((note) => isOpen(note, confirmed)));
      focusOn(form.current, first?.field);
    } catch (refused) {
      setFault(sentence(refused));
    }
    setBusy(false);
  };

  const notes = (field: SetUpField) => (
    <Notes
      notes={notesOf(field)}
      confirmed={confirmed}
      onInstead={(instead) => set({ [field]: instead })}
      onConfirm={(code, on) =>
        setConfirmed((before) => (on ? [...before, code] : before.filter((each) => each !== code)))
      }
    />
  );
  const field = (name: TypedField) => (
    <div>
      <TextField
        name={name}
        label={words.fields[name].label}
        hint={words.fields[name].hint}
        placeholder={words.fields[name].example || (answerOf(look, name)?.value ?? "")}
        value={answers[name] ?? ""}
        error={firstWrong(notesOf(name))}
        onChange={(event) => set({ [name]: event.target.value })}
        onBlur={() => answers[name] && leave(name)}
      />
      {notes(name)}
    </div>
  );
  const way = answers.reached_by ?? "acme";
  return (
    <section aria-labelledby="first-own" className="rounded-lg border border-line bg-surface p-5">
      <h2 id="first-own" className="text-lg font-semibold">
        {words.title}
      </h2>
      <p className="mt-1 mb-4 text-muted">{words.text}</p>
      <form ref={form} className="grid gap-4" onSubmit={submit} noValidate>
        {field("provider")}
        <div>
          <Choices
            label={words.way}
            value={way}
            options={words.ways}
            onChange={(reached_by) => {
              set({ reached_by });
              leave("reached_by");
            }}
          />
          {firstWrong(notesOf("reached_by")) !== null && (
            <p className="mt-1 text-sm text-bad">{firstWrong(notesOf("reached_by"))}</p>
          )}
          {notes("reached_by")}
        </div>
        {field("listen")}
        {answerOf(look, "open_port") !== undefined && (
          <OpenPort
            checked={answers.open_port === true}
            wrong={firstWrong(notesOf("open_port"))}
            onChange={(open_port) => {
              set({ open_port });
              leave("open_port");
            }}
          />
        )}
        {way === "files" && (
          <>
            {field("tls_cert")}
            {field("tls_key")}
          </>
        )}
        {way === "proxy" && <p className="text-sm text-muted">{words.proxyAfter}</p>}
        {way === "network" && <p className="text-sm text-muted">{words.networkAfter}</p>}
        {way === "acme" && (
          <>
            <Terms
              checked={answers.agree_terms === true}
              wrong={firstWrong(notesOf("agree_terms"))}
              onChange={(agree_terms) => set({ agree_terms })}
            />
            {field("contact")}
            <div>
              <Select
                name="challenge"
                label={words.challenge}
                value={answers.challenge ?? "tls-alpn-01"}
                onChange={(event) => {
                  set({ challenge: event.target.value as NonNullable<SetUp["challenge"]> });
                  leave("challenge");
                }}
              >
                {words.challenges.map(({ value, text }) => (
                  <option key={value} value={value}>
                    {text}
                  </option>
                ))}
              </Select>
              {firstWrong(notesOf("challenge")) !== null && (
                <p className="mt-1 text-sm text-bad">{firstWrong(notesOf("challenge"))}</p>
              )}
              {notes("challenge")}
            </div>
            {answers.challenge === "dns-01" && field("dns_command")}
          </>
        )}
        {field("user")}
        {field("clients")}
        {look?.account != null && <p className="text-sm text-muted">{words.preview(look.account)}</p>}
        {fault !== null && <Fault>{fault}</Fault>}
        <div>
          <Button type="submit" className="h-8 px-4" disabled={busy}>
            {busy ? words.making : words.make}
          </Button>
        </div>
      </form>
    </section>
  );
}

function OpenPort({
  checked,
  wrong,
  onChange,
}: {
  checked: boolean;
  wrong: string | null;
  onChange: (on: boolean) => void;
}) {
  return (
    <div>
      <div className="flex items-start gap-1.5">
        <Checkbox
          name="open_port"
          label={words.openPort}
          checked={checked}
          aria-invalid={wrong !== null}
          onChange={(event) => onChange(event.target.checked)}
        />
        <p className="mt-0.5">
          {words.openPort}
          <span className="block text-sm text-muted">{words.openPortHint}</span>
        </p>
      </div>
      {wrong !== null && <p className="mt-1 text-sm text-bad">{wrong}</p>}
    </div>
  );
}

function Terms({
  checked,
  wrong,
  onChange,
}: {
  checked: boolean;
  wrong: string | null;
  onChange: (on: boolean) => void;
}) {
  return (
    <div>
      <div className="flex items-start gap-1.5">
        <Checkbox
          name="agree_terms"
          label={words.terms}
          checked={checked}
          aria-invalid={wrong !== null}
          onChange={(event) => onChange(event.target.checked)}
        />
        <p className="mt-0.5">
          {words.terms} (<WebLink href="https://letsencrypt.org/repository/">{words.termsLink}</WebLink>)
        </p>
      </div>
      {wrong !== null && <p className="mt-1 text-sm text-bad">{wrong}</p>}
    </div>
  );
}

/** What to answer instead, and what has to be confirmed. What is wrong stands at the field itself. */
function Notes({
  notes,
  confirmed,
  onInstead,
  onConfirm,
}: {
  notes: readonly SetUpNote[];
  confirmed: readonly string[];
  onInstead: (instead: string) => void;
  onConfirm: (code: string, on: boolean) => void;
}) {
  const offer = ({ instead }: SetUpNote): ReactNode =>
    instead !== null && (
      <Button small onClick={() => onInstead(instead)}>
        {words.take(instead)}
      </Button>
    );
  const wrong = notes.find(({ kind }) => kind === "wrong");
  return (
    <>
      {wrong !== undefined && wrong.instead !== null && <div className="mt-1.5">{offer(wrong)}</div>}
      {notes
        .filter(({ kind }) => kind === "confirm")
        .map((note) => (
          <div key={note.code} className="mt-2 rounded-md border border-line bg-sunken px-3 py-2 text-sm">
            <p className="flex items-start gap-2">
              <Mark tone="warn" shape="triangle" className="mt-1" />
              <span className="min-w-0 break-words">{asSentence(note.text)}</span>
            </p>
            <div className="mt-1.5 flex flex-wrap items-center gap-x-4 gap-y-1.5">
              {offer(note)}
              <span className="flex items-center gap-1.5">
                <Checkbox
                  label={words.meant}
                  data-code={note.code}
                  checked={confirmed.includes(note.code)}
                  onChange={(event) => onConfirm(note.code, event.target.checked)}
                />
                <span aria-hidden="true">{words.meant}</span>
              </span>
            </div>
          </div>
        ))}
    </>
  );
}

/** What the node says of the answers, kept up to date as they rest. */
function useSetUpLook(asked: SetUp) {
  const admin = useAdmin();
  const [look, setLook] = useState<SetUpLook | null>(null);
  const latest = useRef(0);
  const lookNow = async (): Promise<SetUpLook> => {
    latest.current += 1;
    const own = latest.current;
    const found = await admin.call("look-at-set-up", { ...sent(asked), confirmed: asked.confirmed ?? [] });
    if (own === latest.current) setLook(found);
    return found;
  };
  const rested = useRested(JSON.stringify(asked), REST_MS);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is looked anew when the answers have rested, and not when the page is drawn.
  useEffect(() => {
    // The node says the same again when the form is sent, and what keeps it from answering is shown there.
    void lookNow().catch(() => {});
  }, [rested]);
  return { look, lookNow };
}

/** The answers without those that are empty, which have a default then. */
function sent(answers: Answers): SetUp {
  const filled = Object.entries(answers).filter(
    ([, value]) => typeof value !== "string" || value.trim() !== "",
  );
  return {
    ...(Object.fromEntries(filled) as Partial<Answers>),
    provider: answers.provider,
    user: answers.user,
  };
}

function answerOf(look: SetUpLook | null, field: SetUpField): SetUpAnswer | undefined {
  return look?.answers.find((each) => each.field === field);
}

function firstWrong(notes: readonly SetUpNote[]): string | null {
  const wrong = notes.find(({ kind }) => kind === "wrong");
  return wrong === undefined ? null : asSentence(wrong.text);
}

function isOpen(note: SetUpNote, confirmed: readonly string[]): boolean {
  return note.kind === "wrong" || !confirmed.includes(note.code);
}

function focusOn(form: HTMLFormElement | null, field: SetUpField | undefined): void {
  const named = field === "reached_by" ? 'input[type="radio"]:checked' : `[name="${field}"]`;
  form?.querySelector<HTMLElement>(named)?.focus();
}
