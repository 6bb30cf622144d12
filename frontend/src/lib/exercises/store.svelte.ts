import { exercisesApi, type Exercise } from "../api/exercises";
import { session } from "../session.svelte";
import { work } from "../work";
import { heard, isNewer, isPlaying } from "./clock";

const PHONE_ASKS_MS = 30_000;

/** The exercise that is being played, if one is; kept by the stream, so that every screen can say so. */
class Exercises {
  current = $state.raw<Exercise | null>(null);
  private asked = 0;

  /** Follow exercises until the returned function is called. */
  start(): () => void {
    if (!session.may("incidents.read")) return () => {};
    void this.load();
    const stops = [
      work.on<Exercise>("exercise", (event) => this.hear(event.data)),
      work.onGap(() => void this.load()),
    ];
    return () => {
      for (const stop of stops) stop();
      this.asked += 1;
      this.current = null;
    };
  }

  /** Ask now and then, where no stream is followed (a crew's phone), until the returned function is called. */
  watch(): () => void {
    if (!session.may("incidents.read")) return () => {};
    void this.load();
    const timer = setInterval(() => void this.load(), PHONE_ASKS_MS);
    return () => clearInterval(timer);
  }

  async load(): Promise<void> {
    const asked = (this.asked += 1);
    try {
      const { items } = await exercisesApi.list({ which: "playing", limit: 1 });
      const found = items[0] ? heard(await exercisesApi.one(items[0].id)) : null;
      // What the stream said meanwhile is newer than this answer.
      if (asked === this.asked) this.current = found;
    } catch {
      // What is known stays; it is asked again after the gap.
    }
  }

  /** Take an exercise as the server now has it, from the stream or from an answer. */
  hear(told: Exercise): void {
    const exercise = heard(told);
    this.asked += 1;
    if (!isPlaying(exercise)) {
      if (this.current?.id === exercise.id) this.current = null;
    } else if (this.current?.id !== exercise.id || isNewer(this.current, exercise)) this.current = exercise;
  }
}

export const exercises = new Exercises();
