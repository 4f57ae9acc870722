import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Link,
  lazyRouteComponent,
  type RouterHistory,
} from "@tanstack/react-router";
import { AccountsScreen } from "@/screens/AccountsScreen";
import { ApprovalsScreen } from "@/screens/ApprovalsScreen";
import { GroupsScreen } from "@/screens/GroupsScreen";
import { OverviewScreen } from "@/screens/OverviewScreen";
import { PeersScreen } from "@/screens/PeersScreen";
import { SettingsScreen } from "@/screens/SettingsScreen";
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

/** Which of its things a screen has open. */
const validateOpen = (search: Record<string, unknown>): { open?: string } => {
  const open = text(search.open);
  return open === undefined ? {} : { open };
};

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

const routes = [
  createRoute({ getParentRoute: () => root, path: "/", component: OverviewScreen }),
  createRoute({ getParentRoute: () => root, path: "/approvals", component: ApprovalsScreen }),
  createRoute({
    getParentRoute: () => root,
    path: "/peers",
    component: PeersScreen,
    validateSearch: validateOpen,
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/groups",
    component: GroupsScreen,
    validateSearch: validateOpen,
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/conversations",
    // What reads Markdown is large, and the window opens without it.
    component: lazyRouteComponent(() => import("@/screens/ConversationsScreen"), "ConversationsScreen"),
    validateSearch: (search): { user?: string; open?: string; at?: number } => {
      const user = text(search.user);
      const at = typeof search.at === "number" ? search.at : undefined;
      return {
        ...(user === undefined ? {} : { user }),
        ...validateOpen(search),
        ...(at === undefined ? {} : { at }),
      };
    },
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/traffic",
    component: TrafficScreen,
    validateSearch: (search): { peer?: string } => {
      const peer = text(search.peer);
      return peer === undefined ? {} : { peer };
    },
  }),
  createRoute({ getParentRoute: () => root, path: "/accounts", component: AccountsScreen }),
  createRoute({ getParentRoute: () => root, path: "/settings", component: SettingsScreen }),
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
