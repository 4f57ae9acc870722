import type { AddressHook } from "@/bindings/AddressHook";
import type { Certificate } from "@/bindings/Certificate";
import type { Issuance } from "@/bindings/Issuance";
import type { NameStanding } from "@/bindings/NameStanding";
import type { Ourselves } from "@/bindings/Ourselves";
import type { Router } from "@/bindings/Router";
import { OwnLookLink } from "@/domain/check/LookLink";
import { useStatus } from "@/domain/node/hooks";
import { TryIssuance } from "@/domain/node/TryIssuance";
import { now } from "@/shared/clock";
import { bytes } from "@/shared/format";
import { type Shape, StateWord, type Tone } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { Ago, Fact, Ident, Until } from "@/shared/values";
import { t } from "@/text";

const nameMarks: Record<NameStanding, { tone: Tone; shape: Shape }> = {
  found: { tone: "ok", shape: "tick" },
  unlooked: { tone: "wait", shape: "half" },
  private: { tone: "warn", shape: "triangle" },
  unresolved: { tone: "bad", shape: "triangle" },
};

/** An address that only this computer reaches is no place at which others find it. */
function nameWord({ name, name_text }: Ourselves): { tone: Tone; shape: Shape; text: string } {
  const words = t.overview.own;
  return name === "found" && name_text !== null
    ? { tone: "wait", shape: "half", text: words.onlyHere }
    : { ...nameMarks[name], text: words.standing[name] };
}

/**
 * The port that is listened on, where something else listens where others are led to, and is to forward them. In the demo it is
 * known to, and so are a proxy and a router that says so.
 */
function forwardedTo({ named_port, listening_port, router }: Ourselves, isDemo: boolean): number | null {
  const isLed = router?.ports.some((port) => port.is_open && port.external === named_port) ?? false;
  return named_port === listening_port || isLed || isDemo ? null : listening_port;
}

/** Whether others may not find it, or not believe that they did. */
function hasTrouble(own: Ourselves, isDemo: boolean): boolean {
  const { name, certificates } = own;
  const isBad = (each: Certificate) =>
    !each.is_ours || each.refused !== null || Date.parse(each.ends) <= now();
  return (
    name === "private" ||
    name === "unresolved" ||
    forwardedTo(own, isDemo) !== null ||
    certificates.some((each) => each.section === "mtp" && isBad(each))
  );
}

function issuanceState({
  is_ordering,
  issued,
  failure,
}: Issuance): keyof typeof t.overview.own.issuanceStates {
  if (is_ordering) return "ordering";
  if (failure !== null) return "failing";
  return issued === null ? "waiting" : "well";
}

function issuanceMark(issuance: Issuance): { tone: Tone; shape: Shape } {
  switch (issuanceState(issuance)) {
    case "well":
      return { tone: "ok", shape: "tick" };
    case "failing":
      return { tone: issuance.issued === null ? "bad" : "warn", shape: "triangle" };
    default:
      return { tone: "wait", shape: "half" };
  }
}

type RouterState = keyof typeof t.overview.own.routerStates;

function routerState({ trouble, looked, ports, external }: Router): RouterState {
  if (trouble !== null) return "failing";
  if (looked === null) return "asking";
  if (ports.some((port) => port.is_open)) return "open";
  return external === null ? "own" : "asked";
}

const routerMarks: Record<RouterState, { tone: Tone; shape: Shape }> = {
  open: { tone: "ok", shape: "tick" },
  asked: { tone: "ok", shape: "tick" },
  own: { tone: "ok", shape: "tick" },
  asking: { tone: "wait", shape: "half" },
  failing: { tone: "warn", shape: "triangle" },
};

type HookState = keyof typeof t.overview.own.addressHookStates;

function told({ told_v4, told_v6 }: AddressHook): string[] {
  return [told_v4, told_v6].filter((address) => address !== null);
}

function hookState(hook: AddressHook): HookState {
  if (hook.failure !== null) return "failing";
  return told(hook).length > 0 ? "well" : "waiting";
}

const hookMarks: Record<HookState, { tone: Tone; shape: Shape }> = {
  well: { tone: "ok", shape: "tick" },
  waiting: { tone: "wait", shape: "half" },
  failing: { tone: "warn", shape: "triangle" },
};

/** What is so with this node itself: whether others find its name, its certificates, and what its store cannot keep. */
export function OwnFacts({ own }: { own: Ourselves }) {
  const words = t.overview.own;
  const isDemo = useStatus().data?.mode === "demo";
  const { text, ...mark } = nameWord(own);
  const forwarded = forwardedTo(own, isDemo);
  return (
    <>
      <Fact name={words.name} hint={words.nameHint}>
        <StateWord {...mark}>{text}</StateWord>{" "}
        {own.looked !== null && <Ago at={own.looked} className="text-sm text-muted" />}
        {own.name_text !== null && (
          <span className="block text-sm text-muted">{lineText(own.name_text, 500)}</span>
        )}
        {hasTrouble(own, isDemo) && (
          <span className="block text-sm">
            <OwnLookLink />
          </span>
        )}
      </Fact>
      {forwarded !== null && (
        <Fact name={words.port} hint={words.portHint}>
          <StateWord tone="wait" shape="half">
            {words.portOther(own.named_port, forwarded)}
          </StateWord>
        </Fact>
      )}
      {own.certificates.map((each) => (
        <Fact key={each.section} name={words.certificate(each.section)} hint={words.certificateHint}>
          <Ident value={each.file} what={words.file} />
          <span className="block text-sm text-muted">
            {words.fingerprint} <Ident mono value={each.fingerprint} what={words.fingerprintWhat} />
          </span>
          <span className="block text-sm text-muted">
            {words.ends} <Until at={each.ends} due={words.ended} />
            {each.self_signed && ` · ${words.selfSigned}`}
            {!each.is_ours && ` · ${words.foreign(each.names.join(", "))}`}
          </span>
          {each.refused !== null && (
            <span className="block text-sm text-bad">{lineText(each.refused, 500)}</span>
          )}
        </Fact>
      ))}
      {own.free !== null && (
        <Fact name={words.free} hint={words.freeHint}>
          {bytes(own.free)}
        </Fact>
      )}
      {own.issuance !== null && (
        <Fact name={words.issuance} hint={words.issuanceHint}>
          <StateWord {...issuanceMark(own.issuance)}>
            {words.issuanceStates[issuanceState(own.issuance)]}
          </StateWord>
          <span className="block text-sm text-muted">
            <Ident value={own.issuance.directory} what={words.directory} /> · {own.issuance.challenge}
          </span>
          {own.issuance.next !== null && (
            <span className="block text-sm text-muted">
              {own.issuance.failure === null && own.issuance.issued !== null ? words.renewed : words.tried}{" "}
              <Until at={own.issuance.next} due={words.now} />
            </span>
          )}
          {own.issuance.failure !== null && (
            <>
              <span className="block text-sm text-bad">{lineText(own.issuance.failure.text, 800)}</span>
              {!own.issuance.is_ordering && (
                <span className="mt-1 block">
                  <TryIssuance small />
                </span>
              )}
            </>
          )}
        </Fact>
      )}
      {own.router !== null && (
        <Fact name={words.router} hint={words.routerHint}>
          <StateWord {...routerMarks[routerState(own.router)]}>
            {words.routerStates[routerState(own.router)]}
          </StateWord>{" "}
          {own.router.looked !== null && <Ago at={own.router.looked} className="text-sm text-muted" />}
          <span className={`block text-sm ${own.router.trouble === null ? "text-muted" : "text-bad"}`}>
            {lineText(own.router.text, 800)}
          </span>
          {own.router.trouble !== null && own.router.next !== null && (
            <span className="block text-sm text-muted">
              {words.asked} <Until at={own.router.next} due={words.now} />
            </span>
          )}
          {own.router.trouble !== null && (
            <span className="block text-sm">
              <OwnLookLink />
            </span>
          )}
        </Fact>
      )}
      {own.address_hook !== null && (
        <Fact name={words.addressHook} hint={words.addressHookHint}>
          <StateWord {...hookMarks[hookState(own.address_hook)]}>
            {words.addressHookStates[hookState(own.address_hook)]}
          </StateWord>{" "}
          {own.address_hook.at !== null && <Ago at={own.address_hook.at} className="text-sm text-muted" />}
          {told(own.address_hook).map((address) => (
            <span key={address} className="block text-sm text-muted">
              {address}
            </span>
          ))}
          {own.address_hook.next !== null && (
            <span className="block text-sm text-muted">
              {words.tried} <Until at={own.address_hook.next} due={words.now} />
            </span>
          )}
          {own.address_hook.failure !== null && (
            <span className="block text-sm text-bad">{lineText(own.address_hook.failure, 800)}</span>
          )}
        </Fact>
      )}
      {own.store !== null && (
        <Fact name={words.store}>
          <StateWord tone="bad" shape="triangle">
            {own.store.code}
          </StateWord>
          <span className="block text-bad">{lineText(own.store.text, 500)}</span>
          <span className="block text-sm text-muted">
            {words.since} <Ago at={own.store.since} /> · {words.lost(own.store.lost)}
          </span>
        </Fact>
      )}
    </>
  );
}
