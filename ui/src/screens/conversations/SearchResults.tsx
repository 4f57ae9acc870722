import { groupTitle } from "@/domain/group/words";
import { sentence, useRead } from "@/domain/node/admin";
import { nameOf } from "@/domain/node/identifiers";
import { Fault, Loading } from "@/shared/layout";
import { lineText } from "@/shared/text";
import { Ago } from "@/shared/values";
import { t } from "@/text";

const MOST = 100;

/** Messages that hold what was searched for; one opens its place in its conversation. */
export function SearchResults({
  user,
  text,
  onOpen,
}: {
  user: string;
  text: string;
  onOpen: (group: string, at: number) => void;
}) {
  const read = useRead("search-messages", { user, text });
  const hits = read.data?.hits;
  if (read.error !== null) {
    return (
      <div className="p-2">
        <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>
      </div>
    );
  }
  if (hits === undefined) return <Loading />;
  return (
    <>
      <p className="px-3 py-1.5 text-sm text-muted" role="status">
        {hits.length === 0 ? t.conversations.searchNone : t.conversations.searchFound(hits.length)}{" "}
        {hits.length >= MOST && t.conversations.searchMost}
      </p>
      <ul className="divide-y divide-line">
        {hits.map((hit) => (
          <li key={`${hit.group} ${hit.id}`}>
            <button
              type="button"
              className="block w-full px-3 py-2 text-left -outline-offset-2 hover:bg-hover"
              onClick={() => onOpen(hit.group, hit.place)}
            >
              <span className="flex items-baseline gap-2">
                <span className="mr-auto truncate font-medium" title={`${groupTitle(hit)}\n${hit.group}`}>
                  <bdi>{groupTitle(hit)}</bdi>
                </span>
                <Ago at={hit.preview.time} className="text-xs text-muted" />
              </span>
              <span className="line-clamp-3 text-sm text-muted wrap-anywhere">
                <span className="font-medium">
                  {hit.preview.own ? t.conversations.you : nameOf(hit.preview.sender)}:
                </span>{" "}
                <bdi>
                  <Found text={lineText(hit.preview.text)} wanted={text} />
                </bdi>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The text, with the words that were searched for marked. */
function Found({ text, wanted }: { text: string; wanted: string }) {
  const words = wanted.split(/\s+/).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return text.split(new RegExp(`(${words.join("|")})`, "gi")).map((part, index) =>
    index % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place.
      <mark key={index} className="rounded-sm bg-accent-soft text-ink">
        {part}
      </mark>
    ) : (
      part
    ),
  );
}
