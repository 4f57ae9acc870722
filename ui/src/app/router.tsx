import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Link,
  lazyRouteComponent,
  type RouterHistory,
  redirect,
} from "@tanstack/react-router";
import type { DoctorPlace } from "@/domain/check/place";
import { groupOf, isCard } from "@/domain/node/identifiers";
import { AccountsScreen } from "@/screens/AccountsScreen";
import { ApprovalsScreen } from "@/screens/ApprovalsScreen";
import { DoctorScreen } from "@/screens/DoctorScreen";
import { DryRunScreen } from "@/screens/DryRunScreen";
import { GroupsScreen } from "@/screens/GroupsScreen";
import { OverviewScreen } from "@/screens/OverviewScreen";
import { PeersScreen } from "@/screens/PeersScreen";
import { RepairsScreen } from "@/screens/RepairsScreen";
import { SettingsScreen } from "@/screens/SettingsScreen";
import { TraceScreen } from "@/screens/TraceScreen";
import { TrafficScreen } from "@/screens/TrafficScreen";
import { Button } from "@/shared/Button";
import { Empty, Fault, Screen } from "@/shared/layout";
import { t } from "@/text";
import { Frame } from "./Frame";

const root = createRootRoute({
  component: Frame,
  notFoundComponent: () => (
    <Screen title={t.app.name}>
      <Empty action={<Link to="/">{t.app.goOverview}</Link>}>{t.app.notFound}</Empty>
    </Screen>
  ),
});

/** The parts of a screen's address: each is a text, and absent where it says nothing. */
function parts<K extends string>(...keys: readonly K[]) {
  return (search: Record<string, unknown>): { [key in K]?: string } =>
    Object.fromEntries(
      // A number in an address is a text that looks like one.
      keys.flatMap((key) => {
        const value = typeof search[key] === "number" ? String(search[key]) : search[key];
        return typeof value === "string" && value !== "" ? [[key, value]] : [];
      }),
    ) as { [key in K]?: string };
}

const conversationParts = parts("user", "open", "members", "do");

const providerPart = parts("provider");
const byPart = parts("by");

function doctorPlace(search: Record<string, unknown>): DoctorPlace {
  return search.self === 1 ? { self: 1, ...byPart(search) } : providerPart(search);
}

const routes = [
  createRoute({ getParentRoute: () => root, path: "/", component: OverviewScreen }),
  createRoute({
    getParentRoute: () => root,
    path: "/approvals",
    component: ApprovalsScreen,
    validateSearch: parts("tab", "do", "to"),
  }),
  // A link of the protocol, which was opened from elsewhere: a group is shown, a provider can be added by its card, and whoever
  // else is meant can be asked.
  createRoute({
    getParentRoute: () => root,
    path: "/link",
    validateSearch: parts("uri"),
    beforeLoad: ({ search }) => {
      const { uri = "" }: { uri?: string } = search;
      if (isCard(uri)) throw redirect({ to: "/peers", search: { do: "add", to: uri }, replace: true });
      throw groupOf(uri) === null
        ? redirect({ to: "/approvals", search: { do: "ask", to: uri }, replace: true })
        : redirect({ to: "/groups", search: { open: uri }, replace: true });
    },
  }),
  createRoute({ getParentRoute: () => root, path: "/repairs", component: RepairsScreen }),
  createRoute({
    getParentRoute: () => root,
    path: "/peers",
    component: PeersScreen,
    validateSearch: parts("open", "filter", "span", "do", "to"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/groups",
    component: GroupsScreen,
    validateSearch: parts("open", "filter"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/conversations",
    // What reads Markdown is large, and the window opens without it.
    component: lazyRouteComponent(() => import("@/screens/ConversationsScreen"), "ConversationsScreen"),
    validateSearch: (search): ReturnType<typeof conversationParts> & { at?: number } => ({
      ...conversationParts(search),
      ...(typeof search.at === "number" && { at: search.at }),
    }),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/traffic",
    component: TrafficScreen,
    validateSearch: parts(
      "peer",
      "direction",
      "kind",
      "asker",
      "errors",
      "text",
      "since",
      "until",
      "open",
      "do",
    ),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/doctor",
    component: DoctorScreen,
    validateSearch: doctorPlace,
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/doctor/dry-run",
    component: DryRunScreen,
    validateSearch: parts("who"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/doctor/trace",
    component: TraceScreen,
    validateSearch: parts("group", "seq", "sender", "time", "submission"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/accounts",
    component: AccountsScreen,
    validateSearch: parts("do"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/guide",
    // The whole text of the guide is in it.
    component: lazyRouteComponent(() => import("@/screens/GuideScreen"), "GuideScreen"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/settings",
    component: SettingsScreen,
    validateSearch: parts("do"),
  }),
];

/** Links say only what stands behind `#`, so that they hold wherever the page itself is. */
function hashHistory(): RouterHistory {
  const history = createHashHistory();
  history.createHref = (href) => `#${href}`;
  return history;
}

/** The screens by their addresses, which stand behind `#` so that a file and a server serve them alike. */
export function makeRouter(history: RouterHistory = hashHistory()) {
  return createRouter({
    routeTree: root.addChildren(routes),
    history,
    defaultErrorComponent: () => (
      <Screen title={t.app.name}>
        <Fault>{t.app.crashed}</Fault>
        <Button className="mt-3" onClick={() => window.location.reload()}>
          {t.app.reload}
        </Button>
      </Screen>
    ),
  });
}
