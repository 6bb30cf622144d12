import type { Message } from "../message";

/** Watch: what a pilot has saved so far, and the questions it asks, in English. */
export const watch = {
  "watch.title": "Result of a pilot",
  "watch.toPlan": "The plan",
  "watch.compute": "Compute anew",
  "watch.computed": "Computed {when}.",
  "watch.nothing":
    "Nothing computed yet. It is done once a day while the pilot runs; “Compute anew” does it now.",
  "watch.soFar": "So far, until {day}",
  "watch.final": "Over the whole period",
  "watch.calibrated": "Our range",
  "watch.guideline":
    "For auditors who ask: by the formula of Guideline 14 the range would be {low} to {high}. On buildings in which nothing was changed that formula is far too sure of itself; ours is calibrated on such cases.",
  "watch.moneyVat": "Money, VAT included",
  "watch.moneyNoVat": "Money, without VAT",
  "watch.failed": "The last computation came to nothing.",
  "watch.changed": "Data changed after the freeze.",
  "watch.changedLong":
    "Measurements of the time before are not the ones that were signed. Nothing was mended; the result below uses them as they are now.",
  "watch.sufficiency": "Is there enough data?",
  "watch.enough": "Yes, by the CalTRACK rules.",
  "watch.findings": "What to know about this result",
  "watch.noFindings": "Nothing stands out.",

  "chart.cumulativeTitle": "Saved so far",
  "chart.cumulativeLead":
    "Above zero is saved. While the band ({level}) still holds zero, no saving is shown.",
  "chart.cumulative": "saved in all",
  "chart.band": "{level} interval",
  "chart.compareTitle": "What was, and what would have been",
  "chart.compareLead":
    "What was measured, and what it would have been without the pilot (counterfactual), day by day.",
  "chart.weekly": "Drawn as means of seven days; zoom in to see single days.",
  "chart.actual": "measured",
  "chart.counterfactual": "without the pilot",
  "chart.events": "something happened",
  "chart.keys": "Arrow keys read the values of each day.",

  "event.open": { one: "{n} question is open", other: "{n} questions are open" },
  "event.done": "Answered questions",
  "event.ask": "What was it?",
  "event.routine": "Part of normal life",
  "event.routineLong": "It stays in the result.",
  "event.excluded": "Not the pilot's doing: leave these days out",
  "event.excludedLong": "An amendment to the plan is added.",
  "event.adjusted": "Not the pilot's doing: adjust by a known amount",
  "event.adjustedLong": "For a lasting change whose size is known. An amendment is added.",
  "event.perDay": "More or less a day ({unit}); a minus for less",
  "event.perDayHint": "A number, 12.5 or −12.5",
  "event.note": "What happened",
  "event.send": "Answer",
  "event.waits": "An energy or utility manager must answer this before a verdict.",
  "event.answered": "{answer} ({who}, {when}).",

  "units.title": "Each unit by itself",
  "units.lead":
    "How far the model was off in the time before, in the measures of Guideline 14: the mean error an hour and a day (CV(RMSE)) and the bias (NMBE), as a share of the mean.",
  "units.unit": "Unit",
  "units.model": "Model",
  "units.hourly": "Error, hour",
  "units.daily": "Error, day",
  "units.bias": "Bias",
  "units.within": "Within Guideline 14",
  "units.donors": "Compared with",

  "decide.title": "Decide",
  "decide.correct": "Correct the verdict",
  "decide.rule": "By the plan's own rule: {decision}.",
  "decide.ask": "What the city does",
  "decide.note": "Note (optional)",
  "decide.why": "Why (you depart from the rule, or correct an earlier entry)",
  "decide.meaning":
    "The verdict goes into the ledger with your name. Entries are never changed; a correction is a new entry.",
  "decide.send": "Enter in the ledger",

  "report.title": "Report",
  "report.html": "Read",
  "report.extract": "Data for auditors (ZIP)",
  "report.verify": "An auditor can recompute it: vidik pilot verify REPORT",
} as const satisfies Record<string, Message>;
