import { Link } from "@tanstack/react-router";
import type { Stage } from "@/bindings/Stage";
import { t } from "@/text";
import { guidePart, headingId } from "./parts";

/** From what is wrong to the part of the operator's guide that tells more of it. */
export function GuideLink({ code, stage }: { code: string | null; stage: Stage | null }) {
  const part = guidePart({ code, stage });
  if (part === undefined) return null;
  return (
    <span data-testid="guide-link" className="text-sm text-muted">
      {t.guide.more}{" "}
      <Link to="/guide" hash={headingId(part)} className="text-accent underline underline-offset-2">
        {part}
      </Link>
    </span>
  );
}
