import { answerOf, ApiError } from "./client";
import type { AssetService, AssetState, AssetSummary, Headline, Origin, Value } from "./types";

/** Every asset, as of one position of the change stream. */
export interface AssetList {
  position: number;
  assets: Map<string, AssetSummary>;
}

interface Head {
  position: number;
  generated_at: string;
  assets: number;
}

/** All values of a column, or the one that all rows have. */
type Column<T> = T[] | { all: T };

/** A slice of assets as columns (src/vidik/console/listing.py): places in tables, millionths of a degree, seconds. */
interface Slice {
  n: number;
  prefixes: string[];
  types: [string, AssetService, string | null][];
  units: string[];
  id: Column<string>;
  prefix: Column<number>;
  type: Column<number>;
  name: Column<string>;
  name_en: Column<string | null>;
  lon: Column<number | null>;
  lat: Column<number | null>;
  state: Column<AssetState>;
  origin: Column<Origin>;
  recorded: Column<number | null>;
  observed: Column<number | null>;
  value: Column<Value>;
  unit: Column<number>;
}

const at = <T>(column: Column<T>, row: number): T =>
  Array.isArray(column) ? (column[row] as T) : column.all;

/** Seconds before a moment as ISO 8601; most assets of a city share a few hundred moments. */
class Moments {
  private readonly known = new Map<number, string>();
  constructor(private readonly origin: number) {}

  before(seconds: number): string {
    let text = this.known.get(seconds);
    if (text === undefined)
      this.known.set(seconds, (text = new Date(this.origin - seconds * 1000).toISOString()));
    return text;
  }
}

function summaryOf(slice: Slice, row: number, moments: Moments): AssetSummary {
  const [type, service, attribute] = slice.types[at(slice.type, row)]!;
  const [lon, lat] = [at(slice.lon, row), at(slice.lat, row)];
  const [recorded, observed] = [at(slice.recorded, row), at(slice.observed, row)];
  const value = at(slice.value, row);
  const headline: Headline | null =
    attribute === null || value === null
      ? null
      : { attribute, label_key: attribute, value, unit: slice.units[at(slice.unit, row)] ?? null };
  return {
    id: slice.prefixes[at(slice.prefix, row)]! + at(slice.id, row),
    name: at(slice.name, row),
    name_en: at(slice.name_en, row),
    service,
    type,
    place: lon === null || lat === null ? null : [lon / 1e6, lat / 1e6],
    state: at(slice.state, row),
    origin: at(slice.origin, row),
    observed_at: observed === null ? null : moments.before((recorded ?? 0) + observed),
    recorded_at: recorded === null ? null : moments.before(recorded),
    headline,
  };
}

/** Let keys, pointer and drawing have their turn. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Reads lines as they come, one slice a turn; a list that ends too early is none. */
export async function readAssetLines(chunks: ReadableStreamDefaultReader<string>): Promise<AssetList> {
  const assets = new Map<string, AssetSummary>();
  let head: Head | null = null;
  let moments = new Moments(0);
  let read = 0;
  let rest = "";
  for (;;) {
    const { value, done } = await chunks.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!head) {
        head = JSON.parse(line) as Head;
        moments = new Moments(Date.parse(head.generated_at));
        continue;
      }
      const slice = JSON.parse(line) as Slice;
      for (let row = 0; row < slice.n; row++) {
        const asset = summaryOf(slice, row, moments);
        assets.set(asset.id, asset);
      }
      read += slice.n;
      await turn();
    }
  }
  if (!head || read !== head.assets) throw new ApiError(0, "unreachable", "");
  return { position: head.position, assets };
}

/** Ask for every asset. Throws an ApiError, also when the line was cut on the way. */
export async function readAssets(): Promise<AssetList> {
  const response = await answerOf("GET", "/api/console/assets.ndjson");
  if (!response.body) throw new ApiError(0, "unreachable", "");
  const chunks = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    return await readAssetLines(chunks);
  } catch (error) {
    void chunks.cancel().catch(() => {});
    throw error instanceof ApiError ? error : new ApiError(0, "unreachable", "");
  }
}
