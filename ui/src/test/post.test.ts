/** Requests to the daemon, with an answer of the test's. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { UNREACHABLE } from "@/platform";
import { post } from "@/platform/post";

const STATUS = JSON.stringify({ mode: "own", node: { provider: "a.example" } });

/** An answer of which so much comes before it breaks off. */
function brokenOff(text: string): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      controller.error(new TypeError("network error"));
    },
  });
  return new Response(body, { status: 200 });
}

function answers(response: Response) {
  vi.stubGlobal("fetch", async () => response);
  return post("/admin/v1/status", {});
}

describe("an answer of the daemon", () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each([
    ["breaks off before its content", brokenOff("")],
    ["breaks off amid its content", brokenOff(STATUS.slice(0, 20))],
    ["is cut short", new Response(STATUS.slice(0, 20))],
    ["is empty", new Response("")],
    ["is a page of something else", new Response("<html></html>")],
    ["is a page of a proxy that says why", new Response("<html></html>", { status: 502 })],
  ])("that %s is none", async (_, response) => {
    await expect(answers(response)).rejects.toMatchObject({ code: UNREACHABLE });
  });

  it("is what the node has said", async () => {
    await expect(answers(new Response(STATUS))).resolves.toEqual(JSON.parse(STATUS));
  });

  it("may have no content where there is nothing to be said", async () => {
    await expect(answers(new Response(null, { status: 204 }))).resolves.toBeNull();
  });

  it("is a refusal in the node's words", async () => {
    const refusal = { code: "no-such-peer", detail: "there is no such peer" };
    const answered = answers(new Response(JSON.stringify(refusal), { status: 404 }));
    await expect(answered).rejects.toMatchObject(refusal);
  });
});
