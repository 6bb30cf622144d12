import { ApiError } from "../api/client";
import type { CallFacts, Channel, Notice, RunningProcedure } from "../api/duty.types";
import { city } from "../city.svelte";
import { d, known } from "../i18n/duty";
import type { DutyKey } from "../i18n/duty.en";
import { inScript, texts } from "../i18n/index.svelte";
import { timeText } from "../now.svelte";
import { errorText } from "../words";

/** What went wrong at duty's doors, in the language of the person. */
export function dutyError(error: unknown): string {
  if (error instanceof ApiError && known(`error.${error.code}`))
    return d(`error.${error.code}` as DutyKey, error.values);
  return errorText(error);
}

/** What a call or a message is about, in a line. */
export function aboutText(facts: CallFacts): string {
  if (facts.message) {
    const alarm = city.alarms.get(facts.subject ?? "");
    return `${city.nameOf(alarm?.entity_id, facts.entity_name)}: ${texts(facts.message)}`;
  }
  if (facts.number) {
    const title = facts.titles ? texts(facts.titles) : inScript(facts.title ?? "");
    const said = facts.text ? ` — ${texts(facts.text)}` : "";
    return `${d("call.incident", { number: facts.number })}: ${title}${said}`;
  }
  return d("call.trial");
}

/** What a procedure waits for, in words. */
export function waitsText({ kind, held_by, due_at, overdue, failed }: RunningProcedure): string {
  const what = failed
    ? d("waits.failed")
    : kind === "wait"
      ? d("waits.time", { time: timeText(due_at, true) })
      : d(`waits.${kind === "question" || kind === "command" ? kind : "person"}`);
  const who = held_by && !failed && kind !== "wait" ? ` (${inScript(held_by)})` : "";
  return `${what}${who}${overdue ? `, ${d("waits.overdue")}` : ""}`;
}

/** What people call a way of being told. */
export const channelTitle = ({ code, title }: Pick<Channel, "code" | "title">): string =>
  code === "web-push" ? d("channel.webPush") : title;

/** The same, of a code; a channel that is gone keeps its code. */
export const channelName = (channels: readonly Channel[], code: string): string =>
  channelTitle(channels.find((one) => one.code === code) ?? { code, title: code });

/** How a message stands, as a sentence. */
export function noticeText(notice: Notice): string {
  const state = d(`notice.${notice.state}`, { time: timeText(notice.due_at, true) });
  const problem = notice.problem ? known(`problem.${notice.problem}`) : null;
  return problem ? `${state}: ${problem}` : state;
}
