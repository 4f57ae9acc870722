/** The identifiers of the wire, as far as the GUI reads them (`docs/mtp.md`, section 2). */

const NAME = /^(?!\.{1,2}$)[a-z0-9._-]{1,64}$/;
const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const IPV6 = /^\[[0-9a-f:]{2,39}\]$/;
const PORT = /^[1-9][0-9]{0,4}$/;

export interface Person {
  provider: string;
  name: string;
}

export function isName(text: string): boolean {
  return NAME.test(text);
}

/** Whether it can be a provider's authority; the node has the last word. */
export function isProvider(text: string): boolean {
  const [, host = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(text) ?? [];
  if (port !== undefined && (!PORT.test(port) || Number(port) > 65_535 || port === "443")) return false;
  return HOST.test(host) || IPV6.test(host);
}

/** Who is meant by `mimi://{provider}/u/{name}`; null where it is not such an address. */
export function person(uri: string): Person | null {
  const [, provider = "", name = ""] = /^mimi:\/\/([^/]+)\/u\/([^/]+)$/.exec(uri) ?? [];
  return isProvider(provider) && isName(name) ? { provider, name } : null;
}

/** Which group is meant by `mimi://{provider}/g/{name}`; null where it is not such an address. */
export function groupOf(uri: string): Person | null {
  const [, provider = "", name = ""] = /^mimi:\/\/([^/]+)\/g\/([^/]+)$/.exec(uri) ?? [];
  return isProvider(provider) && isName(name) ? { provider, name } : null;
}

/** Whether a link is a provider's card: `mimi://{provider}?key=…`. */
export function isCard(uri: string): boolean {
  return /^mimi:\/\/[^/?]+\/?\?/i.test(uri);
}

/** Whose client `mimi://{provider}/u/{name}/d/{name}` is. */
export function userOfClient(uri: string): string {
  return uri.replace(/\/d\/[^/]+$/, "");
}

/** The client's own name. */
export function clientName(uri: string): string {
  return /\/d\/([^/]+)$/.exec(uri)?.[1] ?? uri;
}

/** The name alone, where the provider is plain from what stands beside it. */
export function nameOf(uri: string): string {
  return person(uri)?.name ?? uri;
}

export function providerOf(uri: string): string {
  return person(uri)?.provider ?? uri;
}
