import {
  type Cell,
  type ColumnDef,
  getCoreRowModel,
  getSortedRowModel,
  type Row,
  type RowData,
  type SortingState,
  useReactTable,
} from "@tanstack/react-table";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { t } from "@/text";
import { useActions } from "./actions";
import { cx } from "./class";
import { type Reveal, VirtualRows } from "./VirtualRows";

declare module "@tanstack/react-table" {
  interface ColumnMeta<TData extends RowData, TValue> {
    /** A track of the CSS grid. */
    width: string;
    hint?: string;
    end?: boolean;
    /** Shown where the table is at least so wide, in sixteenths of a rem: the pixels of usual letters. */
    from?: number;
  }
}

export type Column<T> = ColumnDef<T, unknown> & { id: string; header: string };

/** A table that sorts, fits its width, stays quick with thousands of rows, and opens a row's details. */
export function DataTable<T>({
  label,
  rows,
  columns,
  keyOf,
  openKey,
  onOpen,
  openLabel,
  below,
  estimate,
  sort,
  rowTestId,
  narrow,
}: {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  keyOf: (row: T) => string;
  openKey: string | null;
  onOpen: (key: string | null) => void;
  openLabel: (row: T) => string;
  /** What stands under the cells, over the whole width. */
  below?: (row: T) => ReactNode;
  estimate: number;
  sort: SortingState;
  rowTestId?: (row: T) => string;
  /** A row where the table is too narrow for columns. */
  narrow?: (row: T) => ReactNode;
}) {
  const [sorting, setSorting] = useState<SortingState>(sort);
  const [box, width] = useWidth();
  const table = useReactTable<T>({
    data: rows as T[],
    columns: columns as Column<T>[],
    getRowId: keyOf,
    state: { sorting },
    onSortingChange: setSorting,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    enableSortingRemoval: false,
  });
  const shown = columns.filter((column) => (column.meta?.from ?? 0) <= width);
  const ids = new Set(shown.map((column) => column.id));
  const template = shown.map((column) => column.meta?.width ?? "1fr").join(" ");
  const isNarrow = narrow !== undefined && width < 520;
  const list = table.getRowModel().rows;
  const handle = useRef<Reveal>(null);

  const move = (by: number) => {
    const buttons = box.current?.querySelectorAll<HTMLElement>("[data-row-open]") ?? [];
    const at = [...buttons].indexOf(document.activeElement as HTMLElement);
    const next = buttons[at === -1 ? 0 : Math.min(Math.max(at + by, 0), buttons.length - 1)];
    next?.focus();
  };
  useActions([
    {
      id: "table.down",
      title: t.shortcuts.down,
      group: label,
      keys: ["j"],
      keyOnly: true,
      run: () => move(1),
    },
    { id: "table.up", title: t.shortcuts.up, group: label, keys: ["k"], keyOnly: true, run: () => move(-1) },
  ]);

  const cells = (row: Row<T>) => row.getVisibleCells().filter((cell) => ids.has(cell.column.id));

  return (
    <div ref={box} role="table" aria-label={label} aria-rowcount={list.length + 1} className="min-w-0">
      {!isNarrow && (
        <div role="rowgroup" className="sticky top-0 z-10 rounded-t-lg border-b border-line bg-surface">
          <div role="row" className="grid gap-x-3 px-3" style={{ gridTemplateColumns: template }}>
            {table.getFlatHeaders().flatMap((header) => {
              if (!ids.has(header.column.id)) return [];
              const sorted = header.column.getIsSorted();
              const meta = header.column.columnDef.meta;
              const text = String(header.column.columnDef.header);
              return (
                <div
                  key={header.id}
                  role="columnheader"
                  aria-sort={sorted === false ? "none" : sorted === "desc" ? "descending" : "ascending"}
                  className={cx("min-w-0 text-sm text-muted", meta?.end && "text-right")}
                  title={meta?.hint}
                >
                  {header.column.getCanSort() ? (
                    <button
                      type="button"
                      className={cx(
                        "inline-flex h-7 items-center gap-1 rounded-sm hover:text-ink",
                        sorted && "text-ink",
                      )}
                      onClick={() => header.column.toggleSorting()}
                    >
                      <span className="truncate">{text}</span>
                      {sorted === "asc" && <ArrowUp className="size-3" aria-hidden="true" />}
                      {sorted === "desc" && <ArrowDown className="size-3" aria-hidden="true" />}
                    </button>
                  ) : (
                    <span className="inline-flex h-7 items-center">{text}</span>
                  )}
                </div>
              );
            })}
          </div>
        </div>
      )}
      <VirtualRows
        count={list.length}
        estimate={estimate}
        handle={handle}
        keyOf={(index) => list[index]?.id ?? String(index)}
        row={(index) => {
          const row = list[index];
          if (row === undefined) return null;
          const open = row.id === openKey;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard has the button in the first cell.
            <div
              role="row"
              tabIndex={-1}
              aria-rowindex={index + 2}
              data-testid={rowTestId?.(row.original)}
              data-open={open}
              className={cx(
                "px-3 py-1.5 outline-none hover:bg-hover",
                open && "bg-accent-soft hover:bg-accent-soft",
              )}
              onClick={(event) => {
                if (window.getSelection()?.isCollapsed === false) return;
                if ((event.target as HTMLElement).closest("button, a, input") === null)
                  onOpen(open ? null : row.id);
              }}
            >
              {isNarrow ? (
                <div role="cell">
                  <OpenButton
                    label={openLabel(row.original)}
                    open={open}
                    onClick={() => onOpen(open ? null : row.id)}
                  >
                    {contentOf(cells(row)[0])}
                  </OpenButton>
                  {narrow(row.original)}
                </div>
              ) : (
                <div
                  role="presentation"
                  className="grid items-center gap-x-3"
                  style={{ gridTemplateColumns: template }}
                >
                  {cells(row).map((cell, at) => {
                    const { meta } = cell.column.columnDef;
                    const content = contentOf(cell);
                    return (
                      <div key={cell.id} role="cell" className={cx("min-w-0", meta?.end && "text-right")}>
                        {at === 0 ? (
                          <OpenButton
                            label={openLabel(row.original)}
                            open={open}
                            onClick={() => onOpen(open ? null : row.id)}
                          >
                            {content}
                          </OpenButton>
                        ) : (
                          content
                        )}
                      </div>
                    );
                  })}
                </div>
              )}
              {below !== undefined && <div role="cell">{below(row.original)}</div>}
            </div>
          );
        }}
      />
    </div>
  );
}

/** What a column makes of a cell. */
function contentOf<T>(cell: Cell<T, unknown> | undefined): ReactNode {
  if (cell === undefined) return null;
  const { cell: render } = cell.column.columnDef;
  return typeof render === "function" ? render(cell.getContext()) : (cell.getValue() as ReactNode);
}

function OpenButton({
  label,
  open,
  onClick,
  children,
}: {
  label: string;
  open: boolean;
  onClick: () => void;
  children: ReactNode;
}) {
  return (
    <button
      type="button"
      data-row-open=""
      aria-expanded={open}
      title={label}
      onClick={onClick}
      className="min-h-6 max-w-full rounded-sm text-left font-semibold wrap-anywhere select-text"
    >
      {children}
    </button>
  );
}

/** How much larger everything is than where a rem has 16 px: larger letters need wider columns. */
function pixelScale(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;
}

/** The width of an element in sixteenths of a rem; wide where it cannot be known. */
function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(1_200);
  const observer = useMemo(
    () =>
      typeof ResizeObserver === "undefined"
        ? null
        : new ResizeObserver(
            ([entry]) => entry !== undefined && setWidth(Math.round(entry.contentRect.width / pixelScale())),
          ),
    [],
  );
  useEffect(() => {
    const element = box.current;
    if (element === null || observer === null) return;
    observer.observe(element);
    return () => observer.disconnect();
  }, [observer]);
  return [box, width] as const;
}
