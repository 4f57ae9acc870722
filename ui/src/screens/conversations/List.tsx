import type { UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import type { ConversationSummary } from "@/bindings/ConversationSummary";
import type { Conversations } from "@/bindings/Conversations";
import { conversationTitle, previewText, standingMarks } from "@/domain/conversation/words";
import { sentence } from "@/domain/node/admin";
import { cx } from "@/shared/class";
import { SearchField } from "@/shared/form";
import { Count, Empty, Fault, Loading, Scrolling } from "@/shared/layout";
import { StateWord } from "@/shared/Mark";
import { VirtualRows } from "@/shared/VirtualRows";
import { Ago } from "@/shared/values";
import { t } from "@/text";
import { SearchResults } from "./SearchResults";

const TYPING_MS = 200;

/** The conversations of an account, or the messages that were searched for. */
export function List({
  user,
  read,
  open,
  onOpen,
}: {
  user: string;
  read: UseQueryResult<Conversations, Error>;
  open: string | null;
  onOpen: (group: string, at?: number) => void;
}) {
  const [typed, setTyped] = useState("");
  const [wanted, setWanted] = useState("");
  useEffect(() => {
    const timer = window.setTimeout(() => setWanted(typed.trim()), TYPING_MS);
    return () => window.clearTimeout(timer);
  }, [typed]);
  const { data, error } = read;
  const list = data?.conversations;
  return (
    <>
      <div className="border-b border-line p-2">
        <SearchField
          label={t.conversations.search}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            setTyped("");
            setWanted("");
          }}
        />
      </div>
      <Scrolling label={t.conversations.list}>
        {wanted.length > 1 ? (
          <SearchResults user={user} text={wanted} onOpen={onOpen} />
        ) : error !== null && list === undefined ? (
          <div className="p-2">
            <Fault onRetry={() => void read.refetch()}>{sentence(error)}</Fault>
          </div>
        ) : list === undefined ? (
          <Loading />
        ) : list.length === 0 ? (
          <Empty
            action={
              data?.contacts.every((contact) => !contact.connected) && (
                <Link to="/approvals" className="text-accent underline underline-offset-2">
                  {t.conversations.askConnection}
                </Link>
              )
            }
          >
            <span className="font-medium text-ink">{t.conversations.empty}</span> {t.conversations.emptyHint}
          </Empty>
        ) : (
          <div role="table" aria-label={t.conversations.list}>
            <VirtualRows
              count={list.length}
              estimate={58}
              keyOf={(index) => list[index]?.group ?? String(index)}
              row={(index) => {
                const each = list[index];
                return (
                  each && <Item of={each} open={each.group === open} onOpen={() => onOpen(each.group)} />
                );
              }}
            />
          </div>
        )}
      </Scrolling>
    </>
  );
}

function Item({ of, open, onOpen }: { of: ConversationSummary; open: boolean; onOpen: () => void }) {
  const { last, unread, standing } = of;
  return (
    <div role="row" className="flex">
      <div role="cell" className="flex min-w-0 flex-1">
        <button
          type="button"
          aria-current={open}
          data-testid={`conversation-${of.group}`}
          className={cx(
            "flex min-w-0 flex-1 flex-col px-3 py-2 text-left -outline-offset-2",
            open ? "bg-accent-soft" : "hover:bg-hover",
          )}
          onClick={onOpen}
        >
          <span className="flex items-baseline gap-2">
            <span
              className={cx("mr-auto truncate", unread > 0 || open ? "font-semibold" : "font-medium")}
              title={`${conversationTitle(of)}\n${of.group}`}
            >
              <bdi>{conversationTitle(of)}</bdi>
            </span>
            {last !== null && <Ago at={last.time} className="text-xs text-muted" />}
          </span>
          <span className="flex min-h-5 items-center gap-2 text-sm text-muted">
            {standing !== "live" ? (
              <StateWord {...standingMarks[standing]}>{t.conversations.standing[standing]}</StateWord>
            ) : (
              <span className="mr-auto truncate">
                {last === null ? t.conversations.noMessages : <bdi>{previewText(last)}</bdi>}
              </span>
            )}
            {of.waiting > 0 && (
              <span className="shrink-0 text-xs" title={t.conversations.waitingOut(of.waiting)}>
                ↑ {of.waiting}
                <span className="sr-only"> {t.conversations.waitingOut(of.waiting)}</span>
              </span>
            )}
            {unread > 0 && <Count accent n={unread} label={t.conversations.unread(unread)} />}
          </span>
        </button>
      </div>
    </div>
  );
}
