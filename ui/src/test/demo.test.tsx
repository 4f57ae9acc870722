import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { groupDetail, user } from "./fixtures";
import { connection, TestNode } from "./node";
import { open } from "./render";

describe("the demo's steps", () => {
  it("are ticked off by what has been done, and can be put away", async () => {
    const node = new TestNode();
    node.here = false;
    node.incoming = [connection()];
    const { person } = open(node, "/");
    expect(await screen.findByTestId("step-approve")).toHaveTextContent("to do");
    node.decided = [connection({ state: "approved", decided_by: "operator", from: user("bob") })];
    node.here = true;
    node.groups = [groupDetail()];
    node.emit({ type: "reload" });
    for (const step of ["approve", "use", "group", "add"]) {
      await waitFor(() => expect(screen.getByTestId(`step-${step}`)).toHaveTextContent("(done)"));
    }
    expect(screen.getByTestId("step-stop")).toHaveTextContent("(to do)");
    await person.click(screen.getByRole("button", { name: "Hide the steps" }));
    expect(screen.queryByTestId("demo-guide")).toBeNull();
  });

  it("are for the demo alone", async () => {
    const node = new TestNode();
    node.mode = "own";
    open(node, "/");
    await screen.findByTestId("health");
    expect(screen.queryByTestId("demo-guide")).toBeNull();
  });
});
