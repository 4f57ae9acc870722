import { Plus } from "lucide-react";
import { Tabs } from "radix-ui";
import { countWaiting, useApprovals } from "@/domain/connection/approvals";
import { sentence } from "@/domain/node/admin";
import { useNode } from "@/domain/node/hooks";
import { useActions } from "@/shared/actions";
import { useAddress, useDialogPlace } from "@/shared/address";
import { Button } from "@/shared/Button";
import { Count, Fault, Loading, Screen } from "@/shared/layout";
import { t } from "@/text";
import { AskDialog } from "./approvals/AskDialog";
import { DecidedList } from "./approvals/Decided";
import { Outgoing } from "./approvals/Outgoing";
import { Waiting } from "./approvals/Waiting";

/** Who wants something from me? */
export function ApprovalsScreen() {
  const approvals = useApprovals();
  const us = useNode()?.provider ?? "";
  const [asking, setAsking] = useDialogPlace("ask");
  const [{ tab: chosen, to }, setPlace] = useAddress("tab", "to");
  const { data } = approvals;
  const waiting = countWaiting(data);
  const outgoing = data === undefined ? 0 : data.outgoing.length + data.outgoingAdditions.length;
  useActions([
    {
      id: "approvals.ask",
      title: t.connect.title,
      group: t.palette.groups.act,
      keys: ["n"],
      keyOnly: true,
      run: () => setAsking(true),
    },
  ]);
  const closeAsking = () => {
    setAsking(false);
    setPlace({ to: "" });
  };
  const tab = (value: keyof typeof t.approvals.tabs, n = 0, label?: string, accent = false) => (
    <Tabs.Trigger
      value={value}
      data-testid={`tab-${value}`}
      className="-mb-px inline-flex h-8 items-center gap-1.5 border-b-2 border-transparent px-2.5 text-muted hover:text-ink data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink"
    >
      {t.approvals.tabs[value]}
      {n > 0 && <Count n={n} label={label} accent={accent} />}
    </Tabs.Trigger>
  );
  return (
    <Screen
      title={t.approvals.title}
      actions={
        <Button
          icon={<Plus className="size-3.5" aria-hidden="true" />}
          data-testid="ask"
          onClick={() => setAsking(true)}
        >
          {t.approvals.ask}
        </Button>
      }
    >
      {approvals.error !== null && data === undefined && (
        <Fault onRetry={() => void approvals.refetch()}>{sentence(approvals.error)}</Fault>
      )}
      {data === undefined ? (
        approvals.error === null && <Loading />
      ) : (
        <Tabs.Root
          value={chosen in t.approvals.tabs ? chosen : "waiting"}
          onValueChange={(tab) => setPlace({ tab: tab === "waiting" ? "" : tab })}
        >
          <Tabs.List aria-label={t.approvals.title} className="mb-4 flex gap-1 border-b border-line">
            {tab("waiting", waiting, t.app.waits(waiting), true)}
            {tab("outgoing", outgoing, t.approvals.waitElsewhere(outgoing))}
            {tab("decided")}
          </Tabs.List>
          <Tabs.Content value="waiting" tabIndex={-1}>
            <Waiting data={data} us={us} />
          </Tabs.Content>
          <Tabs.Content value="outgoing" tabIndex={-1}>
            <Outgoing connections={data.outgoing} additions={data.outgoingAdditions} us={us} />
          </Tabs.Content>
          <Tabs.Content value="decided" tabIndex={-1}>
            <DecidedList list={data.decided} us={us} />
          </Tabs.Content>
        </Tabs.Root>
      )}
      <AskDialog open={asking} onClose={closeAsking} us={us} to={to} />
    </Screen>
  );
}
