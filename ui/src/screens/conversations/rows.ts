/** A conversation as rows: messages and notices, days between them, and the line above what is new. */
import type { Message } from "@/bindings/Message";
import type { Notice } from "@/bindings/Notice";
import { dayOf } from "@/shared/format";

export type Row =
  | { kind: "day"; key: string; at: string }
  | { kind: "unread"; key: string }
  | { kind: "notice"; key: string; message: Message; notice: Notice }
  /** `follows`: the same person goes on talking, so their name need not be said again. */
  | { kind: "message"; key: string; message: Message; follows: boolean };

/** So long after a message the next of the same person stands by itself. */
const PAUSE_MS = 5 * 60_000;

export function rowsOf(messages: readonly Message[], readBefore: number): Row[] {
  const rows: Row[] = [];
  let before: Message | null = null;
  let isMarked = false;
  for (const message of messages) {
    const day = dayOf(message.time);
    let apart = before === null || dayOf(before.time) !== day;
    if (apart) rows.push({ kind: "day", key: `day ${day}`, at: message.time });
    if (!isMarked && message.place > readBefore && !message.own && message.notice === null) {
      isMarked = true;
      // Above the very first message there is nothing that was read.
      if (before !== null) {
        rows.push({ kind: "unread", key: "unread" });
        apart = true;
      }
    }
    const key = `message ${message.id}`;
    if (message.notice !== null) rows.push({ kind: "notice", key, message, notice: message.notice });
    else {
      const follows =
        !apart &&
        before !== null &&
        before.notice === null &&
        before.sender === message.sender &&
        Date.parse(message.time) - Date.parse(before.time) < PAUSE_MS;
      rows.push({ kind: "message", key, message, follows });
    }
    before = message;
  }
  return rows;
}
