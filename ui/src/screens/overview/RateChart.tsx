import { useMemo } from "react";
import { useTraffic } from "@/domain/traffic/hooks";
import { endedPulls, pullRate, STEP_MS, STEPS } from "@/domain/traffic/rate";
import { useNow } from "@/shared/clock";
import { t } from "@/text";

const WIDTH = 600;
const HEIGHT = 84;
const HALF = HEIGHT / 2;
const BAR = WIDTH / STEPS;
const STEPS_A_MINUTE = 12;

/** What became of the pulls that ended in the last minute: of the same records as the chart below it. */
export function RateNow() {
  const records = useTraffic();
  const now = useNow();
  const { answered, failed } = useMemo(
    () => endedPulls(records, now, STEPS_A_MINUTE * STEP_MS),
    [records, now],
  );
  return (
    <span className="text-sm text-muted" title={t.overview.rateNowHint} data-testid="rate-now">
      {t.overview.rateNow(answered, failed)}
    </span>
  );
}

/** Answered pulls over five minutes: theirs upwards, ours downwards. */
export function RateChart() {
  const records = useTraffic();
  const now = useNow();
  const steps = useMemo(() => pullRate(records, now), [records, now]);
  const most = Math.max(1, ...steps.flatMap((step) => [step.in, step.out]));
  const height = (n: number) => (n / most) * (HALF - 3);
  const { answered, failed } = useMemo(() => endedPulls(records, now, STEPS * STEP_MS), [records, now]);
  return (
    <figure>
      <div className="mb-2 flex flex-wrap gap-x-4 text-sm text-muted">
        <span className="inline-flex items-center gap-1.5">
          <span className="size-2.5 rounded-[2px] bg-accent" aria-hidden="true" />↑ {t.overview.rateIn}
        </span>
        <span className="inline-flex items-center gap-1.5">
          <span className="size-2.5 rounded-[2px] border border-accent bg-accent/30" aria-hidden="true" />↓{" "}
          {t.overview.rateOut}
        </span>
        <span className="ml-auto">{t.overview.rateScale(most)}</span>
      </div>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden="true"
        className="block h-[5.25rem] w-full"
      >
        {[1, 2, 3, 4].map((minute) => (
          <path
            key={minute}
            d={`M${(minute * WIDTH) / 5} 0V${HEIGHT}`}
            stroke="var(--line)"
            vectorEffect="non-scaling-stroke"
          />
        ))}
        {steps.map((step, index) => {
          const x = index * BAR + 1;
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place.
            <g key={index}>
              {step.in > 0 && (
                <rect
                  x={x}
                  y={HALF - 1 - height(step.in)}
                  width={BAR - 2}
                  height={height(step.in)}
                  fill="var(--accent)"
                />
              )}
              {step.out > 0 && (
                <rect
                  x={x}
                  y={HALF + 1}
                  width={BAR - 2}
                  height={height(step.out)}
                  fill="var(--accent)"
                  fillOpacity="0.35"
                  stroke="var(--accent)"
                  strokeWidth="0.75"
                  vectorEffect="non-scaling-stroke"
                />
              )}
            </g>
          );
        })}
        <path d={`M0 ${HALF}H${WIDTH}`} stroke="var(--control)" vectorEffect="non-scaling-stroke" />
      </svg>
      <div className="flex justify-between text-xs text-muted" aria-hidden="true">
        <span>{t.overview.rateFrom}</span>
        <span>{t.overview.rateTo}</span>
      </div>
      {steps.every((step) => step.in + step.out === 0) && answered === 0 && (
        <p className="mt-1 text-sm text-muted">{t.overview.rateEmpty(failed)}</p>
      )}
      {/* In a box: a table is never narrower than its words, even where it is only read out. */}
      <div className="sr-only">
        <table>
          <caption>{t.overview.rateTable}</caption>
          <thead>
            <tr>
              <td />
              <th>{t.overview.rateIn}</th>
              <th>{t.overview.rateOut}</th>
            </tr>
          </thead>
          <tbody>
            {[0, 1, 2, 3, 4].map((minute) => {
              const part = steps.slice(
                STEPS - (minute + 1) * STEPS_A_MINUTE,
                STEPS - minute * STEPS_A_MINUTE,
              );
              return (
                <tr key={minute}>
                  <th>{t.overview.minutesAgo(minute)}</th>
                  <td>{part.reduce((sum, step) => sum + step.in, 0)}</td>
                  <td>{part.reduce((sum, step) => sum + step.out, 0)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
