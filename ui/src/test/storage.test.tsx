import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { AdminError } from "@/platform";
import { DAY } from "./fixtures";
import { at, TestNode, US } from "./node";
import { open } from "./render";

describe("storage", () => {
  it("says what takes room, and leaves out what takes none", async () => {
    open(new TestNode(), "/settings");
    const kinds = within(await screen.findByTestId("storage-kinds"));
    expect(screen.getByText(/takes 63\.1 MB on its disk/)).toHaveTextContent("5.0 GB are free there.");
    expect(kinds.getByRole("row", { name: /Logs of groups/ })).toHaveTextContent("12,000 events40.0 MB");
    expect(kinds.getByRole("row", { name: /Waiting for providers/ })).toHaveTextContent("1 item");
    expect(kinds.queryByText(/Copies/)).toBeNull();
    expect(screen.getByTestId("storage-groups")).toHaveTextContent(/Rowing club.*12,000 events.*40\.0 MB/);
    expect(screen.getByTestId("storage-peers")).toHaveTextContent(/beta\.example.*1 item not fetched yet\./);
  });

  it("removes old messages only once it was shown what would go and who has not fetched it", async () => {
    const node = new TestNode();
    node.preview = {
      messages: 1_200,
      bytes: 30_000_000,
      oldest: at(-400 * DAY),
      groups: [{ group: `mimi://${US}/g/club`, messages: 1_200, bytes: 30_000_000, oldest: at(-400 * DAY) }],
      held: 1,
      unfetched: [
        { reader: "beta.example", fetched: at(-20 * DAY), held: 1, lost: 0 },
        { reader: `mimi://${US}/u/alice/d/old`, fetched: null, held: 0, lost: 7 },
      ],
    };
    const { person } = open(node, "/settings");
    expect(await screen.findByTestId("retention")).toHaveTextContent("is kept");
    await person.click(screen.getByTestId("choose-retention"));
    const dialog = within(await screen.findByRole("dialog", { name: "How long messages are kept" }));
    const field = dialog.getByLabelText("Days");
    await person.clear(field);
    await person.type(field, "90");
    expect(dialog.queryByTestId("set-retention")).toBeNull();
    await person.click(dialog.getByTestId("preview-retention"));
    const goes = await dialog.findByTestId("would-go");
    expect(goes).toHaveTextContent("the contents of 1,200 messages would go, 30.0 MB, of 1 group.");
    expect(goes).toHaveTextContent(/Rowing club.*1 message of that age stays for now/);
    const behind = within(dialog.getByTestId("unfetched")).getAllByRole("listitem");
    expect(behind[0]).toHaveTextContent(/beta\.example last fetched something .* 1 message waits for it/);
    expect(behind[1]).toHaveTextContent(
      /alice\/d\/old has never fetched anything\. .* 7 messages wait no longer/,
    );
    expect(node.requests("set-retention")).toEqual([]);

    // What was shown was for ninety days.
    await person.type(field, "0");
    expect(dialog.queryByTestId("set-retention")).toBeNull();
    await person.click(dialog.getByTestId("preview-retention"));
    await person.click(await dialog.findByRole("button", { name: "Remove after 900 days" }));
    await waitFor(() => expect(node.requests("set-retention")).toEqual([{ days: 900 }]));
    await waitFor(() => expect(screen.getByTestId("retention")).toHaveTextContent("after 900 days"));

    await person.click(screen.getByTestId("choose-retention"));
    await person.click(await screen.findByTestId("keep-messages"));
    await waitFor(() => expect(node.requests("set-retention").at(-1)).toEqual({}));
    await waitFor(() => expect(screen.getByTestId("retention")).toHaveTextContent("is kept"));
  });

  it("says why so few days are not taken", async () => {
    const node = new TestNode();
    node.answers = {
      "preview-retention": () => {
        throw new AdminError("unfit", "messages are kept for 7 days at least: give a number above that");
      },
    };
    const { person } = open(node, "/settings?do=retention");
    await person.click(await screen.findByTestId("preview-retention"));
    const dialog = within(screen.getByRole("dialog"));
    expect(await dialog.findByRole("alert")).toHaveTextContent("7 days at least");
    expect(dialog.queryByTestId("set-retention")).toBeNull();
  });

  it("gives free room back, and says how much that was", async () => {
    const node = new TestNode();
    const { person } = open(node, "/settings");
    expect(await screen.findByTestId("free-room")).toHaveTextContent(
      "20.0 MB of the store's file are free, for what comes.",
    );
    await person.click(screen.getByTestId("compact"));
    await waitFor(() =>
      expect(screen.getByTestId("free-room")).toHaveTextContent(/20\.0 MB were given back/),
    );
    expect(screen.getByTestId("compact")).toBeDisabled();
  });

  it("says why no room is given back", async () => {
    const node = new TestNode();
    node.answers = {
      compact: () => {
        throw new AdminError("no-room", "20 MiB are free on the disk, and giving room back needs 32 MiB");
      },
    };
    const { person } = open(node, "/settings");
    await person.click(await screen.findByTestId("compact"));
    expect(await within(screen.getByTestId("storage")).findByRole("alert")).toHaveTextContent(
      "20 MiB are free",
    );
  });

  it("says how far it is while room is being given back", async () => {
    const node = new TestNode();
    node.storage.compacting_bytes = 7_000_000;
    open(node, "/settings");
    expect(await screen.findByTestId("free-room")).toHaveTextContent("7.0 MB are left");
    expect(screen.getByTestId("compact")).toBeDisabled();
  });
});
