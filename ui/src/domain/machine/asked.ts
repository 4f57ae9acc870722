/** Which provider the shell has asked the window to show, such as for a notification of one; null is none. */
import { Store } from "@/shared/store";

export const asked = new Store<{ machine: string | null } | null>(null);
