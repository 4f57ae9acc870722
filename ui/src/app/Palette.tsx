import { useEffect, useId, useMemo, useRef, useState } from "react";
import { type Action, actions, keyNames } from "@/shared/actions";
import { Kbd } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Dialog } from "@/shared/Dialog";
import { useStore } from "@/shared/store";
import { t } from "@/text";

/** Everything that can be done right now, by typing. */
export function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog bare wide open={open} onClose={onClose} title={t.palette.title}>
      <Search onClose={onClose} />
    </Dialog>
  );
}

const MOST = 60;

function Search({ onClose }: { onClose: () => void }) {
  const all = useStore(actions);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const found = useMemo(() => search(all, text), [all, text]);
  const current = Math.min(at, found.length - 1);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  });
  const run = (action: Action | undefined) => {
    if (action === undefined) return;
    onClose();
    // After the dialog has given the focus back, so that what the action focuses keeps it.
    window.setTimeout(action.run, 0);
  };
  return (
    <>
      <input
        role="combobox"
        aria-label={t.palette.placeholder}
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length > 0 ? `${id}-${current}` : undefined}
        placeholder={t.palette.placeholder}
        value={text}
        autoComplete="off"
        spellCheck={false}
        className="h-11 shrink-0 border-b border-line bg-transparent px-4 text-lg outline-none placeholder:text-muted"
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
          if (step !== 0 && found.length > 0) {
            event.preventDefault();
            setAt((current + step + found.length) % found.length);
          }
          if (event.key === "Enter") {
            event.preventDefault();
            run(found[current]);
          }
        }}
      />
      <div
        ref={list}
        id={`${id}-list`}
        role="listbox"
        aria-label={t.palette.title}
        className="min-h-0 overflow-y-auto p-1"
      >
        {found.length === 0 && <p className="px-3 py-4 text-muted">{t.palette.empty}</p>}
        {found.map((action, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard is in the field above (a combobox).
          <div
            key={action.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            className={cx(
              "flex min-h-8 items-center gap-3 rounded-md px-3",
              index === current && "bg-accent-soft",
            )}
            onPointerMove={() => setAt(index)}
            onClick={() => run(action)}
          >
            <span className="mr-auto wrap-anywhere">{action.title}</span>
            <span className="text-sm text-muted">{action.group}</span>
            {action.keys?.[0] !== undefined && <Keys keys={action.keys[0]} />}
          </div>
        ))}
      </div>
    </>
  );
}

export function Keys({ keys }: { keys: string }) {
  return (
    <span className="inline-flex shrink-0 gap-1">
      {keyNames(keys).map((name, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a key may be there twice.
        <Kbd key={index} keys={name} />
      ))}
    </span>
  );
}

const { act, go, demo, view, peer, group, talk } = t.palette.groups;
/** What the screen itself offers stands between what can be done and where one can go. */
const places: readonly (string | undefined)[] = [
  act,
  undefined,
  t.elsewhere.group,
  go,
  demo,
  view,
  talk,
  group,
  peer,
];

function placeOf(group: string): number {
  const place = places.indexOf(group);
  return place === -1 ? 1 : place;
}

/** All words must be found; what begins with the text comes first. */
function search(all: readonly Action[], text: string): Action[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const listed = all
    .filter((action) => action.keyOnly !== true)
    .toSorted((a, b) => placeOf(a.group) - placeOf(b.group));
  const found = listed.filter((action) => {
    const hay = `${action.title} ${action.group} ${action.words ?? ""}`.toLowerCase();
    return words.every((word) => hay.includes(word));
  });
  const first = (action: Action) => (action.title.toLowerCase().startsWith(text.toLowerCase()) ? 0 : 1);
  return (words.length === 0 ? found : found.toSorted((a, b) => first(a) - first(b))).slice(0, MOST);
}

/** All shortcuts that hold right now. */
export function Shortcuts({
  open,
  onClose,
  singleKeysOn,
}: {
  open: boolean;
  onClose: () => void;
  singleKeysOn: boolean;
}) {
  const all = useStore(actions).filter((action) => action.keys !== undefined);
  const groups = [...new Set(all.map((action) => action.group))];
  return (
    <Dialog wide open={open} onClose={onClose} title={t.shortcuts.title}>
      {!singleKeysOn && <p className="mb-3 text-muted">{t.shortcuts.off}</p>}
      <div className="columns-2 gap-8 max-sm:columns-1">
        {groups.map((group) => (
          <section key={group} className="mb-4 break-inside-avoid" aria-label={group}>
            <h3 className="mb-1 text-sm font-semibold text-muted">{group}</h3>
            <dl>
              {all
                .filter((action) => action.group === group)
                .map((action) => (
                  <div key={action.id} className="flex min-h-7 items-center gap-2 border-t border-line">
                    <dt className="mr-auto">{action.title}</dt>
                    <dd className="flex items-center gap-1.5">
                      {action.keys?.map((keys) => (
                        <Keys key={keys} keys={keys} />
                      ))}
                    </dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
