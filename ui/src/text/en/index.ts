/**
 * Every text of the GUI, in one catalogue: a translation is another folder of this shape.
 * Sentences with numbers or names are functions, so that word order and plurals stay the language's own affair.
 */
import { accounts } from "./accounts";
import { app, link, nav, palette, shortcuts, units } from "./app";
import { approvals, connect } from "./approvals";
import { card } from "./card";
import { comparison } from "./comparison";
import { conversations } from "./conversations";
import { demo } from "./demo";
import { doctor } from "./doctor";
import { dryRun } from "./dryRun";
import { elsewhere } from "./elsewhere";
import { forget } from "./forget";
import { groups } from "./groups";
import { guide, guideParts, guideStages } from "./guide";
import { heartbeat } from "./heartbeat";
import { overview } from "./overview";
import { peers } from "./peers";
import { repairs } from "./repairs";
import { settings } from "./settings";
import { first, token } from "./start";
import { trace } from "./trace";
import { traffic } from "./traffic";
import { remedy, stage, stageHint } from "./trouble";

export const t = {
  app,
  units,
  nav,
  link,
  token,
  first,
  overview,
  approvals,
  connect,
  peers,
  heartbeat,
  stage,
  stageHint,
  remedy,
  guide,
  guideParts,
  guideStages,
  groups,
  forget,
  card,
  comparison,
  conversations,
  traffic,
  trace,
  repairs,
  doctor,
  dryRun,
  elsewhere,
  accounts,
  settings,
  demo,
  palette,
  shortcuts,
} as const;
