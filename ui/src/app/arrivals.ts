/** Something new waits: said to screen readers, and to the desktop where a browser was asked to. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useAdmin } from "@/domain/node/admin";
import { nameOf } from "@/domain/node/identifiers";
import { notifications } from "@/shared/preference";
import { t } from "@/text";
import { announce } from "./announce";

export function useArrivals(): void {
  const { live, platform } = useAdmin();
  const navigate = useNavigate();
  const go = useRef(navigate);
  go.current = navigate;
  useEffect(
    () =>
      live.listen({
        waiting(provider, connection) {
          const text =
            connection === null
              ? t.approvals.arrived.provider(provider)
              : t.approvals.arrived.connection(nameOf(connection.from), nameOf(connection.to));
          announce(text);
          // In the window, the shell notifies; it also does while no page is open.
          if (platform.kind !== "browser" || !notifications.read() || !document.hidden) return;
          const note = new Notification(t.app.name, { body: text, tag: connection?.id ?? provider });
          note.onclick = () => {
            window.focus();
            note.close();
            void go.current({ to: "/approvals" });
          };
        },
      }),
    [live, platform],
  );
}
