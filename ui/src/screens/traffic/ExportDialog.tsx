import { useState } from "react";
import type { TrafficFile } from "@/bindings/TrafficFile";
import type { TrafficFilters } from "@/bindings/TrafficFilters";
import type { TrafficFormat } from "@/bindings/TrafficFormat";
import { sentence, useAdmin } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { Choices, Switch } from "@/shared/form";
import { copyText } from "@/shared/hooks";
import { Fault } from "@/shared/layout";
import { StateWord } from "@/shared/Mark";
import { t } from "@/text";

const ENDINGS: Record<TrafficFormat, string> = { har: "har", "json-lines": "jsonl" };
const FORMATS = Object.keys(ENDINGS) as TrafficFormat[];

/** The requests that the filters show, as a file. */
export function ExportDialog({
  open,
  onClose,
  filters,
  filtered,
}: {
  open: boolean;
  onClose: () => void;
  /** As they are when the file is made. */
  filters: () => TrafficFilters;
  filtered: boolean;
}) {
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={t.traffic.exporting.title}
      text={filtered ? t.traffic.exporting.filtered : t.traffic.exporting.all}
    >
      <Form filters={filters} onClose={onClose} />
    </Dialog>
  );
}

function Form({ filters, onClose }: { filters: () => TrafficFilters; onClose: () => void }) {
  const { platform, call } = useAdmin();
  const [format, setFormat] = useState<TrafficFormat>("har");
  const [hideNames, setHideNames] = useState(true);
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState<Pick<TrafficFile, "requests" | "more"> | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const words = t.traffic.exporting;

  const make = async () => {
    setBusy(true);
    setDone(null);
    setFault(null);
    try {
      const file = await call("export-traffic", { filters: filters(), format, hide_names: hideNames });
      if (file.requests > 0) {
        if (platform.save === null) await copyText(file.text);
        else platform.save(`drawbridge-traffic-${fileTime()}.${ENDINGS[format]}`, file.text);
      }
      setDone(file);
    } catch (why) {
      setFault(sentence(why));
    }
    setBusy(false);
  };

  return (
    <>
      <div className="grid gap-4">
        <Choices<TrafficFormat>
          label={words.format}
          value={format}
          options={FORMATS.map((value) => ({
            value,
            title: words.formats[value][0],
            text: words.formats[value][1],
          }))}
          onChange={setFormat}
        />
        <Switch label={words.hide} text={words.hideText} checked={hideNames} onChange={setHideNames} />
        <div role="status" data-testid="export-done">
          {done !== null && (
            <>
              <StateWord
                tone={done.requests === 0 ? "muted" : "ok"}
                shape={done.requests === 0 ? "ring" : "tick"}
              >
                {done.requests === 0
                  ? words.nothing
                  : platform.save === null
                    ? words.copied(done.requests)
                    : words.saved(done.requests)}
              </StateWord>
              {done.more && <p className="text-muted">{words.more(done.requests)}</p>}
            </>
          )}
        </div>
        {fault !== null && <Fault>{fault}</Fault>}
      </div>
      <DialogButtons>
        <Button onClick={onClose}>{t.app.close}</Button>
        <Button look="primary" disabled={busy} data-testid="export-make" onClick={() => void make()}>
          {platform.save === null ? words.copy : words.save}
        </Button>
      </DialogButtons>
    </>
  );
}

/** The time as it can stand in the name of a file. */
function fileTime(): string {
  return new Date().toISOString().slice(0, 19).replaceAll(":", "-");
}
