import { describe, expect, it } from "vitest";
import { isName, isProvider, person } from "@/domain/node/identifiers";
import { readUserAgent } from "@/domain/node/userAgent";
import { lag, peerWord, pullingWord, remedy, servingWord, whyNotReached } from "@/domain/peer/words";
import { itemText, requestLine } from "@/domain/traffic/words";
import { ago, bytes, coarseSpan, duration, span, until } from "@/shared/format";
import { failingPeer, peer } from "./node";

describe("what crosses the wire", () => {
  it("says what was submitted, and why it was refused", () => {
    expect(itemText("commit")).toBe("a change of a group");
    expect(itemText("commit: epoch-conflict")).toBe("a change of a group, refused: epoch-conflict");
    expect(itemText("something-new")).toBe("something-new");
    expect(itemText("submission: malformed")).toBe("something submitted, refused: malformed");
    expect(itemText("result")).toBe("what became of something submitted");
    expect(itemText("proved")).toBe("a proof of earlier events");
    expect(itemText("commit: \u202Eno")).toBe("a change of a group, refused: [U+202E]no");
  });

  it("names what would turn a request's line about", () => {
    expect(requestLine({ method: "GET", target: "/\u202Edeef" })).toBe("GET /[U+202E]deef");
  });
});

describe("numbers in words", () => {
  it.each([
    [0.01, "< 0.1 ms"],
    [0.42, "0.4 ms"],
    [3.4, "3 ms"],
    [999.4, "999 ms"],
    [1_234, "1.2 s"],
    [12_345, "12 s"],
    [61_000, "1 min 1 s"],
    [3_600_000, "1 h"],
    [5_460_000, "1 h 31 min"],
  ])("%d ms is %s", (ms, words) => expect(duration(ms)).toBe(words));

  it("says spans by their leading units", () => {
    expect(span(59_999)).toBe("59 s");
    expect(span(86_400_000)).toBe("1 day");
    expect(coarseSpan(7_500_000)).toBe("2 h");
  });

  it.each([
    [400, "400 days"],
    [731, "2 years"],
    [10_000, "27 years"],
    [755_720, "more than 100 years"],
  ])("says %d days as %s", (days, words) => {
    const ms = days * 86_400_000;
    expect(span(ms)).toBe(words);
    expect(coarseSpan(ms)).toBe(words);
    expect(until(ms, 0)).toBe(`in ${words}`);
    expect(ago(0, ms)).toBe(`${words} ago`);
  });

  it("says how long ago and how long until", () => {
    expect(ago(1_000, 1_500)).toBe("now");
    expect(ago(0, 12_000)).toBe("12 s ago");
    expect(until(4_200, 0)).toBe("in 4 s");
    expect(until(0, 5_000)).toBe("now");
  });

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_500, "1.5 kB"],
    [150_000, "150 kB"],
    [2_000_000_000, "2.0 GB"],
  ])("%d octets are %s", (n, words) => expect(bytes(n)).toBe(words));
});

describe("identifiers", () => {
  it.each([
    "home.example",
    "home.example:8443",
    "localhost:8441",
    "192.0.2.1",
    "[2001:db8::1]:8443",
    "xn--bcher-kva.example",
  ])("%s names a provider", (text) => expect(isProvider(text)).toBe(true));
  it.each([
    "",
    "Home.example",
    "home.example:443",
    "home.example:0",
    "home.example.",
    "https://home.example",
    "-a.example",
  ])("%s names none", (text) => expect(isProvider(text)).toBe(false));
  it("reads a person's address, and only that", () => {
    expect(person("mimi://beta.example:8443/u/bob")).toEqual({ provider: "beta.example:8443", name: "bob" });
    expect(person("mimi://beta.example/g/club")).toBeNull();
    expect(person("mimi://beta.example/u/Bob")).toBeNull();
    expect(isName("..")).toBe(false);
  });
});

describe("a browser in words", () => {
  it.each([
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Linux"],
    [
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
      "Chrome",
      "Linux",
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
      "Edge",
      "Windows",
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
      "Safari",
      "iPhone",
    ],
    [
      "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
      "Chrome",
      "Android",
    ],
    ["curl/8.14.1", "curl", null],
  ])("reads %s", (text, browser, system) => expect(readUserAgent(text)).toEqual({ browser, system }));
  it("leaves its own words to one that it does not know", () => {
    expect(readUserAgent("Strange/1.0 (Linux)")).toBeNull();
    expect(readUserAgent("")).toBeNull();
  });
});

describe("a peer in a word", () => {
  it("names the step at which it fails", () => {
    expect(peerWord(failingPeer("beta.example"))).toMatchObject({ tone: "bad", text: "Not reachable" });
  });
  it.each([
    [peer("b.example"), "Well"],
    [peer("b.example", { state: "pending" }), "Waits for you"],
    [peer("b.example", { state: "key-changed" }), "Key changed"],
    [peer("b.example", { their_state: "pending" }), "Waits for their approval"],
    [peer("b.example", { their_state: "blocked" }), "Blocks us"],
    [peer("b.example", { state: "blocked" }), "Blocked"],
    [peer("b.example", { state: "unknown" }), "Not met"],
  ])("case %#", (value, word) => expect(peerWord(value).text).toBe(word));

  it("is chosen by the node's judgement, whatever else is known", () => {
    // A pull that is under way again, and one of theirs that waits here, are no sign that all is well.
    const { standing, troubles } = failingPeer("b.example");
    const retried = peer("b.example", { standing, troubles });
    expect(peerWord(retried)).toMatchObject({ tone: "bad", text: "Not reachable", hint: standing.text });
    expect(pullingWord(retried)).toMatchObject({ tone: "bad", text: "trying again" });
    expect(servingWord(retried)).toMatchObject({ tone: "muted", text: "waiting here" });
    expect(whyNotReached(retried)).toBe("their provider cannot be reached");
    const lagging = { ...standing, code: "not-fetched" as const };
    expect(peerWord(peer("b.example", { standing: lagging })).text).toBe("Does not pull us");
    expect(pullingWord(peer("b.example", { standing: lagging })).tone).toBe("muted");
  });

  it("has no mark of wellness beside a trouble that goes on", () => {
    const { troubles } = failingPeer("b.example");
    const { standing } = peer("b.example");
    const value = peer("b.example", { troubles, standing: { ...standing, code: "troubled" } });
    for (const word of [peerWord(value), pullingWord(value), servingWord(value)])
      expect(word.tone).not.toBe("ok");
    const over = troubles.map((each) => ({ ...each, over: true }));
    expect(peerWord(peer("b.example", { troubles: over })).tone).toBe("ok");
  });

  it("counts the lag of each direction", () => {
    const value = peer("b.example");
    value.pulling.head = 9;
    value.serving.head = 5;
    expect(lag(value)).toMatchObject({ theirs: 2, ours: 2 });
  });

  it("has a remedy for every trouble, by code or by step", () => {
    expect(remedy({ code: "clock-skew", stage: "signature" })).toMatch(/clock/);
    expect(remedy({ code: "never-heard-of", stage: "dns" })).toMatch(/name/);
  });
});
