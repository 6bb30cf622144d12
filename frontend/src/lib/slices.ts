/** How long one slice of a long work may take: what a person does meanwhile is answered within it. */
const SLICE_MS = 8;
/** Sorted by the browser in one go, in less than a slice. */
const RUN = 512;

const giveWay = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

/** How many things are put in order at once without anybody feeling it. */
export const AT_ONCE = 4 * RUN;

/** Sort a long list a slice at a time, equal ones in the order they came in; null when it is wanted no more. */
export async function sortedInSlices<T>(
  items: readonly T[],
  compare: (one: T, other: T) => number,
  isWanted: () => boolean,
): Promise<T[] | null> {
  let begun = performance.now();
  const mayGoOn = async () => {
    if (performance.now() - begun < SLICE_MS) return true;
    await giveWay();
    begun = performance.now();
    return isWanted();
  };
  let sorted: T[] = [];
  for (let at = 0; at < items.length; at += RUN) {
    if (!(await mayGoOn())) return null;
    for (const item of items.slice(at, at + RUN).sort(compare)) sorted.push(item);
  }
  for (let run = RUN; run < sorted.length; run *= 2) {
    const merged: T[] = [];
    for (let at = 0; at < sorted.length; at += 2 * run) {
      const [middle, end] = [Math.min(at + run, sorted.length), Math.min(at + 2 * run, sorted.length)];
      let [left, right] = [at, middle];
      while (left < middle || right < end) {
        const takesLeft =
          right >= end || (left < middle && compare(sorted[left] as T, sorted[right] as T) <= 0);
        merged.push(sorted[takesLeft ? left++ : right++] as T);
        if (merged.length % RUN === 0 && !(await mayGoOn())) return null;
      }
    }
    sorted = merged;
  }
  return sorted;
}
