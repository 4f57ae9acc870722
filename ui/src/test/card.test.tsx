import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { at, DAY } from "./fixtures";
import { failingPeer, peer, step, TestNode } from "./node";
import { open } from "./render";

const KEY = "qx7Pz0f9D2kLm3NvR8sTw1YbC4eGh5JiKo6UaXdEyFQ";
const CERTIFICATE = "aa:bb:cc";

describe("the card", () => {
  it("of this provider is shown as a link and as a code", async () => {
    const node = new TestNode();
    node.mode = "own";
    const { person } = open(node, "/peers");
    await person.click(await screen.findByTestId("own-card"));
    const dialog = await screen.findByRole("dialog", { name: "My card" });
    expect(await within(dialog).findByTestId("card-link")).toHaveTextContent(`?key=${KEY}`);
    expect(within(dialog).getByRole("img", { name: "The card as a QR code" })).toBeInTheDocument();
    expect(within(dialog).getByText("Fingerprint of the key")).toBeInTheDocument();
    expect(within(dialog).queryByText("Fingerprint of the certificate")).toBeNull();
  });

  it("of another one that was pasted tells both fingerprints before it is added", async () => {
    const node = new TestNode();
    node.mode = "own";
    node.answers["add-by-card"] = () => ({ peer: peer("beta.example"), undo: null });
    const { person } = open(node, "/peers");
    await person.click(await screen.findByRole("button", { name: "Add a provider" }));
    const link = `mimi://beta.example?key=${KEY}&certificate=aabbcc`;
    await person.click(screen.getByLabelText("Name or card of the provider"));
    await person.paste(link);
    const read = await screen.findByTestId("card-read");
    expect(read).toHaveTextContent("By this card beta.example is known by:");
    expect(read).toHaveTextContent(KEY);
    expect(read).toHaveTextContent("aabbcc");
    await person.click(screen.getByRole("button", { name: "Let in" }));
    await waitFor(() => expect(node.requests("add-by-card")).toEqual([{ link }]));
    expect(node.requests("set-peer")).toEqual([]);
  });

  it("that was opened as a link fills in the dialog, and nothing is added by that alone", async () => {
    const node = new TestNode();
    node.mode = "own";
    node.answers["read-card"] = () => ({ provider: "beta.example", key: KEY, certificate: null });
    const link = `mimi://beta.example?key=${KEY}`;
    const { person } = open(node, `/link?uri=${encodeURIComponent(link)}`);
    expect(await screen.findByTestId("card-read")).toHaveTextContent(KEY);
    expect(screen.getByLabelText("Name or card of the provider")).toHaveValue(link);
    expect(node.requests("add-by-card")).toEqual([]);
    await person.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByTestId("card-read")).toBeNull());
    await person.click(screen.getByRole("button", { name: "Add a provider" }));
    expect(screen.getByLabelText("Name or card of the provider")).toHaveValue("");
  });

  it("is not needed: a name alone is added as before", async () => {
    const node = new TestNode();
    node.mode = "own";
    const { person } = open(node, "/peers");
    await person.click(await screen.findByRole("button", { name: "Add a provider" }));
    await person.type(screen.getByLabelText("Name or card of the provider"), "https://beta.example");
    await person.click(screen.getByRole("button", { name: "Let in" }));
    await waitFor(() =>
      expect(node.requests("set-peer")).toEqual([{ provider: "beta.example", state: "allowed" }]),
    );
  });
});

describe("a certificate that nobody vouches for", () => {
  it("is trusted by its fingerprint where it was met", async () => {
    const node = new TestNode();
    node.mode = "own";
    const failing = failingPeer("beta.example");
    const [trouble] = failing.troubles;
    if (trouble === undefined) throw new Error("it has no trouble");
    node.peers = [{ ...failing, troubles: [{ ...trouble, code: "certificate-self-signed", stage: "tls" }] }];
    node.answers["met-certificate"] = () => ({
      fingerprint: CERTIFICATE,
      names: ["beta.example"],
      self_signed: true,
      ends: at(30 * DAY),
      refused: "the certificate is signed by itself",
    });
    node.answers["trust-certificate"] = () => ({ certificates: [] });
    const { person } = open(node, "/peers?open=beta.example");
    await person.click(await screen.findByTestId("look-at-certificate"));
    const dialog = await screen.findByRole("dialog", { name: "The certificate of beta.example" });
    expect(dialog).toHaveTextContent(CERTIFICATE);
    expect(node.requests("trust-certificate")).toEqual([]);
    await person.click(within(dialog).getByRole("button", { name: "Trust it for this provider" }));
    await waitFor(() =>
      expect(node.requests("trust-certificate")).toEqual([
        { provider: "beta.example", fingerprint: CERTIFICATE },
      ]),
    );
  });

  it("is trusted from the doctor too, where its provider was never met", async () => {
    const node = new TestNode();
    node.answers["met-certificate"] = () => ({
      fingerprint: CERTIFICATE,
      names: ["beta.example"],
      self_signed: true,
      ends: at(30 * DAY),
      refused: "the certificate is signed by itself",
    });
    node.answers["trust-certificate"] = () => ({ certificates: [] });
    const { person } = open(node, "/doctor?provider=beta.example");
    await waitFor(() => expect(node.reports).toHaveLength(1));
    const verdict = {
      verdict: "fail",
      code: "certificate-self-signed",
      stage: "tls",
      side: "either",
    } as const;
    node.found([step("tls", "it has signed its certificate itself", { at: "192.0.2.1:443", ...verdict })], {
      is_finished: true,
    });
    await person.click(await screen.findByTestId("look-at-certificate"));
    const dialog = await screen.findByRole("dialog", { name: "The certificate of beta.example" });
    await person.click(within(dialog).getByRole("button", { name: "Trust it for this provider" }));
    await waitFor(() =>
      expect(node.requests("trust-certificate")).toEqual([
        { provider: "beta.example", fingerprint: CERTIFICATE },
      ]),
    );
  });

  it("is taken back in the settings", async () => {
    const node = new TestNode();
    node.mode = "own";
    const certificates = [{ provider: "beta.example", fingerprint: CERTIFICATE, since: at(-DAY) }];
    node.answers["trusted-certificates"] = () => ({ certificates });
    node.answers["trust-certificate"] = () => ({ certificates: [] });
    const { person } = open(node, "/settings");
    const row = await screen.findByTestId("trusted-beta.example");
    expect(row).toHaveTextContent(CERTIFICATE);
    await person.click(within(row).getByRole("button", { name: /Take back/ }));
    await waitFor(() => expect(node.requests("trust-certificate")).toEqual([{ provider: "beta.example" }]));
  });
});

describe("a private address", () => {
  const refused = () => {
    const peer = failingPeer("beta.example");
    const troubles = peer.troubles.map(
      (each) => ({ ...each, stage: "policy", code: "address-refused" }) as const,
    );
    return { ...peer, troubles };
  };

  it("is allowed for a peer where it was met, and taken back there", async () => {
    const node = new TestNode();
    node.mode = "own";
    node.peers = [refused()];
    const { person } = open(node, "/peers?open=beta.example");
    await person.click(await screen.findByTestId("allow-address"));
    const dialog = await screen.findByRole("dialog", { name: "The address of beta.example" });
    expect(await within(dialog).findByText("192.168.1.20")).toBeInTheDocument();
    expect(dialog).toHaveTextContent("private: refused");
    expect(node.requests("allow-addresses")).toEqual([]);
    await person.click(within(dialog).getByRole("button", { name: "Allow it for this provider" }));
    const allowed = await screen.findByTestId("allowed-addresses");
    expect(allowed).toHaveTextContent("Allowed for this provider alone, though private: 192.168.1.20.");
    await person.click(within(allowed).getByRole("button", { name: "Take back" }));
    await waitFor(() => expect(screen.queryByTestId("allowed-addresses")).toBeNull());
    expect(node.requests("allow-addresses")).toEqual([
      { provider: "beta.example", addresses: ["192.168.1.20"] },
      { provider: "beta.example", addresses: [] },
    ]);
  });

  it("of no computer is never offered", async () => {
    const node = new TestNode();
    node.mode = "own";
    node.peers = [refused()];
    node.answers["met-addresses"] = () => ({
      addresses: [{ host: "beta.example", address: "169.254.169.254", open: false, may_be_allowed: false }],
    });
    const { person } = open(node, "/peers?open=beta.example");
    await person.click(await screen.findByTestId("allow-address"));
    const dialog = await screen.findByRole("dialog", { name: "The address of beta.example" });
    expect(await within(dialog).findByText("no address of another computer: refused always")).toBeVisible();
    expect(within(dialog).queryByTestId("allow-address-now")).toBeNull();
  });
});

describe("a token", () => {
  it("comes with the address that its client comes to", async () => {
    const node = new TestNode();
    node.mode = "own";
    node.answers["create-client"] = () => ({
      client: "mimi://home.example/u/alice/d/phone",
      token: "secret",
      address: "http://127.0.0.1:9102",
      qr: { size: 33, path: "M4 4h1v1h-1z" },
    });
    const { person } = open(node, "/accounts");
    await person.click(await screen.findByRole("button", { name: /^New client/ }));
    await person.type(await screen.findByLabelText("Name"), "phone");
    await person.click(screen.getByRole("button", { name: "Make the client" }));
    expect(await screen.findByTestId("token")).toHaveTextContent("secret");
    expect(screen.getByText("http://127.0.0.1:9102")).toBeInTheDocument();
    expect(screen.getByRole("img", { name: "The address as a QR code" })).toBeInTheDocument();
  });
});
