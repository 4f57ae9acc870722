import { useShown } from "@/domain/machine/shown";
import { machineName } from "@/domain/machine/words";
import { Mark } from "@/shared/Mark";
import { t } from "@/text";

/** Says that the program on the machine that is shown is of another version, such that the two may not understand each other. */
export function VersionBanner() {
  const shown = useShown();
  const machine = shown?.machine ?? null;
  if (shown === null || machine === null || machine.understood) return null;
  return (
    <div
      role="status"
      data-testid="other-version"
      className="flex items-center gap-2 border-b border-warn/40 bg-warn-soft px-4 py-1.5 text-warn"
    >
      <Mark tone="warn" shape="triangle" />
      {t.elsewhere.version(machineName(machine), machine.version ?? t.units.unknown, shown.list.version)}
    </div>
  );
}
