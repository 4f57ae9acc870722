import { Outlet, Link as RouterLink, useLocation, useNavigate } from "@tanstack/react-router";
import {
  Activity,
  BookOpen,
  CircleUser,
  Inbox,
  LayoutDashboard,
  MessagesSquare,
  Network,
  Search,
  Settings,
  Stethoscope,
  UsersRound,
  Wrench,
} from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { countWaiting, useApprovals } from "@/domain/connection/approvals";
import { useConversationsHere, useUnread } from "@/domain/conversation/hooks";
import { conversationTitle } from "@/domain/conversation/words";
import { useAliases, useCalled } from "@/domain/demo/Alias";
import { useDemo } from "@/domain/demo/hooks";
import { useGroups } from "@/domain/group/hooks";
import { groupTitle } from "@/domain/group/words";
import { useShown } from "@/domain/machine/shown";
import { machineName } from "@/domain/machine/words";
import { useStatus } from "@/domain/node/hooks";
import { usePeers } from "@/domain/peer/hooks";
import { useRepairs } from "@/domain/repair/hooks";
import { severityMarks } from "@/domain/repair/words";
import { Switcher } from "@/screens/elsewhere/Switcher";
import { useActions } from "@/shared/actions";
import { IconButton, Kbd, Tip } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Count } from "@/shared/layout";
import { Mark } from "@/shared/Mark";
import { singleKeys } from "@/shared/preference";
import { useStore } from "@/shared/store";
import { undoLast } from "@/shared/toast";
import { t } from "@/text";
import { useArrivals } from "./arrivals";
import { DemoBar } from "./DemoBar";
import { LinkBanner } from "./LinkBanner";
import { Palette, Shortcuts } from "./Palette";
import { VersionBanner } from "./VersionBanner";

const screens = [
  { id: "overview", to: "/", icon: LayoutDashboard, keys: "g o" },
  { id: "approvals", to: "/approvals", icon: Inbox, keys: "g a" },
  { id: "repairs", to: "/repairs", icon: Wrench, keys: "g r" },
  { id: "peers", to: "/peers", icon: Network, keys: "g p" },
  { id: "groups", to: "/groups", icon: UsersRound, keys: "g g" },
  { id: "traffic", to: "/traffic", icon: Activity, keys: "g t" },
  { id: "doctor", to: "/doctor", icon: Stethoscope, keys: "g d" },
  { id: "conversations", to: "/conversations", icon: MessagesSquare, keys: "g c" },
  { id: "accounts", to: "/accounts", icon: CircleUser, keys: "g u" },
  { id: "settings", to: "/settings", icon: Settings, keys: "g s" },
] as const;

/** What stands around every screen: where one is, what waits, and whether the node is there. */
export function Frame() {
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const singleKeysOn = useStore(singleKeys);
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const peers = usePeers().data?.peers ?? [];
  const known = useGroups().data?.groups ?? [];
  const conversations = useConversationsHere();
  const called = useCalled();
  const { groups } = t.palette;
  useArrivals();
  useAliases();
  useTitle();
  useActions([
    ...screens.map(({ id, to, keys }) => ({
      id: `go.${id}`,
      title: t.palette.goTo(t.nav[id]),
      group: groups.go,
      keys: [keys],
      run: () => void navigate({ to }),
    })),
    {
      id: "palette",
      title: t.palette.open,
      group: groups.view,
      keys: ["Mod+k"],
      keyOnly: true,
      run: () => setPalette((open) => !open),
    },
    {
      id: "guide",
      title: t.guide.open,
      group: groups.go,
      keys: ["g h"],
      run: () => void navigate({ to: "/guide" }),
    },
    { id: "help", title: t.palette.help, group: groups.view, keys: ["?"], run: () => setHelp(true) },
    { id: "undo", title: t.app.undo, group: groups.act, keys: ["z", "Mod+z"], run: () => void undoLast() },
    {
      id: "approvals.ask",
      title: t.connect.title,
      group: groups.act,
      run: () => void navigate({ to: "/approvals", search: { do: "ask" } }),
    },
    {
      id: "peers.add",
      title: t.peers.add,
      group: groups.act,
      run: () => void navigate({ to: "/peers", search: { do: "add" } }),
    },
    {
      id: "conversations.new",
      title: t.conversations.new,
      group: groups.act,
      run: () => void navigate({ to: "/conversations", search: { do: "new" } }),
    },
    {
      id: "accounts.new",
      title: t.accounts.create,
      group: groups.act,
      run: () => void navigate({ to: "/accounts", search: { do: "new" } }),
    },
    {
      id: "doctor.self",
      title: t.doctor.checkThis,
      group: groups.act,
      words: t.doctor.checkMe,
      run: () => void navigate({ to: "/doctor", search: { self: 1 } }),
    },
    {
      id: "settings.bundle",
      title: t.settings.bundle.make,
      group: groups.act,
      run: () => void navigate({ to: "/settings", search: { do: "bundle" } }),
    },
    // On its own screen it is of what the filters show.
    ...(pathname === "/traffic"
      ? []
      : [
          {
            id: "traffic.export",
            title: t.traffic.exporting.title,
            group: groups.act,
            run: () => void navigate({ to: "/traffic", search: { do: "export" } }),
          },
        ]),
    ...conversations.map(({ user, of }) => ({
      id: `conversation.${user}.${of.group}`,
      title: t.conversations.openConversation(conversationTitle(of)),
      group: groups.talk,
      words: `${user} ${of.group}`,
      run: () => void navigate({ to: "/conversations", search: { user, open: of.group } }),
    })),
    ...peers.map(({ provider }) => ({
      id: `peer.${provider}`,
      title: t.palette.openPeer(called(provider)),
      group: groups.peer,
      run: () => void navigate({ to: "/peers", search: { open: provider } }),
    })),
    ...peers.map(({ provider }) => ({
      id: `doctor.${provider}`,
      title: t.doctor.lookAt(called(provider)),
      group: groups.peer,
      run: () => void navigate({ to: "/doctor", search: { provider } }),
    })),
    ...known.map((each) => ({
      id: `group.${each.group}`,
      title: t.groups.open(groupTitle(each)),
      words: each.group,
      group: groups.group,
      run: () => void navigate({ to: "/groups", search: { open: each.group } }),
    })),
  ]);
  return (
    <div className="flex h-full max-sm:flex-col-reverse">
      <button
        type="button"
        className="sr-only z-50 rounded-md bg-accent-fill px-3 py-1 text-accent-ink focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
        onClick={() => document.getElementById("screen-title")?.focus()}
      >
        {t.app.skip}
      </button>
      <Nav onSearch={() => setPalette(true)} onHelp={() => setHelp(true)} />
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">
        <LinkBanner />
        <VersionBanner />
        <main id="content" className="relative flex min-h-0 flex-1 flex-col">
          <Outlet />
        </main>
        <DemoBar />
      </div>
      <Palette open={palette} onClose={() => setPalette(false)} />
      <Shortcuts open={help} onClose={() => setHelp(false)} singleKeysOn={singleKeysOn} />
    </div>
  );
}

function useWaiting(): number {
  return countWaiting(useApprovals().data);
}

/** The window's title tells which screen it is, and what waits while one is elsewhere. */
function useTitle() {
  const { pathname } = useLocation();
  const waits = useWaiting();
  const title =
    pathname === "/guide"
      ? t.guide.title
      : t.nav[screens.find(({ to }) => to === pathname)?.id ?? "overview"];
  const machine = useShown()?.machine ?? null;
  const demo = useDemo()?.nodes.find((each) => each.shown)?.name ?? null;
  const shown = demo ?? (machine && machineName(machine));
  useEffect(() => {
    document.title = t.app.title(title, waits, shown);
  }, [title, waits, shown]);
}

function Nav({ onSearch, onHelp }: { onSearch: () => void; onHelp: () => void }) {
  const status = useStatus().data;
  const node = status?.node;
  const inDemo = status?.mode === "demo";
  const shown = useDemo()?.nodes.find((each) => each.shown);
  const places = useShown();
  const name = (inDemo ? shown?.name : node?.provider) ?? "\u00a0";
  const waits = useWaiting();
  const unread = useUnread();
  const wrong = useRepairs().data?.open ?? [];
  const isBroken = wrong.some(({ severity }) => severity === "high");
  const badge: Partial<Record<(typeof screens)[number]["id"], ReactNode>> = {
    approvals: waits > 0 && <Count accent n={waits} label={t.app.waits(waits)} />,
    repairs: wrong.length > 0 && (
      <span
        title={t.repairs.open(wrong.length)}
        className={cx(
          "inline-flex items-center gap-1 text-sm font-medium",
          isBroken ? "text-bad" : "text-warn",
        )}
      >
        <Mark {...severityMarks[isBroken ? "high" : "medium"]} />
        {wrong.length}
        <span className="sr-only"> {t.repairs.open(wrong.length)}</span>
      </span>
    ),
    conversations: unread > 0 && <Count accent n={unread} label={t.conversations.unread(unread)} />,
    peers: node != null && node.failing_peers > 0 && (
      <span className="inline-flex items-center gap-1 text-sm font-medium text-bad">
        <Mark tone="bad" shape="triangle" />
        {node.failing_peers}
        <span className="sr-only"> {t.peers.word.failing}</span>
      </span>
    ),
  };
  return (
    <nav
      aria-label={t.nav.label}
      className="flex w-52 shrink-0 flex-col gap-3 border-r border-line bg-bg p-2.5 max-[52rem]:w-14 max-sm:w-full max-sm:flex-row max-sm:gap-0 max-sm:border-t max-sm:border-r-0 max-sm:p-0"
    >
      <div className="px-2 pt-1.5 max-[52rem]:hidden">
        <p className="text-sm font-semibold text-muted">{t.app.name}</p>
        {places === null ? (
          <p className="font-semibold wrap-anywhere" title={node?.provider} data-testid="shown">
            {name}
          </p>
        ) : (
          <Switcher shown={places} name={name} />
        )}
        {/* The line is there before the demo is known: what moves under the pointer has a click go elsewhere. */}
        {inDemo && <p className="text-sm text-muted">{shown?.provider ?? node?.provider}</p>}
      </div>
      <button
        type="button"
        onClick={onSearch}
        className="flex h-7 items-center gap-2 rounded-md border border-line-strong bg-surface px-2 text-muted hover:text-ink max-[52rem]:hidden"
      >
        <Search className="size-3.5" aria-hidden="true" />
        <span className="mr-auto truncate">{t.app.search}</span>
        <Kbd keys="Ctrl K" className="whitespace-nowrap" />
      </button>
      <ul className="grid gap-px max-sm:w-full max-sm:grid-cols-10">
        {screens.map(({ id, to, icon: Icon }) => (
          <li key={id} className="min-w-0">
            <Tip text={t.nav[id]}>
              <RouterLink
                to={to}
                data-testid={`nav-${id}`}
                activeOptions={{ exact: to === "/", includeSearch: false }}
                className="relative flex h-8 items-center gap-2.5 rounded-md px-2 text-muted hover:bg-hover hover:text-ink data-[status=active]:bg-surface data-[status=active]:font-medium data-[status=active]:text-ink data-[status=active]:shadow-[0_0_0_1px_var(--line)] max-[52rem]:justify-center max-sm:h-12 max-sm:rounded-none max-sm:px-0 max-sm:data-[status=active]:shadow-[inset_0_2px_0_var(--accent)]"
              >
                <Icon className="size-4 shrink-0" aria-hidden="true" />
                <span className="mr-auto max-[52rem]:sr-only">{t.nav[id]}</span>
                {badge[id] && (
                  <span className="max-[52rem]:absolute max-[52rem]:-top-1 max-[52rem]:-right-1 max-[52rem]:scale-80 max-sm:top-0 max-sm:right-0">
                    {badge[id]}
                  </span>
                )}
              </RouterLink>
            </Tip>
          </li>
        ))}
      </ul>
      {/* On a phone the guide is reached from the settings. */}
      <div className="mt-auto flex items-center gap-1 max-[52rem]:flex-col max-sm:hidden">
        <Tip text={t.guide.title}>
          <RouterLink
            to="/guide"
            data-testid="nav-guide"
            className="flex h-8 min-w-0 flex-1 items-center gap-2.5 rounded-md px-2 text-muted hover:bg-hover hover:text-ink data-[status=active]:bg-surface data-[status=active]:font-medium data-[status=active]:text-ink data-[status=active]:shadow-[0_0_0_1px_var(--line)] max-[52rem]:w-full max-[52rem]:flex-none max-[52rem]:justify-center"
          >
            <BookOpen className="size-4 shrink-0" aria-hidden="true" />
            <span className="truncate max-[52rem]:sr-only">{t.guide.short}</span>
          </RouterLink>
        </Tip>
        <IconButton label={t.palette.help} keys="?" onClick={onHelp}>
          <Kbd keys="?" />
        </IconButton>
      </div>
    </nav>
  );
}
