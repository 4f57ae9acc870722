import { SendHorizontal, X } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Message } from "@/bindings/Message";
import { draftOf, keepDraft } from "@/domain/conversation/drafts";
import { nameOf } from "@/domain/node/identifiers";
import { Button, IconButton } from "@/shared/Button";
import { lineText } from "@/shared/text";
import { t } from "@/text";

/** What is being written: something new, an answer, or another wording. */
export type Composing = { kind: "new" } | { kind: "reply" | "edit"; message: Message };

const MOST_PX = 200;

/** Enter sends, Shift+Enter begins a new line; what is begun is kept until it is sent. */
export function Composer({
  user,
  group,
  name,
  composing,
  onComposing,
  lastOwn,
  onSend,
  onSave,
}: {
  user: string;
  group: string;
  name: string;
  composing: Composing;
  onComposing: (next: Composing) => void;
  lastOwn: Message | undefined;
  onSend: (text: string, reply: string | null) => Promise<boolean>;
  onSave: (message: string, text: string) => Promise<boolean>;
}) {
  const [text, setText] = useState(() => draftOf(user, group));
  const field = useRef<HTMLTextAreaElement>(null);
  const editing = composing.kind === "edit" ? composing.message : null;

  useEffect(() => {
    if (composing.kind === "edit") setText(composing.message.text);
    const area = field.current;
    if (composing.kind === "new" || area === null) return;
    area.focus();
    // After the text has come, one goes on at its end.
    requestAnimationFrame(() => area.setSelectionRange(area.value.length, area.value.length));
  }, [composing]);
  // Its height follows what is written.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is measured anew whenever the text changes.
  useLayoutEffect(() => {
    const area = field.current;
    if (area === null) return;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight + 2, MOST_PX)}px`;
  }, [text]);

  const change = (next: string) => {
    setText(next);
    if (editing === null) keepDraft(user, group, next);
  };
  const cancel = () => {
    onComposing({ kind: "new" });
    if (editing !== null) setText(draftOf(user, group));
  };
  const submit = async () => {
    const words = text.trim();
    if (words === "") return;
    if (editing !== null) {
      cancel();
      if (words !== editing.text && !(await onSave(editing.id, words))) {
        onComposing({ kind: "edit", message: { ...editing, text: words } });
      }
      return;
    }
    const reply = composing.kind === "reply" ? composing : null;
    change("");
    onComposing({ kind: "new" });
    if (!(await onSend(words, reply?.message.id ?? null))) {
      // Nothing is lost by a refusal, nor what was begun meanwhile.
      setText((meanwhile) => {
        const both = meanwhile === "" ? words : `${words}\n${meanwhile}`;
        keepDraft(user, group, both);
        return both;
      });
      if (reply !== null) onComposing(reply);
    }
  };
  return (
    <form
      className="border-t border-line bg-surface px-4 py-2 max-sm:px-2"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {composing.kind !== "new" && (
        <div className="mb-1.5 flex items-center gap-2 border-l-2 border-accent pl-2 text-sm text-muted">
          <p className="min-w-0 flex-1 truncate">
            <span className="font-medium text-ink">
              {editing === null
                ? t.conversations.answering(
                    composing.message.own ? t.conversations.you : nameOf(composing.message.sender),
                  )
                : t.conversations.editing}
            </span>{" "}
            <bdi>{lineText(composing.message.text)}</bdi>
          </p>
          <IconButton
            label={editing === null ? t.conversations.cancelReply : t.conversations.cancelEdit}
            keys="Esc"
            className="size-6"
            onClick={cancel}
          >
            <X className="size-3.5" />
          </IconButton>
        </div>
      )}
      <div className="flex items-end gap-2">
        <textarea
          ref={field}
          rows={1}
          aria-label={t.conversations.composeTo(name)}
          placeholder={t.conversations.compose}
          title={t.conversations.composeHint}
          data-testid="composer"
          value={text}
          className="max-h-[200px] min-h-8 min-w-0 flex-1 resize-none rounded-md border border-control bg-surface px-2 py-1.5 leading-5 text-ink placeholder:text-muted"
          onChange={(event) => change(event.target.value)}
          onKeyDown={(event) => {
            if (event.nativeEvent.isComposing) return;
            if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
              event.preventDefault();
              void submit();
            } else if (event.key === "Escape") {
              if (composing.kind !== "new") cancel();
              else field.current?.blur();
            } else if (event.key === "ArrowUp" && text === "" && lastOwn !== undefined) {
              event.preventDefault();
              onComposing({ kind: "edit", message: lastOwn });
            }
          }}
        />
        <Button
          look="primary"
          type="submit"
          className="h-8"
          data-testid="send"
          disabled={text.trim() === ""}
          icon={<SendHorizontal className="size-3.5" aria-hidden="true" />}
        >
          {editing === null ? t.conversations.send : t.conversations.save}
        </Button>
      </div>
    </form>
  );
}
