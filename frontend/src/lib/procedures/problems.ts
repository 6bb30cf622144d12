/** Problems of a definition beside the fields that they are about. Pure. */
import type { Problem } from "../api/procedures.types";

/** Problems by the field that they name; of a step's fields without the number of the step. */
export interface Sorted {
  /** About the procedure: "title.sr", "incident_types.0", "steps". */
  whole: Map<string, Problem[]>;
  /** About steps, by id: "title.en", "branches.0.next", and "" for the step itself. */
  steps: Map<string, Map<string, Problem[]>>;
}

const OF_STEP = /^steps\.(\d+)(?:\.(.*))?$/;

function add(to: Map<string, Problem[]>, field: string, problem: Problem): void {
  to.set(field, [...(to.get(field) ?? []), problem]);
}

/** Sort problems to fields; `ids` are the steps' ids in the order in which they were checked. */
export function sorted(problems: readonly Problem[], ids: readonly string[]): Sorted {
  const found: Sorted = { whole: new Map(), steps: new Map() };
  for (const problem of problems) {
    const place = OF_STEP.exec(problem.field);
    const id = (place ? ids[Number(place[1])] : undefined) ?? problem.step;
    if (id === undefined || id === null) {
      add(found.whole, problem.field, problem);
      continue;
    }
    const fields = found.steps.get(id) ?? new Map<string, Problem[]>();
    add(fields, place?.[2] ?? "", problem);
    found.steps.set(id, fields);
  }
  return found;
}

/** The problems of a field and of what is inside it ("do" has those of "do.text.sr"). */
export function under(fields: ReadonlyMap<string, Problem[]> | undefined, name: string): Problem[] {
  return [...(fields ?? [])].flatMap(([field, problems]) =>
    field === name || field.startsWith(`${name}.`) ? problems : [],
  );
}

/** How many problems a step has. */
export const countOf = (fields: ReadonlyMap<string, Problem[]> | undefined): number =>
  [...(fields ?? [])].reduce((sum, [, problems]) => sum + problems.length, 0);
