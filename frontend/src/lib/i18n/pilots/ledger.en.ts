import type { Message } from "../message";

/** The ledger and the mayor's one page, in English. */
export const ledger = {
  "ledger.lead":
    "What the pilots saved, by frozen plans and frozen prices. Entries are added, never changed.",
  "ledger.csv": "All entries (CSV)",
  "ledger.nobody": "The ledger is empty. An entry comes when a pilot is over and somebody decides.",
  "ledger.toPlans": "To the pilots",
  "ledger.group": "Sum by",
  "ledger.by.service": "Service",
  "ledger.by.year": "Year",
  "ledger.by.service_year": "Service and year",
  "ledger.by.fund": "Fund",
  "ledger.measure": "Measure",
  "ledger.count": "What counts",
  "ledger.onlyShown": "Only what was shown",
  "ledger.withAll": "Also what was not shown",
  "ledger.sums": "Sums with their ranges",
  "ledger.entries": "Entries",
  "ledger.corrected": "corrected later",
  "ledger.signedLate": "Plan signed after the start",
  "ledger.changedLate": "Plan amended after the start",
  "ledger.corrects": "corrects an earlier entry",

  "total.title": "In all",
  "total.saved": "Saved",
  "total.counts": "entries: {n}; shown: {shown}; not shown: {notShown}",
  "total.nothing": "Nothing was shown.",
  "total.level": "The ranges hold the true sum in about {level} of cases.",

  "summary.title": "{city}: what the pilots saved, and how sure that is",
  "summary.asOf": "As of {day}",
  "summary.print": "Print",
  "summary.decided": "Decided",
  "summary.under": "Still going on",
  "summary.nobody": "No pilots have begun yet. This page fills by itself once one runs.",

  "cost.years": "{value} years",
  "cost.months": "{value} months",
  "cost.paid":
    "It cost {cost} and saves {value} a year ({low} to {high}): paid back after about {years} ({from} to {to}).",
  "cost.atLeast":
    "It cost {cost} and saves about {value} a year: paid back after about {years} ({from} at the least; the other end is not known).",
  "cost.atMost":
    "It cost {cost} and saves about {value} a year: paid back after about {years} ({to} at the most).",
  "cost.open":
    "It cost {cost} and saves about {value} a year: paid back after about {years}; how sure that is, is not known.",
  "cost.notShown": "It cost {cost}. Whether that is ever paid back is not known: no saving was shown.",
  "cost.worse": "It cost {cost}, and that is not paid back: it got worse.",

  "worth.saved": "Worth {value} at the agreed prices ({low} to {high}).",
  "worth.lost": "Cost {value} more at the agreed prices ({low} to {high}).",
  "worth.notShown": "At the agreed prices: between {low} and {high}.",
  "worth.notShownOpen": "The estimate is {value} at the agreed prices; how sure that is, is not known.",
  "worth.open": "Worth {value} at the agreed prices; how sure that is, is not known.",
  "worth.lostOpen": "Cost {value} more at the agreed prices; how sure that is, is not known.",

  "summary.decision": "Decision: {decision}",
  "summary.meaning":
    "Saved: the whole range lies above zero. Not shown: zero is within the range, so it may have saved nothing. Worse: the whole range lies below zero.",
} as const satisfies Record<string, Message>;
