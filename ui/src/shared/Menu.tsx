import { Check } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "./class";

export interface MenuItem {
  id: string;
  text: string;
  hint?: string;
  danger?: boolean;
  disabled?: boolean;
  /** Where the menu chooses one of several: whether it is this one. */
  checked?: boolean;
  run: () => void;
}

/** A menu under a button. Not modal: modality would write a style element (see `Dialog.tsx`). */
export function Menu({
  trigger,
  items,
  align = "end",
  label,
}: {
  trigger: ReactNode;
  items: readonly (MenuItem | "line")[];
  align?: "start" | "end";
  label?: string;
}) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align={align}
          sideOffset={4}
          collisionPadding={8}
          {...(label === undefined ? {} : { "aria-label": label })}
          className="appear z-50 max-h-[60vh] max-w-[24rem] min-w-44 overflow-y-auto rounded-lg border border-line-strong bg-surface p-1 shadow-pop"
        >
          {items.map((item, index) =>
            item === "line" ? (
              // biome-ignore lint/suspicious/noArrayIndexKey: a line has no identity but its place.
              <DropdownMenu.Separator key={index} className="my-1 h-px bg-line" />
            ) : (
              <DropdownMenu.Item
                key={item.id}
                data-testid={item.id}
                disabled={item.disabled ?? false}
                onSelect={item.run}
                {...(item.checked ? { "aria-current": true } : {})}
                className={cx(
                  "flex flex-col rounded-md px-2 py-1 outline-none data-disabled:opacity-50 data-highlighted:bg-hover",
                  item.danger && "text-bad",
                )}
              >
                <span className="flex items-center gap-2 wrap-anywhere">
                  {item.text}
                  {item.checked && <Check className="ml-auto size-3.5 shrink-0" aria-hidden="true" />}
                </span>
                {item.hint !== undefined && <span className="text-sm text-muted">{item.hint}</span>}
              </DropdownMenu.Item>
            ),
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
