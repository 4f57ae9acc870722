import { ChevronDown, ChevronUp, FlaskConical } from "lucide-react";
import { useMemo } from "react";
import type { DemoNode } from "@/bindings/DemoNode";
import { useApprovals } from "@/domain/connection/approvals";
import { useDemo, useDemoDeeds } from "@/domain/demo/hooks";
import { nameOf } from "@/domain/node/identifiers";
import { useActions } from "@/shared/actions";
import { Button, IconButton } from "@/shared/Button";
import { Switch } from "@/shared/form";
import { StateWord } from "@/shared/Mark";
import { Menu } from "@/shared/Menu";
import { demoFolded } from "@/shared/preference";
import { useStore } from "@/shared/store";
import { t } from "@/text";

/** The demo's other providers, on every screen: start and stop them, and let their people ask ours. */
export function DemoBar() {
  const demo = useDemo();
  const folded = useStore(demoFolded);
  const deeds = useDemoDeeds();
  const [own, ...others] = demo?.nodes ?? [];
  useActions([
    {
      id: "demo.fold",
      title: folded ? t.demo.show : t.demo.hide,
      group: t.palette.groups.demo,
      run: () => demoFolded.set(!folded),
    },
    ...others.map((node) => ({
      id: `demo.${node.name}`,
      title: node.running ? t.demo.stop(node.name) : t.demo.start(node.name),
      group: t.palette.groups.demo,
      run: () => void deeds.run(node, !node.running),
    })),
  ]);
  if (own === undefined) return null;
  return (
    <section aria-label={t.demo.controls} className="border-t border-line bg-surface" data-testid="demo-bar">
      <div className="flex min-h-10 items-center gap-x-5 gap-y-1 px-4 py-1 max-sm:flex-wrap max-sm:px-3">
        <span className="inline-flex items-center gap-1.5 font-semibold" title={t.settings.demoText}>
          <FlaskConical className="size-4 text-muted" aria-hidden="true" />
          <span className="whitespace-nowrap min-[68rem]:hidden">{t.demo.short}</span>
          <span className="whitespace-nowrap max-[68rem]:hidden">{t.demo.label}</span>
        </span>
        {!folded && others.map((node) => <Node key={node.name} node={node} own={own} />)}
        <IconButton
          label={folded ? t.demo.show : t.demo.hide}
          className="ml-auto max-sm:order-first max-sm:-ml-1.5"
          aria-expanded={!folded}
          onClick={() => demoFolded.set(!folded)}
        >
          {folded ? <ChevronUp className="size-4" /> : <ChevronDown className="size-4" />}
        </IconButton>
      </div>
    </section>
  );
}

function Node({ node, own }: { node: DemoNode; own: DemoNode }) {
  const deeds = useDemoDeeds();
  const approvals = useApprovals().data;
  /** Everyone there with everyone here; who has asked already or is connected comes last. */
  const pairs = useMemo(() => {
    const taken = new Set(
      [
        ...(approvals?.incoming ?? []),
        ...(approvals?.asideConnections ?? []),
        ...(approvals?.decided ?? []).flatMap((each) =>
          each.kind === "connection" && each.connection.state === "approved" ? [each.connection] : [],
        ),
      ].flatMap(({ from, to }) => [`${from} ${to}`, `${to} ${from}`]),
    );
    const all = node.people.flatMap((from) =>
      own.people.map((to) => ({ from, to, taken: taken.has(`${from} ${to}`) })),
    );
    return all.toSorted((a, b) => Number(a.taken) - Number(b.taken));
  }, [approvals, node.people, own.people]);
  const [next] = pairs;
  return (
    <div className="flex items-center gap-2 max-sm:w-full" role="group" aria-label={node.name}>
      <Switch
        hideLabel
        label={t.demo.run(node.name)}
        testId={`demo-node-${node.name}`}
        checked={node.running}
        onChange={(running) => void deeds.run(node, running)}
      />
      <span className="font-medium max-sm:w-16" title={node.provider}>
        {node.name}
      </span>
      <StateWord
        tone={node.running ? "ok" : "muted"}
        shape={node.running ? "disc" : "square"}
        className="w-16 text-sm max-[68rem]:hidden"
      >
        {node.running ? t.demo.running : t.demo.stopped}
      </StateWord>
      {next !== undefined && (
        <span className="inline-flex">
          <Button
            small
            data-testid={`demo-ask-${node.name}`}
            className="rounded-r-none"
            disabled={!node.running}
            title={node.running ? undefined : t.demo.mustRun(node.name)}
            onClick={() => void deeds.ask(next.from, next.to)}
          >
            {t.demo.ask(nameOf(next.from), nameOf(next.to))}
          </Button>
          <Menu
            items={pairs.map(({ from, to }) => ({
              id: `ask ${from} ${to}`,
              text: t.demo.ask(nameOf(from), nameOf(to)),
              run: () => void deeds.ask(from, to),
            }))}
            trigger={
              <Button
                small
                aria-label={t.demo.choose(node.name)}
                disabled={!node.running}
                className="-ml-px rounded-l-none px-1"
              >
                <ChevronDown className="size-3.5" aria-hidden="true" />
              </Button>
            }
          />
        </span>
      )}
    </div>
  );
}
