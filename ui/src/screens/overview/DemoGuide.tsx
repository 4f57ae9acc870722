import { Link } from "@tanstack/react-router";
import { X } from "lucide-react";
import { STEPS, type Step, useDemoSteps } from "@/domain/demo/steps";
import { useActions } from "@/shared/actions";
import { IconButton } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Panel } from "@/shared/layout";
import { Mark } from "@/shared/Mark";
import { demoGuideHidden } from "@/shared/preference";
import { useStore } from "@/shared/store";
import { t } from "@/text";

const places: Record<Step, "/approvals" | "/accounts" | "/conversations" | "/peers"> = {
  approve: "/approvals",
  use: "/accounts",
  group: "/conversations",
  add: "/conversations",
  write: "/conversations",
  stop: "/peers",
};

/** For a newcomer to the demo: what to do next, one thing at a time. */
export function DemoGuide() {
  const done = useDemoSteps();
  const hidden = useStore(demoGuideHidden);
  useActions(
    done !== null && hidden
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
  if (done === null || hidden) return null;
  const next = STEPS.find((step) => !done[step]);
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
      <ol className="grid gap-px bg-line min-[50rem]:grid-cols-2 min-[80rem]:grid-cols-3">
        {STEPS.map((step) => {
          const [title, text] = t.demo.steps[step];
          return (
            <li
              key={step}
              data-testid={`step-${step}`}
              className={cx("flex gap-2 px-3 py-2", step === next ? "bg-accent-soft" : "bg-surface")}
            >
              <Mark
                tone={done[step] ? "ok" : step === next ? "wait" : "muted"}
                shape={done[step] ? "tick" : "ring"}
                className="mt-1"
              />
              <div className="min-w-0">
                <Link
                  to={places[step]}
                  className={cx("font-medium underline-offset-2 hover:underline", done[step] && "text-muted")}
                >
                  {title}
                </Link>
                <span className="sr-only"> ({done[step] ? t.demo.stepDone : t.demo.stepOpen})</span>
                <p className="text-sm text-muted">{text}</p>
              </div>
            </li>
          );
        })}
      </ol>
      {next === undefined && <p className="px-3 py-2">{t.demo.guideDone}</p>}
    </Panel>
  );
}
