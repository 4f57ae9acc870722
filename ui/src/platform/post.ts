/** One request to the daemon, and what it says where it refuses. */
import { AdminError, UNREACHABLE } from "./platform";

const CALL_TIMEOUT_MS = 30_000;
const NO_CONTENT = 204;

export async function post<T>(url: string, body: unknown): Promise<T> {
  return answer(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

export async function get<T>(url: string): Promise<T> {
  return answer(url, { method: "GET" });
}

async function answer<T>(url: string, request: RequestInit): Promise<T> {
  let response: Response;
  let said: unknown;
  try {
    const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
    response = await fetch(url, { ...request, credentials: "same-origin", signal });
    said = parse(await response.text());
  } catch {
    throw new AdminError(UNREACHABLE, "");
  }
  // What has broken off on its way, or is no JSON, is no answer of the node.
  if (response.ok && (said !== null || response.status === NO_CONTENT)) return said as T;
  const fault = said as { code?: unknown; detail?: unknown } | null;
  if (!response.ok && typeof fault?.code === "string")
    throw new AdminError(fault.code, String(fault.detail ?? ""));
  throw new AdminError(UNREACHABLE, "");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
