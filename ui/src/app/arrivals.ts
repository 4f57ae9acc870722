/** Something new waits: said to screen readers, and to the desktop where a browser was asked to. */
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useEffect, useRef } from "react";
import { called } from "@/domain/demo/Alias";
import { useAdmin } from "@/domain/node/admin";
import { clientName, nameOf, userOfClient } from "@/domain/node/identifiers";
import { notifications } from "@/shared/preference";
import { toast } from "@/shared/toast";
import { t } from "@/text";
import { announce } from "./announce";

export function useArrivals(): void {
  const { live, platform } = useAdmin();
  const navigate = useNavigate();
  const go = useRef(navigate);
  go.current = navigate;
  const tell = useCallback(
    (tag: string, text: string, to: "/approvals" | "/accounts" | "/repairs") => {
      announce(text);
      // In the window, the shell notifies; it also does while no page is open.
      if (platform.kind !== "browser" || !notifications.read() || !document.hidden) return;
      const note = new Notification(t.app.name, { body: text, tag });
      note.onclick = () => {
        window.focus();
        note.close();
        void go.current({ to });
      };
    },
    [platform],
  );
  useEffect(
    () =>
      live.listen({
        waiting(provider, connection) {
          if (connection === null)
            tell(provider, t.approvals.arrived.provider(called(provider)), "/approvals");
          else {
            const { from, to, id } = connection;
            tell(id, t.approvals.arrived.connection(nameOf(from), nameOf(to)), "/approvals");
          }
        },
        additionWaiting({ id, adder, user }) {
          tell(id, t.approvals.arrived.addition(nameOf(adder), nameOf(user)), "/approvals");
        },
        repairRaised({ id, severity, text }) {
          if (severity === "high") tell(id, text, "/repairs");
        },
        stockLow(client) {
          const text = t.accounts.stockArrived(clientName(client), nameOf(userOfClient(client)));
          toast(text, { tone: "bad" });
          tell(client, text, "/accounts");
        },
      }),
    [live, tell],
  );
}
