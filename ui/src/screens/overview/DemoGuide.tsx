import { Link, useNavigate } from "@tanstack/react-router";
import { ArrowRight, X } from "lucide-react";
import { useDemo, useDemoActions } from "@/domain/demo/hooks";
import { type DemoPlace, isDone, placesOf, STEPS } from "@/domain/demo/steps";
import { useActions } from "@/shared/actions";
import { Button, IconButton } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Panel } from "@/shared/layout";
import { Mark } from "@/shared/Mark";
import { demoGuideHidden } from "@/shared/preference";
import { useStore } from "@/shared/store";
import { t } from "@/text";

/** For a newcomer to the demo: the whole path, and what to do next on it. */
export function DemoGuide() {
  const demo = useDemo();
  const hidden = useStore(demoGuideHidden);
  useActions(
    demo !== null && hidden
      ? [
          {
            id: "demo.guide",
            title: t.demo.guideShow,
            group: t.palette.groups.demo,
            run: () => demoGuideHidden.set(false),
          },
        ]
      : [],
  );
  if (demo === null || hidden) return null;
  const done = demo.steps;
  const next = STEPS.find((step) => !isDone(step, done));
  return (
    <Panel
      flush
      className="mb-4"
      testId="demo-guide"
      title={t.demo.guide}
      hint={t.demo.guideText}
      actions={
        <IconButton label={t.demo.guideClose} onClick={() => demoGuideHidden.set(true)}>
          <X className="size-4" />
        </IconButton>
      }
    >
      <ol className="flex flex-wrap gap-x-4 gap-y-1 px-3 py-2">
        {STEPS.map((step) => {
          const ticked = isDone(step, done);
          return (
            <li
              key={step}
              data-testid={`step-${step}`}
              data-done={ticked}
              aria-current={step === next ? "step" : undefined}
              className={cx(
                "inline-flex items-center gap-1.5 whitespace-nowrap",
                step === next ? "font-semibold" : "text-muted",
              )}
            >
              <Mark
                tone={ticked ? "ok" : step === next ? "wait" : "muted"}
                shape={ticked ? "tick" : "ring"}
              />
              {t.demo.steps[step][0]}
              <span className="sr-only"> ({ticked ? t.demo.stepDone : t.demo.stepOpen})</span>
            </li>
          );
        })}
      </ol>
      <div className="border-t border-line bg-accent-soft px-3 py-2">
        {next === undefined ? (
          <>
            <p>{t.demo.guideDone}</p>
            <p className="mt-1 flex gap-4">
              <Link to="/groups" className="text-accent underline underline-offset-2">
                {t.nav.groups}
              </Link>
              <Link to="/traffic" className="text-accent underline underline-offset-2">
                {t.nav.traffic}
              </Link>
            </p>
          </>
        ) : (
          <div className="flex flex-wrap items-center gap-x-6 gap-y-2">
            <p className="min-w-64 flex-1">
              <span className="font-semibold">
                {t.demo.stepOf(STEPS.indexOf(next) + 1, STEPS.length)}: {t.demo.steps[next][0]}.
              </span>{" "}
              {t.demo.steps[next][1]}
            </p>
            <div className="flex flex-wrap gap-1.5">
              {placesOf(next, done).map((place) => (
                <Go key={place.node} place={place} shown={demo.nodes.find((node) => node.shown)?.name} />
              ))}
            </div>
          </div>
        )}
      </div>
    </Panel>
  );
}

function Go({ place, shown }: { place: DemoPlace; shown: string | undefined }) {
  const navigate = useNavigate();
  const actions = useDemoActions();
  const { node, to, user } = place;
  return (
    <Button
      data-testid={`go-${node}`}
      icon={<ArrowRight className="size-3.5" aria-hidden="true" />}
      onClick={async () => {
        if (node !== shown && !(await actions.look(node))) return;
        await navigate({ to, search: user === undefined ? {} : { user } });
      }}
    >
      {t.demo.go(to === "/approvals" ? t.nav.approvals : t.nav.conversations, node)}
    </Button>
  );
}
