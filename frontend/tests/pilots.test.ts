import { describe, expect, it } from "vitest";
import type { Candidates, CostResult, Course, Interval, Range, Ranking } from "../src/lib/api/pilots";
import { pilotsEn } from "../src/lib/i18n/pilots.en";
import { pilotsSrCyrl } from "../src/lib/i18n/pilots.sr-cyrl";
import {
  asSaved,
  assumptionsOf,
  bestTriple,
  disagreement,
  moved,
  regretOf,
} from "../src/lib/pilots/choosing";
import { between, markOf, months, monthStarts } from "../src/lib/pilots/course";
import { amount, money, percent } from "../src/lib/pilots/figures";
import {
  cleaned,
  drawHalf,
  equalShares,
  filled,
  hoursText,
  mondays,
  parseHours,
  parsePercent,
  problemsOf,
  sumOfShares,
} from "../src/lib/pilots/form";
import {
  apart,
  commonDomain,
  extent,
  labelPlaces,
  linear,
  path,
  ribbon,
  spread,
  ticks,
} from "../src/lib/pilots/scale";
import {
  chanceSentence,
  costSentence,
  intervalSentence,
  payback,
  provability,
  verdictSentence,
  worthSentence,
} from "../src/lib/pilots/sentence";
import { csv, numberCell, textCell } from "../src/lib/pilots/table";

describe("scales", () => {
  it("map ends to ends and a span of one value to the middle", () => {
    expect(linear([0, 10], [100, 0])(2)).toBe(80);
    expect(linear([5, 5], [0, 100])(5)).toBe(50);
  });

  it.each([
    [0, 100, [0, 20, 40, 60, 80, 100]],
    [-0.3, 0.3, [-0.2, 0, 0.2]],
    [3, 3, [3]],
  ])("tick %d to %d at round values", (low, high, expected) => {
    expect(ticks(low, high).map((tick) => tick + 0)).toEqual(expected);
  });

  it("span what is known, and zero where wanted", () => {
    expect(extent([3, null, 7, undefined, NaN])).toEqual([3, 7]);
    expect(extent([3, 7], { zero: true })).toEqual([0, 7]);
    expect(extent([null])).toEqual([0, 1]);
  });

  it("are made for the usual intervals: one far wider runs out", () => {
    const usual = [3, 4, 5].map((value) => ({ value, low: value - 1, high: value + 1 }));
    const [low, high] = commonDomain([...usual, { value: 4, low: -900, high: null }]);
    expect(high).toBeLessThan(20);
    expect(low).toBeGreaterThan(-20);
    expect(commonDomain(usual, true)[0]).toBeLessThan(0);
  });

  it("draw gaps as gaps, in lines and in bands", () => {
    expect(path([[0, 1], [1, 2], null, [3, 4]])).toBe("M0.0 1.0L1.0 2.0M3.0 4.0"); // prettier-ignore
    expect(ribbon([0, 1, 2, 3], [1, 1, null, 1], [2, 2, 2, 2]).match(/Z/g)).toHaveLength(1);
  });

  it("push labels apart within their room", () => {
    expect(spread([10, 11, 12], 10, 0, 100)).toEqual([10, 20, 30]);
    expect(spread([95, 96], 10, 0, 100)).toEqual([90, 100]);
  });

  it("push marks apart, and leave alone what is apart already", () => {
    const [one, two, far] = apart([{ x: 10, y: 10 }, { x: 12, y: 10 }, { x: 90, y: 90 }], 20); // prettier-ignore
    expect(Math.hypot(two!.x - one!.x, two!.y - one!.y)).toBeCloseTo(20);
    expect(far).toEqual({ x: 90, y: 90 });
  });

  it("place names beside marks, never over one another", () => {
    const frame = { x: 0, y: 0, width: 400, height: 300 };
    const points = [100, 130, 160].map((x) => ({ x, y: 150, radius: 14, width: 60 }));
    const [one, two, three] = labelPlaces(points, 18, frame);
    for (const [a, b] of [
      [one, two],
      [two, three],
      [one, three],
    ])
      // prettier-ignore
      expect(a!.x + a!.width <= b!.x || b!.x + b!.width <= a!.x || a!.y + 18 <= b!.y || b!.y + 18 <= a!.y).toBe(true);
  });
});

describe("figures", () => {
  it.each([
    [0.5, "50\u00a0%"],
    [0.0234, "2.3\u00a0%"],
    [-0.118, "−12\u00a0%"],
    [null, "unknown"],
  ])("say the share %s as %s", (share, text) => expect(percent(share)).toBe(text));

  it.each([
    ["1234567.89", "1.2 million RSD"],
    ["-950.4", "−950\u00a0RSD"],
    [123456, "123\u202f456\u00a0RSD"],
    [null, "unknown"],
  ])("say the money %s as %s", (value, text) => expect(money(value)).toBe(text));

  it("say amounts with their unit", () => {
    expect(amount(48213.7, "KWH")).toBe("48\u202f214\u00a0kWh");
    expect(amount(3.14159, "TNE")).toBe("3.14\u00a0t");
  });
});

describe("sentences", () => {
  const interval = (low: number | null, high: number | null): Interval => ({ low, high, level: 0.9 });
  const result = { saving: 100, fraction: 0.1, unit: "KWH", interval: null };

  it.each([
    ["saved", "say.saved"],
    ["not_shown", "say.notShownLess"],
    ["worse", "say.worse"],
  ] as const)("choose for %s the words %s", (verdict, key) =>
    expect(verdictSentence({ ...result, verdict }).key).toBe(key),
  );

  it("say that there is nothing yet", () =>
    expect(verdictSentence({ ...result, verdict: null, saving: null }).key).toBe("say.nothingYet"));

  it.each([
    [-1, 5, "say.between"],
    [-5, -1, "say.betweenLoss"],
    [null, 5, "say.atMost"],
    [1, null, "say.atLeast"],
    [null, null, "say.noInterval"],
  ])("never claim an end of %s to %s that is not known", (low, high, key) =>
    expect(intervalSentence(interval(low, high), "KWH").key).toBe(key),
  );

  it("turn a loss round, so that no minus must be read", () =>
    expect(intervalSentence(interval(-5, -1), "KWH").parameters).toMatchObject({
      low: "1\u00a0kWh",
      high: "5\u00a0kWh",
    }));

  it("keep the sign of what is not shown", () =>
    expect(verdictSentence({ ...result, saving: -5, verdict: "not_shown" }).key).toBe("say.notShownMore"));

  it.each([
    ["saved", "100", "50", "150", "worth.saved"],
    ["worse", "-100", "-150", "-50", "worth.lost"],
    ["not_shown", "-20", "-150", "50", "worth.notShown"],
    ["saved", "100", "50", null, "worth.open"],
    ["not_shown", "100", null, null, "worth.notShownOpen"],
  ] as const)("say for %s what it is worth without mixing signs", (verdict, money, low, high, key) => {
    const said = worthSentence({ verdict, money, money_interval: { low, high }, currency: "RSD" });
    expect(said?.key).toBe(key);
  });

  it("say of chance nothing without trial runs", () => {
    expect(chanceSentence(0.02, 0).key).toBe("say.noPlacebo");
    expect(chanceSentence(0.02, 80)).toEqual({ key: "say.chance", parameters: { n: 80, share: "2\u00a0%" } });
  });

  it("call provable what shows in four of five", () =>
    expect([0.81, 0.6, 0.2].map(provability)).toEqual(["provable.yes", "provable.barely", "provable.no"]));
});

describe("choosing", () => {
  const range: Range = { low: 50, likely: 100, high: 200 };
  const triple = (services: string, regret: number, inside = true) => ({
    services: services.split(" ") as never,
    probability_best: 0.2,
    expected_npv: 1,
    expected_regret: regret,
    cost: 1,
    within_budget: inside,
  });
  const ranking = {
    recommended: ["water", "heating", "air"],
    triples: [
      triple("waste air water", 9),
      triple("heating water air", 3),
      triple("heating waste air", 1, false),
    ],
  } as unknown as Ranking;
  const candidates = {
    budget: 1000,
    discount_rate: 0.03,
    view: "society",
    overrides: { air: { cost: range } },
    services: [{ service: "water", cost: range, saving_fraction: { low: 0.4, likely: 0.5, high: 0.6 } }],
  } as unknown as Candidates;

  it("takes the recommended three in whatever order they are named", () =>
    expect(bestTriple(ranking)?.expected_regret).toBe(3));

  it("counts as a service's regret that of its best three inside the budget", () => {
    expect(regretOf(ranking, "waste")).toBe(9);
    expect(regretOf(ranking, "parking")).toBeNull();
  });

  it("counts whom a single ranking would choose instead", () => {
    const ranks = new Map([["water", 1], ["waste", 2], ["parking", 3], ["air", 4]] as const); // prettier-ignore
    expect(disagreement(bestTriple(ranking), ranks)).toBe(2);
  });

  it("moves a range in proportion", () =>
    expect(moved(range, 50)).toEqual({ low: 25, likely: 50, high: 100 }));

  it("asks nothing when nothing was moved", () =>
    expect(assumptionsOf(candidates, asSaved(candidates))).toBeNull());

  it("asks with what the city has saved before and what was moved", () => {
    const asked = assumptionsOf(candidates, { ...asSaved(candidates), saving: { water: 0.9 } });
    expect(asked?.budget).toBe(1000);
    expect(asked?.overrides?.air).toEqual({ cost: range });
    expect(asked?.overrides?.water?.saving_fraction?.high).toBe(1);
  });
});

describe("the course of a pilot", () => {
  const course: Course = {
    days: ["2026-01-30", "2026-01-31", "2026-02-01"],
    actual: [8, null, 9],
    counterfactual: [10, 11, 10],
    cumulative: [2, 2, 3],
    cumulative_low: [1, 1, 1],
    cumulative_high: [3, 3, 5],
  };

  it("sums months over days on which both sides are known", () => {
    expect(months(course)).toMatchObject([
      { month: "2026-01", days: 1, actual: 8, counterfactual: 10, saved: 2, cumulative: 2 },
      { month: "2026-02", days: 1, saved: 1, cumulative: 3, low: 1, high: 5 },
    ]);
  });

  it("cuts all its lists alike", () =>
    expect(between(course, "2026-01-31", "2026-01-31")).toMatchObject({
      days: ["2026-01-31"],
      actual: [null],
    }));

  it("marks what happened within its days, and nothing outside", () => {
    const finding = { code: "step", severity: "warning" as const, text: "", subject: null, values: {} };
    expect(markOf({ ...finding, first: "2025-12-01", last: "2026-01-30" }, course.days)).toEqual({
      from: "2026-01-30",
      to: "2026-01-30",
    });
    expect(markOf({ ...finding, first: "2026-03-01", last: null }, course.days)).toBeNull();
  });

  it("names no more months than there is room for", () => {
    const days = Array.from(
      { length: 24 },
      (_, n) => `${2025 + Math.floor(n / 12)}-${String((n % 12) + 1).padStart(2, "0")}-01`,
    );
    expect(monthStarts(days, 9)).toHaveLength(8);
    expect(monthStarts(["2026-03-05", "2026-03-06"], 9)).toEqual(["2026-03-05"]);
  });
});

describe("the form", () => {
  it.each([
    ["0-23", Array.from({ length: 24 }, (_, hour) => hour)],
    ["22-5", [0, 1, 2, 3, 4, 5, 22, 23]],
    ["7-9, 17", [7, 8, 9, 17]],
  ])("reads the hours %s and writes them the same", (text, hours) => {
    expect(parseHours(text)).toEqual(hours);
    expect(hoursText(hours)).toBe(text);
  });

  it.each(["", "24", "a-b", "7--9"])("takes %s for no hours", (text) => expect(parseHours(text)).toBeNull());

  it.each([
    ["7,5", 0.075],
    ["−3 %", -0.03],
    ["", null],
    ["much", null],
  ])("reads %s as the share %s", (text, share) => expect(parsePercent(text)).toBe(share));

  it("draws half of the whole weeks in a period", () => {
    const weeks = mondays("2026-01-01", "2026-02-28");
    expect(weeks[0]).toBe("2026-01-05");
    const drawn = drawHalf(weeks, () => 0.5);
    expect(drawn).toHaveLength(Math.floor(weeks.length / 2));
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  it("puts each problem beside its step, and what nothing asks for at the end", () => {
    const problems = ["units.0.entity", "decision.level", "elsewhere"].map((field) => ({
      field,
      reason: "",
    }));
    expect(problemsOf(problems, "signals").map((one) => one.field)).toEqual(["units.0.entity"]);
    expect(problemsOf(problems, "prove").map((one) => one.field)).toEqual(["elsewhere"]);
  });

  it("sends no blanks: a cleared field is missing", () =>
    expect(cleaned({ title: "", fund: "city", baseline: { first: "2026-01-01", last: "" } })).toEqual({
      fund: "city",
    }));
});

describe("the table twin", () => {
  it("is saved with exact figures; a name that looks like a formula stays a name", () => {
    const table = {
      columns: [{ text: "a" }, { text: "b, c" }],
      rows: [
        [textCell('=1+1"'), numberCell(-0.123456, "−12 %")],
        [textCell("x"), numberCell(null, "")],
      ],
    };
    expect(csv(table)).toBe('a,"b, c"\r\n"\'=1+1""",-0.123456\r\nx,\r\n');
  });
});

describe("the pilots' catalogue", () => {
  it("has the same places for values in both languages", () => {
    const places = (message: unknown) => [...new Set(JSON.stringify(message).match(/\{\w+\}/g) ?? [])].sort();
    for (const key of Object.keys(pilotsEn) as (keyof typeof pilotsEn)[])
      expect(places(pilotsSrCyrl[key]), key).toEqual(places(pilotsEn[key]));
  });
});

describe("what a pilot cost", () => {
  const cost = (low: number | null, high: number | null): CostResult => ({
    amount: "2100000",
    vat_included: false,
    covers: "Controllers",
    source: "Tender",
    days_a_year: 365,
    currency: "RSD",
    yearly: { value: "600000.00", low: "500000.00", high: "700000.00" },
    payback_years: { value: 3.5, low, high },
  });

  it.each([
    [3, 4.2, "cost.paid"],
    [3, null, "cost.atLeast"],
    [null, 4.2, "cost.atMost"],
    [null, null, "cost.open"],
  ] as const)("is paid back in %s to %s years", (low, high, key) => {
    const said = costSentence(cost(low, high), "saved");
    expect(said?.key).toBe(key);
    expect(said?.parameters.years).toBe("3.5 years");
  });

  it("is said in months below two years", () => {
    expect([0.29, 1.99, 2, null].map(payback)).toEqual(["3.5 months", "23.9 months", "2 years", ""]);
  });

  it("is not said to be paid back where no saving was shown", () => {
    const unproven = { ...cost(3, 4.2), payback_years: null };
    expect(costSentence(unproven, "not_shown")?.key).toBe("cost.notShown");
    expect(costSentence(unproven, "worse")?.key).toBe("cost.worse");
    expect(costSentence(null, "saved")).toBeNull();
  });
});

describe("shares between pilots that count the same", () => {
  const overlap = (plan: number) => ({
    plan,
    title: "Other",
    signals: ["meter"],
    twins: [],
    first: "2026-01-01",
    last: "2026-02-01",
  });

  it.each([1, 2, 6])("begin equal and come to one with %d others", (count) => {
    const allocation = equalShares(Array.from({ length: count }, (_, place) => overlap(place + 1)));
    expect(allocation.shares[0]?.plan).toBeNull();
    expect(allocation.shares).toHaveLength(count + 1);
    expect(sumOfShares(allocation)).toBe(1);
  });

  it("are summed without noise", () => {
    const shares = ["0.1", "0.2", "0.7"].map((share, plan) => ({ plan, share }));
    expect(sumOfShares({ rule: "", shares })).toBe(1);
  });
});

describe("a draft that a program wrote", () => {
  it("is shown with what its prices and cost leave out", () => {
    const price = { value: "14.20", unit: "RSD/KWH", source: "Bill", year: 2026 };
    const shown = filled({ tariff: [{ price } as never], cost: { amount: "5" } as never });
    expect(shown.tariff?.[0]).toMatchObject({ price, above: "0", weekdays: [0, 1, 2, 3, 4, 5, 6] });
    expect(shown.tariff?.[0]?.hours).toHaveLength(24);
    expect(shown.cost?.days_a_year).toBe(365);
    expect(cleaned(filled({ title: "x" }))).toEqual({ title: "x" });
  });
});
