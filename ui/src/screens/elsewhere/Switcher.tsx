import { useQuery } from "@tanstack/react-query";
import { ChevronsUpDown } from "lucide-react";
import { useState } from "react";
import type { Machine } from "@/bindings/Machine";
import { type Shown, useShown } from "@/domain/machine/shown";
import { hostOf, machineName, machineState } from "@/domain/machine/words";
import { useStatus } from "@/domain/node/hooks";
import { useActions } from "@/shared/actions";
import { Menu, type MenuItem } from "@/shared/Menu";
import { t } from "@/text";
import { AddMachineDialog } from "./AddMachine";
import { ForgetMachine } from "./ForgetMachine";

const words = t.elsewhere;

/** The name of the provider that is shown, with a way to the others: this computer's own and those on other machines. */
export function Switcher({ shown, name }: { shown: Shown; name: string }) {
  const { list, machine } = shown;
  const [adding, setAdding] = useState(false);
  const [forgetting, setForgetting] = useState<Machine | null>(null);
  const own = useOwnName(shown);
  const add = { title: words.add, run: () => setAdding(true) };
  useActions([
    ...(machine === null
      ? []
      : [
          {
            id: "machine.here",
            title: words.show(own ?? words.here),
            words: words.here,
            group: words.group,
            run: () => shown.show(null),
          },
        ]),
    ...list.machines
      .filter(({ id }) => id !== machine?.id)
      .map((each) => ({
        id: `machine.${each.id}`,
        title: words.show(machineName(each)),
        words: each.origin,
        group: words.group,
        run: () => shown.show(each.id),
      })),
    { id: "machine.add", group: words.group, ...add },
  ]);
  const items: (MenuItem | "line")[] = [
    {
      id: "show-here",
      text: own ?? words.here,
      hint: own === null ? words.hereNone : words.here,
      checked: machine === null,
      run: () => shown.show(null),
    },
    ...list.machines.map((each) => ({
      id: `show-${each.id}`,
      text: machineName(each),
      hint: `${hostOf(each.origin)} · ${machineState(each)}`,
      checked: each.id === machine?.id,
      run: () => shown.show(each.id),
    })),
    "line",
    { id: "add-machine", text: add.title, run: add.run },
    ...(machine === null
      ? []
      : [
          {
            id: "forget-machine",
            text: words.forget(machineName(machine)),
            danger: true,
            run: () => setForgetting(machine),
          },
        ]),
  ];
  const place = machine === null ? words.here : hostOf(machine.origin);
  return (
    <>
      <Menu
        align="start"
        label={words.switch}
        items={items}
        trigger={
          <button
            type="button"
            data-testid="switcher"
            aria-label={words.showing(name, place)}
            title={words.switch}
            className="-mx-1 flex w-[calc(100%+0.5rem)] items-center gap-1 rounded-md px-1 py-0.5 text-left hover:bg-hover data-[state=open]:bg-hover"
          >
            <span className="min-w-0 flex-1">
              <span className="block font-semibold wrap-anywhere" data-testid="shown">
                {name}
              </span>
              <span className="block text-sm text-muted wrap-anywhere" data-testid="shown-place">
                {place}
              </span>
            </span>
            <ChevronsUpDown className="size-3.5 shrink-0 text-muted" aria-hidden="true" />
          </button>
        }
      />
      <AddMachineDialog open={adding} onClose={() => setAdding(false)} />
      {forgetting !== null && <ForgetMachine machine={forgetting} onClose={() => setForgetting(null)} />}
    </>
  );
}

/** What this computer's own provider is called; null where there is none. */
function useOwnName({ here, machine }: Shown): string | null {
  const status = useStatus().data;
  const own = useQuery({
    queryKey: ["own-provider"],
    queryFn: async () => (await here.call("status", {})).node?.provider ?? null,
    enabled: machine !== null,
    retry: false,
  });
  return (machine === null ? status?.node?.provider : own.data) ?? null;
}

/** The switcher where no screen of a provider is there: above what is said instead. */
export function SwitcherAbove() {
  const shown = useShown();
  if (shown === null || (shown.machine === null && shown.list.machines.length === 0)) return null;
  return (
    <div className="mb-6 w-60">
      <Switcher shown={shown} name={shown.machine === null ? words.here : machineName(shown.machine)} />
    </div>
  );
}
