import { ApiError } from "../api/client";
import type {
  Condition,
  Doing,
  Problem,
  Progress,
  ProcedureSummary,
  Run,
  Step,
  StepKind,
} from "../api/procedures.types";
import { known as incidentWord } from "../i18n/incidents";
import { attributeName, capital, inScript } from "../i18n/index.svelte";
import { known, p, said } from "../i18n/procedures";
import { known as taskWord } from "../i18n/tasks";
import type { IconName } from "../icons";
import { typeName } from "../incidents/words";
import { valueWord, errorText } from "../words";

export const KIND_ICONS: Record<StepKind, IconName> = {
  check: "check",
  question: "help",
  condition: "sort",
  wait: "duty",
  notify: "warnings",
  command: "devices",
  task: "tasks",
};

/** What went wrong at the procedures' doors, in the language of the person. */
export function procedureError(error: unknown): string {
  if (error instanceof ApiError) {
    const sentence = known(`error.${error.code}`, error.values);
    if (sentence) return sentence;
  }
  return errorText(error);
}

/** What is wrong in a definition, as a sentence. */
export function problemText(problem: Problem): string {
  const reason = problem.values["reason"];
  const sentence =
    (reason !== undefined && known(`problem.${problem.code}.${reason}`, problem.values)) ||
    known(`problem.${problem.code}`, problem.values);
  return sentence || problem.detail;
}

/** Why an automatic step did not work. */
export const failureText = ({ code, detail, values }: NonNullable<Progress["problem"]>): string =>
  known(`failed.${code}`, values) ?? known(`error.${code}`, values) ?? detail;

export const roleName = (role: string): string => incidentWord(`role.${role}`) ?? role;
export const titleOfStep = (step: Pick<Step, "title" | "id">): string => said(step.title) || step.id;

export const stateOf = ({ state, version }: Pick<ProcedureSummary, "state" | "version">): string =>
  state === "published" ? p("state.published", { n: version ?? 0 }) : p(`state.${state}`);

/** Minutes as "45 min", "2 h", "1 h 30 min". */
export function minutesText(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return [hours ? `${hours} h` : "", rest || !hours ? `${rest} min` : ""].filter(Boolean).join(" ");
}

/** How far a moment is away, without sign: "45 s", "12 min", "1 h 5 min". */
export function lengthText(milliseconds: number): string {
  const seconds = Math.floor(Math.abs(milliseconds) / 1000);
  return seconds < 60 ? `${seconds} s` : minutesText(Math.floor(seconds / 60));
}

function oneOf(fact: Condition["fact"], value: unknown): string {
  const word = String(value);
  if (fact === "severity" || fact === "state") return incidentWord(`${fact}.${word}`) ?? word;
  return fact === "type" ? typeName(word) : valueWord(word);
}

/** One thing that must be so, in words: "Severity: at least Severe". */
export function conditionText(condition: Condition): string {
  const { fact, one_of: oneOfThese, at_least, at_most, from, until, entity, attribute } = condition;
  const name =
    fact === "attribute"
      ? `${capital(attributeName(attribute ?? ""))} (${(entity ?? "").split(":").slice(-2).join(":")})`
      : p(`fact.${fact}`);
  if (fact === "hour") return p("when.hours", { from: from ?? 0, until: until ?? 0 });
  if (oneOfThese)
    return `${name}: ${oneOfThese.map((value) => oneOf(fact, value)).join(` ${p("when.or")} `)}`;
  if (at_least !== undefined) return p("when.atLeast", { name, value: oneOf(fact, at_least) });
  return p("when.atMost", { name, value: oneOf(fact, at_most ?? "") });
}

/** What an automatic step does, in a line. */
export function doingText(kind: StepKind, doing: Doing | null | undefined): string {
  if (!doing) return "";
  if (kind === "notify") {
    const who = [
      ...(doing.roles ?? []).map(roleName),
      ...(doing.people ?? []),
      ...(doing.plan
        ? [
            doing.answer_minutes
              ? p("do.planAfter", { plan: doing.plan, n: doing.answer_minutes })
              : p("do.planNamed", { plan: doing.plan }),
          ]
        : []),
    ];
    return p("do.notify", { who: who.join(", "), text: said(doing.text) });
  }
  if (kind === "command") {
    const entity = (doing.entity ?? "").split(":").slice(-2).join(":");
    const how = Object.entries(doing.parameters ?? {}).map(([name, value]) => `${name} = ${String(value)}`);
    return p("do.command", { entity, command: [doing.command ?? "", ...how].join(" ") });
  }
  if (kind !== "task") return "";
  return p("do.task", {
    kind: taskWord(`kind.${doing.kind ?? "other"}`) ?? doing.kind ?? "",
    crew: p(doing.crew === "best" ? "do.crew.best" : "do.crew.nobody"),
  });
}

/** Why a run is over, when somebody or something said so. */
export function endText(run: Run): string {
  if (!run.reason) return "";
  return run.ended_by === "Vidik" ? (known(`ended.${run.reason}`) ?? run.reason) : run.reason;
}

/** Who did a step; the machine is named as itself. */
export const whoText = (by: string | null): string => (by === "Vidik" || !by ? p("vidik") : inScript(by));

/** How a step stands, in a word. */
export function progressText(progress: Pick<Progress, "state" | "overdue">): string {
  if (progress.state === "current" && progress.overdue) return p("step.overdue");
  return p(`step.${progress.state}`);
}

export const procedureAddress = (code: string, query = "") =>
  `/procedures/${encodeURIComponent(code)}${query ? `?${query}` : ""}`;
