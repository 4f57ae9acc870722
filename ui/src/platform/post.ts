/** One request to the daemon, and what it says where it refuses. */
import { AdminError, UNREACHABLE } from "./platform";

const CALL_TIMEOUT_MS = 30_000;

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
  try {
    const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
    response = await fetch(url, { ...request, credentials: "same-origin", signal });
  } catch {
    throw new AdminError(UNREACHABLE, "");
  }
  const text = await response.text().catch(() => "");
  if (response.ok) return (text === "" ? {} : parse(text)) as T;
  const fault = parse(text) as { code?: unknown; detail?: unknown } | null;
  if (typeof fault?.code === "string") throw new AdminError(fault.code, String(fault.detail ?? ""));
  throw new AdminError(UNREACHABLE, "");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
