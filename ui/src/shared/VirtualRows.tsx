import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type ReactNode,
  type RefObject,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { useScroller } from "./layout";

/** Below this number, all rows are there: simpler, and the browser's own search finds them. */
const FEW = 80;

export interface Reveal {
  reveal(index: number): void;
}

/** Rows of any height of which only those in view exist, within whatever scrolls around them. */
export function VirtualRows({
  count,
  estimate,
  keyOf,
  row,
  handle,
}: {
  count: number;
  estimate: number;
  keyOf: (index: number) => string;
  row: (index: number) => ReactNode;
  handle?: RefObject<Reveal | null>;
}) {
  const scroller = useScroller();
  const box = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  const many = count > FEW;
  useLayoutEffect(() => {
    if (!many || scroller === null || box.current === null) return;
    setMargin(
      box.current.getBoundingClientRect().top - scroller.getBoundingClientRect().top + scroller.scrollTop,
    );
  });
  const virtual = useVirtualizer({
    count: many ? count : 0,
    getScrollElement: () => scroller,
    estimateSize: () => estimate,
    getItemKey: keyOf,
    overscan: 8,
    scrollMargin: margin,
  });
  useImperativeHandle(handle, () => ({
    reveal: (index) => many && virtual.scrollToIndex(index, { align: "auto" }),
  }));
  if (!many) {
    return (
      <div role="rowgroup" className="divide-y divide-line">
        {Array.from({ length: count }, (_, index) => (
          <div role="presentation" key={keyOf(index)}>
            {row(index)}
          </div>
        ))}
      </div>
    );
  }
  return (
    <div role="rowgroup" ref={box} className="relative" style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map((item) => (
        <div
          role="presentation"
          key={item.key}
          ref={virtual.measureElement}
          data-index={item.index}
          className="absolute inset-x-0 top-0 border-b border-line"
          style={{ transform: `translateY(${item.start - margin}px)` }}
        >
          {row(item.index)}
        </div>
      ))}
    </div>
  );
}
