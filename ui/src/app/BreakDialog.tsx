import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Demo } from "@/bindings/Demo";
import type { DemoNode } from "@/bindings/DemoNode";
import type { DemoSwitch } from "@/bindings/DemoSwitch";
import { useDemoActions } from "@/domain/demo/hooks";
import { lockedBy, SWITCHES, switchedOn } from "@/domain/demo/switches";
import { usePeers } from "@/domain/peer/hooks";
import { Button } from "@/shared/Button";
import { Dialog } from "@/shared/Dialog";
import { Segments, Switch } from "@/shared/form";
import { Mark } from "@/shared/Mark";
import { t } from "@/text";

const words = t.demo.breaks;

/** With these something was exchanged, so that a failure shows. */
const FEDERATES: ReadonlySet<string> = new Set(["allowed", "key-changed"]);

/** What may be wrong with a provider of the demo, each with what it does and where one sees that. */
export function BreakDialog({ demo, open, onClose }: { demo: Demo; open: boolean; onClose: () => void }) {
  const [chosen, choose] = useState<string | null>(null);
  const { nodes } = demo;
  const peers = usePeers().data?.peers ?? [];
  const others = nodes.filter((each) => !each.shown);
  const stateOf = (each: DemoNode) => peers.find((peer) => peer.provider === each.provider)?.state;
  // Only what is exchanged can be seen to fail.
  const federates = others.find((each) => stateOf(each) === "allowed");
  const node = nodes.find((each) => each.name === chosen) ?? federates ?? others[0] ?? nodes[0];
  if (node === undefined) return null;
  const link = "text-accent underline underline-offset-2";
  return (
    <Dialog wide open={open} onClose={onClose} title={words.title} text={words.intro}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Segments
          label={words.provider}
          value={node.name}
          options={nodes.map((each) => ({
            value: each.name,
            text: (
              <>
                {each.name}
                {each.on.length > 0 && (
                  <span className="ml-1.5 inline-flex items-center gap-1 text-warn">
                    <Mark tone="warn" shape="triangle" />
                    {each.on.length}
                    <span className="sr-only"> {words.on}</span>
                  </span>
                )}
              </>
            ),
          }))}
          onChange={choose}
        />
        {!node.shown && peers.length > 0 && !FEDERATES.has(stateOf(node) ?? "unknown") && (
          <p className="basis-full text-sm text-warn">{words.notLetIn(node.name)}</p>
        )}
        {node.shown ? (
          <span className="text-sm text-muted">{words.isShown(node.name)}</span>
        ) : (
          <span className="flex flex-wrap gap-x-4 text-sm">
            <Link to="/doctor" search={{ provider: node.provider }} className={link} onClick={onClose}>
              {t.doctor.lookAt(node.name)}
            </Link>
            <Link to="/peers" search={{ open: node.provider }} className={link} onClick={onClose}>
              {words.page(node.name)}
            </Link>
          </span>
        )}
      </div>
      {SWITCHES.map(({ part, switches }) => (
        <section key={part} aria-label={words.part[part]} className="mt-4">
          <h3 className="mb-2 text-sm font-semibold text-muted">{words.part[part]}</h3>
          <ul className="grid gap-3">
            {switches.map((each) => (
              <li key={each}>
                <OneSwitch node={node} of={each} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Dialog>
  );
}

function OneSwitch({ node, of }: { node: DemoNode; of: DemoSwitch }) {
  const actions = useDemoActions();
  const locked = lockedBy(node, of);
  const { name, text } = words.switches[of];
  const why =
    locked === "shown"
      ? ` ${words.notShown(node.name)}`
      : locked === "no-group"
        ? ` ${words.noGroup(node.name)}`
        : "";
  const doing = node.turning === of ? ` ${words.turning}` : "";
  return (
    <Switch
      label={name}
      text={`${text(node.name)}${why}${doing}`}
      testId={`break-${of}`}
      checked={node.on.includes(of)}
      disabled={locked !== null}
      onChange={(on) => void actions.turn(node, of, on)}
    />
  );
}

/** Everything that is switched on, each with a way to turn it off. */
export function SwitchedOn({ demo }: { demo: Demo }) {
  const actions = useDemoActions();
  const all = switchedOn(demo);
  if (all.length === 0) return null;
  return (
    <section
      aria-label={words.onNow}
      data-testid="switched-on"
      className="flex flex-wrap items-center gap-x-2 gap-y-1 border-t border-line px-4 py-1 max-sm:px-3"
    >
      <span className="inline-flex items-center gap-1.5 font-medium text-warn">
        <Mark tone="warn" shape="triangle" />
        {words.onNow}
      </span>
      <ul className="flex flex-wrap items-center gap-1.5">
        {all.map(({ node, switch: of }) => (
          <li key={`${node.name} ${of}`}>
            <Button
              small
              disabled={lockedBy(node, of) !== null}
              aria-label={words.turnOff(words.switches[of].name, node.name)}
              title={words.turnOff(words.switches[of].name, node.name)}
              onClick={() => void actions.turn(node, of, false)}
            >
              {node.name}: {words.switches[of].short}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
