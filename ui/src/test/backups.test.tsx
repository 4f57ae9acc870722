import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { AdminError } from "@/platform";
import { at, TestNode } from "./node";
import { open } from "./render";

function own(): TestNode {
  const node = new TestNode();
  node.mode = "own";
  return node;
}

describe("backups", () => {
  it("are listed with where they are, and when the next comes", async () => {
    const node = own();
    node.backups.every_hours = 24;
    node.backups.backups = [0, 1, 2, 3, 4, 5, 6].map((day) => ({
      file: `/data/backups/home.example_${day}.drawbridge`,
      bytes: 5_000_000,
      made: at(-day * 86_400_000 - 60_000),
      sealed: day > 0,
    }));
    open(node, "/settings");
    expect(await screen.findByTestId("backup-schedule")).toHaveTextContent(
      "One is made each day, and the latest 7 are kept.",
    );
    const rows = within(screen.getByTestId("backups")).getAllByRole("listitem");
    expect(rows).toHaveLength(5);
    expect(rows[0]).toHaveTextContent(/not sealed.*home\.example_0\.drawbridge/);
    expect(rows[1]).not.toHaveTextContent("not sealed");
    expect(screen.getByText("2 older ones in /data/backups")).toBeInTheDocument();
  });

  it("say why none was made, and that there is none", async () => {
    const node = own();
    node.backups.failed = { since: at(-60_000), text: "/mnt/usb cannot be written" };
    open(node, "/settings");
    expect(await screen.findByText(/was not made: \/mnt\/usb cannot be written/)).toBeInTheDocument();
    expect(screen.getByText("There is none yet in /data/backups.")).toBeInTheDocument();
  });

  it("are made with a passphrase that was typed twice alike", async () => {
    const node = own();
    const { person } = open(node, "/settings");
    await person.click(await screen.findByTestId("back-up"));
    const dialog = await screen.findByRole("dialog", { name: "Back up now…" });
    await person.type(within(dialog).getByLabelText("Passphrase"), "open sesame");
    await person.type(within(dialog).getByLabelText("The same again"), "open sesam");
    await person.click(within(dialog).getByTestId("back-up-now"));
    expect(within(dialog).getByLabelText("The same again")).toHaveAccessibleDescription(
      "The two are not the same.",
    );
    expect(node.requests("back-up")).toEqual([]);
    await person.type(within(dialog).getByLabelText("The same again"), "e");
    await person.click(within(dialog).getByTestId("back-up-now"));
    expect(await within(dialog).findByTestId("backup-made")).toHaveTextContent(
      "/data/backups/home.example.drawbridge.age",
    );
    expect(node.requests("back-up")).toEqual([{ keys: true, passphrase: "open sesame" }]);
    expect(dialog).not.toHaveTextContent("whoever has it can speak as your provider");
  });

  it("say what went wrong, and what a file is without its keys", async () => {
    const node = own();
    node.answers["back-up"] = () => {
      throw new AdminError("backup-no-room", "the backup takes 9 MiB, and only 3 MiB are free");
    };
    const { person } = open(node, "/settings?do=backup");
    const dialog = await screen.findByRole("dialog", { name: "Back up now…" });
    await person.click(within(dialog).getByTestId("back-up-now"));
    expect(await within(dialog).findByText(/only 3 MiB are free/)).toBeInTheDocument();
    node.answers = {};
    await person.click(within(dialog).getByRole("switch", { name: "With the keys" }));
    await person.click(within(dialog).getByTestId("back-up-now"));
    await within(dialog).findByTestId("backup-made");
    expect(dialog).toHaveTextContent(/It has no keys/);
    expect(node.requests("back-up").at(-1)).toEqual({ keys: false });
  });
});

describe("a backup that is downloaded", () => {
  it("is ordered as it is wanted, fetched by the browser, and said to be on its way", async () => {
    const node = own();
    const { person } = open(node, "/settings");
    await person.click(await screen.findByTestId("download-backup"));
    const dialog = await screen.findByRole("dialog", { name: "Download a backup" });
    await person.type(within(dialog).getByLabelText("Passphrase"), "open sesame");
    await person.type(within(dialog).getByLabelText("The same again"), "open sesame");
    await person.click(within(dialog).getByTestId("back-up-now"));
    await within(dialog).findByTestId("download-begun");
    expect(node.requests("order-backup")).toEqual([{ keys: true, passphrase: "open sesame" }]);
    expect(node.downloaded).toEqual(["/admin/v1/backup/b1"]);
    expect(dialog).toHaveTextContent("Nobody opens it without what it is sealed with.");
  });

  it("says where another one is under way, and fetches nothing", async () => {
    const node = own();
    node.answers["order-backup"] = () => {
      throw new AdminError("backup-busy", "another backup is being downloaded");
    };
    const { person } = open(node, "/settings?do=download-backup");
    const dialog = await screen.findByRole("dialog", { name: "Download a backup" });
    await person.click(within(dialog).getByTestId("back-up-now"));
    expect(await within(dialog).findByText(/Another backup is being downloaded/)).toBeInTheDocument();
    expect(node.downloaded).toEqual([]);
  });
});

describe("a backup that is brought back", () => {
  it("says at the passphrase that it needs one, and starts what is in it", async () => {
    const node = new TestNode();
    node.mode = "new";
    node.answers["restore"] = (request) => {
      if ((request as { passphrase?: string }).passphrase === undefined) {
        throw new AdminError("needs-passphrase", "it is sealed with a passphrase; give that one");
      }
      node.mode = "own";
      return {};
    };
    const { person } = open(node);
    const bring = await screen.findByRole("button", { name: "Bring it back" });
    expect(bring).toBeDisabled();
    await person.type(screen.getByLabelText("Backup"), "/media/home.drawbridge.age");
    await person.click(bring);
    await waitFor(() =>
      expect(screen.getByLabelText("Passphrase")).toHaveAccessibleDescription(
        "It is sealed with a passphrase: give that one.",
      ),
    );
    await person.type(screen.getByLabelText("Passphrase"), "open sesame");
    await person.click(screen.getByRole("button", { name: "Bring it back" }));
    await waitFor(() =>
      expect(node.requests("restore").at(-1)).toEqual({
        file: "/media/home.drawbridge.age",
        passphrase: "open sesame",
      }),
    );
    expect(await screen.findByRole("navigation")).toBeInTheDocument();
  });
});
