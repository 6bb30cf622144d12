import { tasksApi, type Crew } from "../api/tasks";

const EVERY_MS = 30_000;

/** Says where the crew is, while it is on duty and only then; nothing is kept on the phone. */
class Whereabouts {
  refused = $state(false);
  private watching: number | null = null;
  private saidAt = 0;

  follow(crew: () => Crew | null): () => void {
    const timer = setInterval(() => this.look(crew()), 2_000);
    return () => {
      clearInterval(timer);
      this.stop();
    };
  }

  private look(crew: Crew | null): void {
    if (!crew?.on_duty || !("geolocation" in navigator)) return this.stop();
    if (this.watching !== null) return;
    this.watching = navigator.geolocation.watchPosition(
      ({ coords, timestamp }) => {
        this.refused = false;
        if (Date.now() - this.saidAt < EVERY_MS) return;
        this.saidAt = Date.now();
        const place = {
          type: "Point" as const,
          coordinates: [coords.longitude, coords.latitude] as [number, number],
        };
        // Without a line a position is not kept: the next one is better.
        tasksApi.position(crew.id, place, coords.accuracy, new Date(timestamp).toISOString()).catch(() => {});
      },
      () => (this.refused = true),
      { enableHighAccuracy: true, maximumAge: 20_000 },
    );
  }

  private stop(): void {
    if (this.watching !== null) navigator.geolocation.clearWatch(this.watching);
    this.watching = null;
  }
}

export const whereabouts = new Whereabouts();
