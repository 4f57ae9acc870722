import { createMemoryHistory } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { App } from "@/app/App";
import { makeRouter } from "@/app/router";
import type { TestNode } from "./node";

/** The whole GUI at `path`, on a node in memory. */
export function open(node: TestNode, path = "/") {
  const router = makeRouter(createMemoryHistory({ initialEntries: [path] }));
  return { ...render(<App platform={node} router={router} />), person: userEvent.setup(), router };
}
