import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { ProxyProgram } from "@/bindings/ProxyProgram";
import { sentence, useAdmin } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { Select } from "@/shared/form";
import { copyText } from "@/shared/hooks";
import { Fault, Loading, Panel } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { t } from "@/text";

const words = t.settings.proxy;

/** What the configuration of a proxy before this provider has to say, to be copied. */
export function ProxyConfiguration() {
  const { call } = useAdmin();
  const [program, setProgram] = useState<ProxyProgram>("nginx");
  // It changes with the provider's own configuration alone, which is read when the provider starts.
  const read = useQuery({
    queryKey: ["proxy-configs"],
    queryFn: () => call("proxy-configs", {}),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const chosen = read.data?.configs.find((each) => each.program === program);
  return (
    <Panel title={words.title}>
      <p className="mb-3 text-muted">{read.data?.behind_proxy === true ? words.isBehind : words.text}</p>
      {read.error !== null && <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>}
      {read.data === undefined && read.error === null && <Loading />}
      {read.data !== undefined && chosen !== undefined && (
        <>
          <div className="mb-2 flex flex-wrap items-end justify-between gap-2">
            <Select
              label={words.program}
              value={program}
              data-testid="proxy-program"
              onChange={(event) => setProgram(event.target.value as ProxyProgram)}
            >
              {read.data.configs.map((each) => (
                <option key={each.program} value={each.program}>
                  {each.title}
                </option>
              ))}
            </Select>
            <Button
              data-testid="copy-proxy"
              onClick={() => void copyText(chosen.text).then(() => toast(words.copied(chosen.title)))}
            >
              {words.copy}
            </Button>
          </div>
          <pre
            tabIndex={0}
            role="group"
            aria-label={words.configuration(chosen.title)}
            data-testid="proxy-text"
            className="max-h-96 overflow-auto rounded-md border border-line bg-sunken px-3 py-2 font-mono text-sm select-text"
          >
            {chosen.text}
          </pre>
        </>
      )}
    </Panel>
  );
}
