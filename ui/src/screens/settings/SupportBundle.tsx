import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { sentence, useAdmin } from "@/domain/node/admin";
import { useDialogPlace } from "@/shared/address";
import { Button } from "@/shared/Button";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { bytes } from "@/shared/format";
import { copyText } from "@/shared/hooks";
import { Fault, Loading, Panel } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { t } from "@/text";

const words = t.settings.bundle;

/** A file for somebody who helps, which is shown before it is given away. */
export function SupportBundle() {
  const [open, setOpen] = useDialogPlace("bundle");
  return (
    <Panel title={words.title}>
      <p className="mb-3 text-muted">{words.text}</p>
      <Button data-testid="make-bundle" onClick={() => setOpen(true)}>
        {words.make}
      </Button>
      <Dialog full open={open} onClose={() => setOpen(false)} title={words.title} text={words.about}>
        <Bundle onClose={() => setOpen(false)} />
      </Dialog>
    </Panel>
  );
}

function Bundle({ onClose }: { onClose: () => void }) {
  const { call, platform } = useAdmin();
  // Each time that it is opened, it is made anew: what is wrong may be a minute old.
  const read = useQuery({
    queryKey: ["bundle"],
    queryFn: () => call("support-bundle", {}),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const text = read.data?.text;
  const { save } = platform;
  return (
    <>
      {read.error !== null && <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>}
      {text === undefined ? read.error === null && <Loading /> : <WholeText text={text} />}
      <DialogButtons>
        <Button onClick={onClose}>{t.app.close}</Button>
        <Button
          look={save === null ? "primary" : "plain"}
          disabled={text === undefined}
          onClick={() => text !== undefined && void copyText(text).then(() => toast(words.copied))}
        >
          {words.copy}
        </Button>
        {save !== null && (
          <Button
            look="primary"
            disabled={text === undefined}
            data-testid="save-bundle"
            onClick={() => {
              if (text === undefined) return;
              const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
              save(`drawbridge-support-${time}.json`, text);
              toast(words.saved);
            }}
          >
            {words.save}
          </Button>
        )}
      </DialogButtons>
    </>
  );
}

/** Lines that are laid out together, once they come into view. */
const BLOCK = 200;
const LINE_REM = 1.125;

/**
 * All of a long text. All of it is in the page, so that the browser finds and selects everything, but only what is in view
 * is laid out, so that megabytes do not hold the page up.
 */
function WholeText({ text }: { text: string }) {
  const { blocks, count } = useMemo(() => {
    const lines = text.split("\n");
    const parts: { lines: number; text: string }[] = [];
    for (let at = 0; at < lines.length; at += BLOCK) {
      const some = lines.slice(at, at + BLOCK);
      parts.push({ lines: some.length, text: some.join("\n") });
    }
    return { blocks: parts, count: lines.length };
  }, [text]);
  const size = bytes(new Blob([text]).size);
  return (
    <>
      <p className="mb-1 text-sm text-muted">{words.whole(count, size)}</p>
      <div
        role="region"
        aria-label={words.title}
        tabIndex={0}
        data-first=""
        data-testid="bundle-text"
        className="min-h-0 flex-1 overflow-y-auto rounded-md border border-line bg-sunken px-3 py-2 select-text"
      >
        {blocks.map((block, index) => (
          <pre
            // biome-ignore lint/suspicious/noArrayIndexKey: a block is its place.
            key={index}
            className="font-mono text-sm wrap-anywhere whitespace-pre-wrap [content-visibility:auto]"
            style={{ containIntrinsicBlockSize: `auto ${block.lines * LINE_REM}rem` }}
          >
            {block.text}
          </pre>
        ))}
      </div>
    </>
  );
}
