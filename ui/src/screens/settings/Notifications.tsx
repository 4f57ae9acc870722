import { useState } from "react";
import type { NotifyTarget } from "@/bindings/NotifyTarget";
import type { NotifyTest } from "@/bindings/NotifyTest";
import { sentence, useAdmin, useRead } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { Fault, Loading, Panel } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { Ago } from "@/shared/values";
import { t } from "@/text";

const words = t.settings.notifications;

/** Where the operator is told besides the screens, when each was last reached, and a test to all of them. */
export function Notifications() {
  const admin = useAdmin();
  const read = useRead("notify-targets", {});
  const [busy, setBusy] = useState(false);
  const [tests, setTests] = useState<readonly NotifyTest[]>([]);
  const targets = read.data?.targets;

  const send = async () => {
    setBusy(true);
    try {
      const { results } = await admin.call("test-notify", {});
      setTests(results);
      const missed = results.filter(({ fault }) => fault !== null).length;
      toast(missed === 0 ? words.came : words.missed(missed), missed === 0 ? {} : { tone: "bad" });
      await admin.refresh("notify-targets");
    } catch (fault) {
      toast(sentence(fault), { tone: "bad" });
    } finally {
      setBusy(false);
    }
  };

  return (
    <Panel title={words.title}>
      <p className="mb-3 text-muted">{words.text}</p>
      {targets === undefined ? (
        read.error === null ? (
          <Loading />
        ) : (
          <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>
        )
      ) : targets.length === 0 ? (
        <p data-testid="notify-none">{words.none}</p>
      ) : (
        <>
          <ul className="mb-3 grid grid-cols-[minmax(0,1fr)] gap-3" data-testid="notify-targets">
            {targets.map((target) => (
              <Target
                key={target.name}
                target={target}
                test={tests.find(({ name }) => name === target.name) ?? null}
              />
            ))}
          </ul>
          <Button disabled={busy} data-testid="test-notify" onClick={() => void send()}>
            {busy ? words.testing : words.test}
          </Button>
        </>
      )}
    </Panel>
  );
}

function Target({ target, test }: { target: NotifyTarget; test: NotifyTest | null }) {
  const { name, kind, place, names, waits, least, waiting, reached, failing } = target;
  // A test that was sent just now says more than what was tried before.
  const fault = test === null ? (failing?.text ?? null) : test.fault;
  return (
    <li>
      <p className="flex flex-wrap items-baseline gap-x-3">
        <span className="font-medium wrap-anywhere">{name}</span>
        <span className="text-sm text-muted">
          {reached === null ? (
            words.never
          ) : (
            <>
              {words.reached} <Ago at={reached} />
            </>
          )}
        </span>
      </p>
      <p className="text-sm wrap-anywhere text-muted">
        {words.kind[kind](place)} {words.told(waits, least)}
        {!names && ` ${words.nameless}`}
      </p>
      {waiting > 0 && <p className="text-sm text-muted">{words.waiting(waiting)}</p>}
      {test !== null && test.fault === null && (
        <p className="text-sm text-ok" role="status">
          {words.testCame}
        </p>
      )}
      {fault !== null && (
        <div className="mt-1">
          <Fault>{words.failed(fault)}</Fault>
        </div>
      )}
    </li>
  );
}
