import type { Step, Words } from "../api/procedures.types";

/** One way out of a step: where it leads (null is the end), and of a branch its place and words. */
export interface Exit {
  to: string | null;
  branch: number | null;
  label: Words | null;
}

export const isBranching = (step: Pick<Step, "kind">): boolean =>
  step.kind === "question" || step.kind === "condition";

/** The ways out of a step, in the order in which they are written. */
export function exitsOf(step: Step): Exit[] {
  if (!isBranching(step)) return [{ to: step.next ?? null, branch: null, label: null }];
  return (step.branches ?? []).map(({ next, label }, branch) => ({ to: next ?? null, branch, label }));
}

const byId = (steps: readonly Step[]) => new Map(steps.map((step) => [step.id, step]));

/**
 * The ids of steps as a person reads a flow: what comes together after branches comes after all of them, the first
 * branch before the second; what no way leads to stands at the end, in its own order.
 */
export function readingOrder(steps: readonly Step[]): string[] {
  const known = byId(steps);
  const seen = new Set<string>();
  const finished: string[] = [];
  const visit = (id: string) => {
    // A step's exits are still to visit; iterative, since nothing limits what a file may say.
    const stack: { id: string; exits: Exit[] }[] = [];
    const enter = (next: string) => {
      const step = known.get(next);
      if (!step || seen.has(next)) return;
      seen.add(next);
      stack.push({ id: next, exits: exitsOf(step) });
    };
    enter(id);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      // The last exit first: turned round at the end, the first branch is read first.
      const exit = top.exits.pop();
      if (exit?.to) enter(exit.to);
      else if (!exit) finished.push(stack.pop()!.id);
    }
  };
  if (steps[0]) visit(steps[0].id);
  const reached = finished.reverse();
  return [...reached, ...steps.map(({ id }) => id).filter((id) => !seen.has(id))];
}

/** The steps in reading order. */
export function inReadingOrder(steps: readonly Step[]): Step[] {
  const known = byId(steps);
  return readingOrder(steps).flatMap((id) => known.get(id) ?? []);
}

/** The number by which people call each step: its place in reading order, from 1. */
export const numbersOf = (steps: readonly Step[]): Map<string, number> =>
  new Map(readingOrder(steps).map((id, place) => [id, place + 1]));

/** The steps and exits that lead to a step. */
export function entriesOf(steps: readonly Step[], id: string): { from: Step; exit: Exit }[] {
  return steps.flatMap((from) =>
    exitsOf(from)
      .filter((exit) => exit.to === id)
      .map((exit) => ({ from, exit })),
  );
}
