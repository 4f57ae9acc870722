import { useEffect, useRef } from "react";
import { useShown } from "@/domain/machine/shown";
import { machineName } from "@/domain/machine/words";
import { asSentence } from "@/domain/node/admin";
import { useLink } from "@/domain/node/hooks";
import { useLasting } from "@/shared/hooks";
import { Mark } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { toast } from "@/shared/toast";
import { Lasting } from "@/shared/values";
import { t } from "@/text";

/** Says that the node cannot be heard, and when it can be again. */
export function LinkBanner() {
  const link = useLink();
  // A blink of the connection heals unseen.
  const lost = useLasting(link.state === "lost", 500);
  const machine = useShown()?.machine ?? null;
  const said = useRef(false);
  useEffect(() => {
    if (lost) said.current = true;
    else if (said.current && link.state === "live") {
      said.current = false;
      toast(t.link.back);
    }
  }, [lost, link.state]);
  if (!lost || link.state !== "lost") return null;
  return (
    <div
      role="alert"
      data-testid="link-lost"
      className="flex flex-wrap items-center gap-x-2 border-b border-bad/40 bg-bad-soft px-4 py-1.5 text-bad"
    >
      <Mark tone="bad" shape="triangle" />
      <span className="font-semibold">
        {machine === null ? t.link.lost : t.elsewhere.unreached.banner(machineName(machine))}
      </span>
      {link.why?.fault != null && <span>{lineText(asSentence(link.why.detail), 300)}</span>}
      <span>
        {t.link.lostSince} <Lasting since={link.since} />.
      </span>
    </div>
  );
}
