import type { Message } from "../message";

/** Words and sentences that several of the pilots' screens use, in English. */
export const words = {
  "part.choose": "Choose",
  "part.plans": "Pilots",
  "part.ledger": "Ledger",
  "part.summary": "One page",
  unknown: "unknown",
  none: "none",
  never: "never",
  measured: "measured",
  simulated: "simulated",
  years: "{value} years",
  "axis.millions": "{value} M",
  millions: "{value} million {currency}",

  "verdict.saved": "Saved",
  "verdict.not_shown": "Not shown",
  "verdict.worse": "Worse",

  "decision.scale_up": "Scale up",
  "decision.extend": "Extend",
  "decision.stop": "Stop",

  "state.draft": "Draft",
  "state.frozen": "Frozen, not begun",
  "state.running": "Running",
  "state.ended": "Over, to be decided",
  "state.decided": "Decided",

  "findings.more": { one: "{n} more", other: "{n} more" },
  "severity.refused": "Refused",
  "severity.warning": "Mind",
  "severity.repaired": "Repaired",
  "severity.note": "Note",

  "say.nothingYet": "There is no result yet.",
  "say.saved": "It saved {amount}: {share} less than without the pilot.",
  "say.worse": "It did not save: {amount} more than without the pilot, {share}.",
  "say.notShownLess":
    "No saving is shown. The estimate is {amount} less than without the pilot ({share}), no more than chance alone can bring.",
  "say.notShownMore":
    "No saving is shown. The estimate is {amount} more than without the pilot ({share}), no more than chance alone can bring.",
  "say.between":
    "The true saving lies between {low} and {high}. Such a range holds the truth in about {n} of 100 pilots ({level} interval).",
  "say.betweenLoss":
    "The true loss lies between {low} and {high}. Such a range holds the truth in about {n} of 100 pilots ({level} interval).",
  "say.atLeast": "The true saving is at least {low}; how large it can be is not known ({level} interval).",
  "say.atMost": "The true saving is at most {high}; how small it can be is not known ({level} interval).",
  "say.noInterval":
    "How sure this is cannot be said: too little is known of how such figures move by themselves.",
  "say.chance": {
    one: "In {n} trial run in which nothing had been changed, an effect this strong came up in {share} of cases.",
    other:
      "In {n} trial runs in which nothing had been changed, an effect this strong came up in {share} of cases.",
  },
  "say.noPlacebo": "There were no trial runs with meters or times in which nothing was changed.",
  "say.choiceSure": "The choice is firm.",
  "say.choiceLikely": "The choice is likely right, but not firm.",
  "say.choiceOpen": "The choice is open: other threes are nearly as good. Look at what would change it.",

  "picture.table": "Table",
  "picture.empty": "There are no figures yet.",

  "bar.worse": "worse",
  "bar.better": "saved",

  "sum.band": "{low} to {high}",
  "sum.entries": { one: "{n} entry", other: "{n} entries" },

  "column.pilot": "Pilot",
  "column.result": "Result",
  "column.saving": "Saving",
  "column.share": "Share saved",
  "column.money": "Money",
  "column.cost": "What it cost",
  "column.paidBack": "Paid back after, years",
  "column.decision": "Decision",
  "column.entries": "Entries",
  "column.low": "from",
  "column.high": "to",
  "column.month": "Month",
  "column.days": "Days",
  "column.npv": "Net present value (90 % of draws)",
  "column.irr": "Internal rate of return",
  "column.payback": "Payback",
  "column.tonne": "Cost per tonne of CO₂",
  "column.provable": "Could the saving be proved here?",

  "weekday.0": "Mo",
  "weekday.1": "Tu",
  "weekday.2": "We",
  "weekday.3": "Th",
  "weekday.4": "Fr",
  "weekday.5": "Sa",
  "weekday.6": "Su",

  "fund.city": "The city's budget",

  "job.label": "Progress",
  "job.waiting": "Waiting for its turn…",
  "job.reading": "Reading the measurements…",
  "job.computing": "Computing…",
  "job.writing": "Writing it down…",

  "sum.noBand": "range not known",
} as const satisfies Record<string, Message>;
