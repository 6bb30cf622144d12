import { vitalsApi } from "./api/vitals";
import { full, scaled, symbol } from "./units";

/** In what unit the city's types of assets report: rules and definitions of vital signs say only figures. */
class Measured {
  private units = $state.raw<ReadonlyMap<string, string> | null>(null);
  private asked: Promise<void> | null = null;

  /** Ask once; a limit without its unit is still a limit, so that a failure says nothing. */
  load(): Promise<void> {
    this.asked ??= vitalsApi
      .sources()
      .then(({ types }) => {
        this.units = new Map(
          types.flatMap(({ type, attributes }) =>
            attributes.flatMap(({ name, unit }) => (unit ? [[`${type} ${name}`, unit] as const] : [])),
          ),
        );
      })
      .catch(() => {
        this.asked = null;
      });
    return this.asked;
  }

  /** A limit as the readings that it is held against are shown. */
  limit(value: number, type: string | undefined, attribute: string | undefined): string {
    if (!attribute) return full(value);
    const unit = this.units?.get(`${type} ${attribute}`) ?? null;
    const sign = symbol(unit, attribute);
    return `${full(scaled(value, unit, attribute))}${sign ? `\u00a0${sign}` : ""}`;
  }
}

export const measured = new Measured();
