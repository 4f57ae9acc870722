import type { Machine } from "@/bindings/Machine";
import { useShown } from "@/domain/machine/shown";
import { machineName } from "@/domain/machine/words";
import { sentence } from "@/domain/node/admin";
import { Confirm } from "@/shared/Dialog";
import { toast } from "@/shared/toast";
import { t } from "@/text";

const words = t.elsewhere.forgetting;

/** Asks whether a machine is to be forgotten, which is then done. */
export function ForgetMachine({ machine, onClose }: { machine: Machine; onClose: () => void }) {
  const shown = useShown();
  const name = machineName(machine);
  return (
    <Confirm
      open
      danger
      onClose={onClose}
      title={words.title(name)}
      text={words.text}
      action={words.action}
      run={async () => {
        try {
          const forgotten = await shown?.elsewhere.forget(machine.id);
          shown?.show(null);
          toast(forgotten?.ended ? words.done(name) : words.doneHere(name));
          return null;
        } catch (fault) {
          return sentence(fault);
        }
      }}
    />
  );
}
