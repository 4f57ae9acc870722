import { useLocation, useNavigate } from "@tanstack/react-router";
import { ChevronDown, ChevronUp, Eye, FlaskConical, Unplug } from "lucide-react";
import { useMemo, useState } from "react";
import type { DemoNode } from "@/bindings/DemoNode";
import { useApprovals } from "@/domain/connection/approvals";
import { useDemo, useDemoActions } from "@/domain/demo/hooks";
import { nameOf } from "@/domain/node/identifiers";
import { useActions } from "@/shared/actions";
import { Button, IconButton } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Switch } from "@/shared/form";
import { Count } from "@/shared/layout";
import { Menu } from "@/shared/Menu";
import { demoFolded } from "@/shared/preference";
import { useStore } from "@/shared/store";
import { t } from "@/text";
import { BreakDialog, SwitchedOn } from "./BreakDialog";

/** The demo's providers, on every screen: which of them one sees, which of them run, who asks whom, and what is broken. */
export function DemoBar() {
  const demo = useDemo();
  const folded = useStore(demoFolded);
  const actions = useDemoActions();
  const look = useLook();
  const nodes = demo?.nodes ?? [];
  const shown = nodes.find((node) => node.shown);
  const [breaking, setBreaking] = useState(false);
  useActions([
    {
      id: "demo.break",
      title: t.demo.breaks.title,
      group: t.palette.groups.demo,
      keys: ["v x"],
      run: () => setBreaking(true),
    },
    {
      id: "demo.fold",
      title: folded ? t.demo.show : t.demo.hide,
      group: t.palette.groups.demo,
      run: () => demoFolded.set(!folded),
    },
    ...nodes
      .filter((node) => !node.shown && node.running)
      .map((node) => ({
        id: `demo.look.${node.name}`,
        title: t.demo.look(node.name),
        group: t.palette.groups.demo,
        keys: [`v ${node.name.charAt(0)}`],
        run: () => void look(node.name),
      })),
    ...nodes
      .filter((node) => !node.shown)
      .map((node) => ({
        id: `demo.${node.name}`,
        title: node.running ? t.demo.stop(node.name) : t.demo.start(node.name),
        group: t.palette.groups.demo,
        run: () => void actions.run(node, !node.running),
      })),
  ]);
  if (demo === null || shown === undefined) return null;
  return (
    <section aria-label={t.demo.controls} className="border-t border-line bg-surface" data-testid="demo-bar">
      <div className="flex min-h-10 items-center gap-x-4 gap-y-1 px-4 py-1 max-[72rem]:flex-wrap max-sm:px-3">
        <span
          className="inline-flex items-center gap-1.5 font-semibold whitespace-nowrap"
          title={t.settings.demoText}
        >
          <FlaskConical className="size-4 text-muted" aria-hidden="true" />
          <span className="min-[72rem]:hidden">{t.demo.short}</span>
          <span className="max-[72rem]:hidden">{t.demo.label}</span>
        </span>
        {folded ? (
          <span className="text-muted">{t.demo.looking(shown.name)}</span>
        ) : (
          <>
            <div className="flex items-center gap-2 max-sm:w-full">
              <span className="whitespace-nowrap text-muted max-[62rem]:hidden">{t.demo.youSee}</span>
              <ul className="flex divide-x divide-line rounded-md border border-line-strong max-sm:w-full max-[24rem]:flex-wrap">
                {nodes.map((node) => (
                  <Node key={node.name} node={node} onLook={() => void look(node.name)} />
                ))}
              </ul>
            </div>
            <Asking shown={shown} nodes={nodes} />
            <Button
              small
              data-testid="demo-break"
              icon={<Unplug className="size-3.5" aria-hidden="true" />}
              className="max-[48rem]:order-1"
              onClick={() => setBreaking(true)}
            >
              {t.demo.breaks.button}
            </Button>
          </>
        )}
        <IconButton
          label={folded ? t.demo.show : t.demo.hide}
          className="ml-auto max-sm:order-first max-sm:-ml-1.5"
          aria-expanded={!folded}
          onClick={() => demoFolded.set(!folded)}
        >
          {folded ? <ChevronUp className="size-4" /> : <ChevronDown className="size-4" />}
        </IconButton>
      </div>
      <SwitchedOn demo={demo} />
      <BreakDialog demo={demo} open={breaking} onClose={() => setBreaking(false)} />
    </section>
  );
}

/** Shows another provider on the same screen; what was open on it may not be there, but groups are shared. */
function useLook(): (name: string) => Promise<void> {
  const actions = useDemoActions();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  return async (name) => {
    if (pathname !== "/groups") await navigate({ to: pathname, search: {}, replace: true });
    await actions.look(name);
  };
}

/** One provider: a switch that stops it, and a button that shows it. */
function Node({ node, onLook }: { node: DemoNode; onLook: () => void }) {
  const actions = useDemoActions();
  const { name, shown, running, waiting, unread, provider } = node;
  const news = shown ? "" : t.demo.news(waiting, unread);
  return (
    <li
      className={cx(
        "relative flex items-center gap-2 pl-2 first:rounded-l-md last:rounded-r-md max-sm:flex-auto max-sm:gap-1 max-sm:pl-1.5",
        shown && "bg-accent-soft",
      )}
    >
      <span title={shown ? t.demo.mustNotBeShown(name) : undefined}>
        <Switch
          hideLabel
          label={t.demo.run(name)}
          testId={`demo-node-${name}`}
          checked={running}
          disabled={shown}
          onChange={(on) => void actions.run(node, on)}
        />
      </span>
      <button
        type="button"
        aria-pressed={shown}
        data-testid={`demo-look-${name}`}
        disabled={!running}
        title={running ? `${t.demo.lookHint(name)} (${provider})` : t.demo.mustRun(name)}
        className={cx(
          "inline-flex h-7 items-center gap-1.5 rounded-r-md pr-2.5 whitespace-nowrap -outline-offset-2 disabled:text-muted max-sm:pr-1.5",
          shown ? "font-semibold text-accent" : "enabled:hover:text-accent",
        )}
        onClick={shown ? undefined : onLook}
      >
        {shown && <Eye className="size-3.5 max-sm:hidden" aria-hidden="true" />}
        {name}
        {!running && <span className="text-sm max-[62rem]:sr-only">{t.demo.stopped}</span>}
        {news !== "" && <Count accent n={waiting + unread} label={news} />}
        {news !== "" && <span className="sr-only">: {news}</span>}
      </button>
    </li>
  );
}

/** Lets somebody of a provider that is not shown ask somebody of the one that is. */
function Asking({ shown, nodes }: { shown: DemoNode; nodes: readonly DemoNode[] }) {
  const actions = useDemoActions();
  const approvals = useApprovals().data;
  /** Everyone elsewhere with everyone here; who has asked already or is connected comes last. */
  const pairs = useMemo(() => {
    const taken = new Set(
      [
        ...(approvals?.incoming ?? []),
        ...(approvals?.decided ?? []).flatMap((each) =>
          each.kind === "connection" && (each.connection.state === "approved" || each.connection.ignored)
            ? [each.connection]
            : [],
        ),
      ].flatMap(({ from, to }) => [`${from} ${to}`, `${to} ${from}`]),
    );
    const all = nodes
      .filter((node) => node !== shown && node.running)
      .flatMap((node) =>
        node.people.flatMap((from) =>
          shown.people.map((to) => ({ from, to, provider: node.name, taken: taken.has(`${from} ${to}`) })),
        ),
      );
    return all.toSorted((a, b) => Number(a.taken) - Number(b.taken));
  }, [approvals, nodes, shown]);
  const [next] = pairs;
  if (next === undefined) return null;
  return (
    // Where one row is too narrow, a second one of its own: what folds the bar stays at the end of the first.
    <span className="inline-flex max-[48rem]:order-1 max-[48rem]:basis-full">
      <Button
        small
        data-testid="demo-ask"
        className="rounded-r-none"
        onClick={() => void actions.ask(next.from, next.to)}
      >
        {t.demo.ask(nameOf(next.from), nameOf(next.to))}
      </Button>
      <Menu
        items={pairs.map(({ from, to, provider }) => ({
          id: `ask ${from} ${to}`,
          text: t.demo.askAt(nameOf(from), nameOf(to), provider),
          run: () => void actions.ask(from, to),
        }))}
        trigger={
          <Button small aria-label={t.demo.choose} className="-ml-px rounded-l-none px-1">
            <ChevronDown className="size-3.5" aria-hidden="true" />
          </Button>
        }
      />
    </span>
  );
}
