import type { ReactNode } from "react";

const LEADS_OUT = /^(https?:|mailto:)/i;

/** Whether an address leads to the web or to mail, and to nothing within these pages. */
export function leadsOut(address: string): boolean {
  return LEADS_OUT.test(address);
}

/** A link that leads out of these pages. */
export function WebLink({ href, children }: { href: string; children?: ReactNode }) {
  return (
    <a
      href={href}
      title={href}
      target="_blank"
      rel="noopener noreferrer"
      className="text-accent underline underline-offset-2"
    >
      {children}
    </a>
  );
}
