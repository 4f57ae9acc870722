import file from "@docs/operators.md?raw";
import { Link, useLocation } from "@tanstack/react-router";
import { useEffect } from "react";
import { useWide } from "@/shared/hooks";
import { Screen } from "@/shared/layout";
import { t } from "@/text";
import { contents, type Heading } from "./guide/contents";
import { GuideText } from "./guide/GuideText";
import { reveal } from "./guide/reveal";

/** The first heading is the screen's own title. */
const text = file.replace(/^# .*\n/, "");
const headings = contents(text);

/** The operator's guide, as it stands in docs/operators.md of the version that runs. */
export function GuideScreen() {
  const { hash } = useLocation();
  const isWide = useWide();
  // A link from another screen names the part; the text is there from the first moment on.
  useEffect(() => {
    if (hash !== "") reveal(hash);
  }, [hash]);
  return (
    <Screen title={t.guide.title}>
      <div className="gap-8 min-[68rem]:grid min-[68rem]:grid-cols-[15rem_minmax(0,1fr)]">
        {isWide ? (
          <div className="sticky top-0 -my-4 max-h-[calc(100vh-6.5rem)] self-start overflow-y-auto py-4">
            <Contents />
          </div>
        ) : (
          <details className="mb-4 rounded-lg border border-line bg-surface px-3 py-2">
            <summary className="font-semibold">{t.guide.contents}</summary>
            <div className="mt-2">
              <Contents />
            </div>
          </details>
        )}
        <GuideText text={text} />
      </div>
    </Screen>
  );
}

function Contents() {
  return (
    <nav aria-label={t.guide.contents}>
      <Parts of={headings} />
    </nav>
  );
}

function Parts({ of }: { of: readonly Heading[] }) {
  return (
    <ol className="grid gap-0.5">
      {of.map(({ id, title, parts }) => (
        <li key={id}>
          <Link
            to="/guide"
            hash={id}
            className="block rounded-md px-2 py-0.5 text-muted hover:bg-hover hover:text-ink"
            onClick={() => reveal(id)}
          >
            {title}
          </Link>
          {parts.length > 0 && (
            <div className="mt-0.5 ml-2 border-l border-line pl-1">
              <Parts of={parts} />
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}
