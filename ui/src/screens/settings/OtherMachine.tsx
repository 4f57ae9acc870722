import { useState } from "react";
import { useShown } from "@/domain/machine/shown";
import { ForgetMachine } from "@/screens/elsewhere/ForgetMachine";
import { Button } from "@/shared/Button";
import { Panel } from "@/shared/layout";
import { Fact, Facts, Ident } from "@/shared/values";
import { t } from "@/text";

const words = t.elsewhere.settings;

/** Where the provider is that the window shows, by what it is known, and a way to let go of it. */
export function OtherMachine() {
  const machine = useShown()?.machine ?? null;
  const [forgetting, setForgetting] = useState(false);
  if (machine === null) return null;
  return (
    <Panel title={words.title} testId="other-machine">
      <p className="mb-3 text-sm text-muted">{words.text}</p>
      <Facts>
        <Fact name={words.address}>
          <Ident value={machine.origin} what={words.address} />
        </Fact>
        <Fact name={words.certificate} hint={words.certificateHint}>
          {machine.fingerprint === null ? (
            words.tunnel
          ) : (
            <Ident mono value={machine.fingerprint} what={t.elsewhere.adding.fingerprintWhat} />
          )}
        </Fact>
        <Fact name={words.version}>{machine.version ?? t.units.unknown}</Fact>
        <Fact name={words.kept}>{words.keptIn[machine.kept]}</Fact>
      </Facts>
      <Button look="danger" className="mt-3" onClick={() => setForgetting(true)}>
        {words.forget}
      </Button>
      {forgetting && <ForgetMachine machine={machine} onClose={() => setForgetting(false)} />}
    </Panel>
  );
}
