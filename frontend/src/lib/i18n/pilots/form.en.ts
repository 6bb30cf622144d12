import type { Message } from "../message";

/** The guided form of a plan: its questions, and what each term means, in English. */
export const form = {
  "step.aim": "What and where",
  "step.aimLead": "What is tried, where it ends, and what the city hopes for.",
  "step.method": "How to compare",
  "step.methodLead":
    "A saving is never measured itself. It is the difference from what would have been without the pilot, and here you choose how that is found out.",
  "step.signals": "Meters",
  "step.signalsLead": "Which measurements count, and which others show how such things move by themselves.",
  "step.periods": "Times and data",
  "step.periodsLead":
    "From when to when, which days are left out, and which faults of the data may be mended.",
  "step.money": "Money and CO₂",
  "step.moneyLead":
    "What one unit costs and emits, from which source and year. Frozen with the plan, so that later prices cannot make a result better or worse.",
  "step.decision": "What follows",
  "step.decisionLead": "The rule is said now, before anybody knows the result.",
  "step.prove": "Prove and sign",
  "step.proveLead": "What this plan will be able to prove, what is still missing, and the signature.",

  "field.title": "Name",
  "field.titleExample": "Dimming in the old town",
  "field.boundary": "Boundary",
  "field.boundaryHint":
    "What belongs to the pilot and what does not: streets, buildings, pipes, hours. Whatever lies outside cannot count as saved.",
  "field.expected": "Saving that you hope for",
  "field.expectedHint": "As a share of what would have been used without the pilot.",
  "field.fund": "Fund",
  "field.fundHint": "Who pays. The ledger sums by it; “city” is the city's own budget.",
  "field.design": "Way of comparing",
  "field.designHint": "The better the comparison, the smaller the saving that can be shown.",

  "design.baseline": "With its own past",
  "design.baselineLong":
    "A model learns from the time before how use follows weather and week, and says what it would have been. For energy, heat and water.",
  "design.difference_in_differences": "With similar units",
  "design.difference_in_differencesLong":
    "How much more has it changed than others, in which nothing was changed (difference in differences).",
  "design.synthetic_control": "With a mixture of units",
  "design.synthetic_controlLong":
    "Others are weighted so that together they behaved like this one before (synthetic control). For routes, streets, zones.",
  "design.randomised": "On and off by lot",
  "design.randomisedLong":
    "Weeks are drawn in which it is on; the others are off. The strongest proof there is.",
  "design.single_series": "One series alone",
  "design.single_seriesLong": "Only before against after. Weak: whatever else happened counts as well.",

  "field.option": "IPMVP option",
  "field.optionHint":
    "How much is measured, in the words of the international protocol for measurement and verification.",

  "option.A": "A: key values measured",
  "option.ALong":
    "The main value is measured, others are estimated (hours, for example). Cheap, and as good as the estimates.",
  "option.B": "B: all of it measured",
  "option.BLong": "All that the measure touches is metered by itself.",
  "option.C": "C: the whole meter",
  "option.CLong": "The meter of the whole building or network; small savings drown in it.",
  "option.comparison": "comparison",

  "field.model": "Model of the past",
  "field.modelHint": "What it would have been without the pilot. If in doubt: the best by trial.",

  "model.best": "The best by trial",
  "model.bestLong": "All are tried on the time before; the one that foresees best is taken.",
  "model.time_of_week_temperature": "Hour of the week and temperature",
  "model.time_of_week_temperatureLong":
    "For electricity: each hour of the week by itself, and how it follows warmth and cold.",
  "model.hourly_signature": "Heating curve by hour",
  "model.hourly_signatureLong": "For heat: how much each hour needs at the mean temperature of the last day.",
  "model.mean_week": "Mean week",
  "model.mean_weekLong": "The plainest: each hour of the week as it was on average.",

  "field.units": "Units in which something is changed",
  "field.unitsHint":
    "The meters, routes or streets of the pilot, all in one unit of measure. Say of each what its numbers are: the amount of each hour or day, readings of a counter that grows, or mean values.",
  "field.donors": "Units in which nothing is changed",
  "field.donorsHint":
    "What the pilot is compared with (donors): as similar as can be, and surely not touched by it. At least two.",
  "field.donorsHintBaseline":
    "Similar meters outside the pilot (donors). They show how such figures move by themselves, and so how sure the result is. The more, the better.",
  "field.temperature": "Outdoor temperature",
  "field.temperatureHint":
    "Heating and cooling follow the weather; without it a mild winter looks like a saving.",
  "field.baseline": "Before (baseline period)",
  "field.baselineHint": "From this the model learns. A whole year is best, so that all seasons are in it.",
  "field.reporting": "During the pilot (reporting period)",
  "field.reportingHint": "In this the saving is counted. Both days belong to it.",
  "field.first": "First day",
  "field.last": "Last day",
  "field.reason": "Reason",
  "field.onWeeks": "Weeks with the pilot on",
  "field.onWeeksHint":
    "Half of the weeks are drawn by lot, now, so that nobody can choose the good ones later.",
  "field.draw": "Draw half of {n} weeks",
  "field.exclusions": "Days left out",
  "field.exclusionsHint":
    "Days that say nothing about the pilot, a flood or a fair, for example. Said before, with the reason.",
  "field.addExclusion": "Leave days out",
  "field.removeExclusion": "Do not leave these days out",
  "field.repairs": "Faults that may be mended",
  "field.repairsHint": "Nothing else is changed in the data, and the report lists each repair.",

  "repair.duplicates": "the same reading twice: kept once",
  "repair.short_gaps": "gaps of few hours: filled from their neighbours",
  "repair.rollover": "a counter that passes its last digit: counted on",
  "repair.reset": "a counter that began anew at zero: counted on",
  "repair.outliers": "impossible values: left out",
  "repair.stuck": "a meter that stands still: its hours left out",

  "field.tariff": "Price",
  "field.tariffHint":
    "One price, or one for each part of day and week (hours as 0-23 or 7-22), or by monthly amount (“above” is from where it holds, 0 for all). Each with its source and year.",
  "field.price": "Price",
  "field.takeAs": "It is in {unit}",
  "field.source": "Source",
  "field.year": "Year",
  "field.hours": "Hours of the day",
  "field.weekdays": "Days of the week",
  "field.above": "Above, {unit} a month",
  "field.vat": "VAT is in it",
  "field.addBand": "Add a price",
  "field.removeBand": "Remove this price",
  "field.cost": "What the pilot costs",
  "field.costHint":
    "Once it is known what it saved, the cost says after how many years that pays back. Say it now, so that nobody can fit it to the result. May be left out.",
  "field.amount": "Amount (RSD)",
  "field.covers": "What it covers",
  "field.coversExample": "Equipment and fitting; without upkeep",
  "field.daysAYear": "Days a year on which it saves",
  "field.daysAYearHint": "365 for what runs all year, about 183 for a heating season.",
  "field.addCost": "Say what it costs",
  "field.removeCost": "Leave the cost out",
  "field.emissions": "Emission factor",
  "field.emissionsHint":
    "How much CO₂ one unit causes. Published values for Serbia differ: say which one you take.",
  "field.factor": "Factor",
  "field.approach": "Kind of factor",

  "approach.location-based": "of the grid (location-based)",
  "approach.market-based": "of the contract (market-based)",
  "approach.residual mix": "residual mix",

  "field.published": "Take over a published value",
  "published.choose": "Choose …",
  "published.electricity": "Electricity",
  "published.natural gas": "Natural gas",
  "published.lignite": "Lignite",
  "published.heavy fuel oil": "Heavy fuel oil",
  "published.diesel": "Diesel",
  "approach.location-based, generation in Serbia, life cycle":
    "of the grid: generation in Serbia, life cycle",
  "approach.location-based, consumption with imports traced, life cycle":
    "of the grid: consumption with imports traced, life cycle",
  "approach.combined margin for energy efficiency": "combined margin for energy efficiency",
  "approach.operating margin": "operating margin",
  "approach.implied by a project's own figures": "implied by a project's own figures",
  "approach.combustion, net calorific value": "combustion, net calorific value",

  "field.addFactor": "Add an emission factor",
  "field.removeFactor": "Remove the emission factor",
  "field.decisionLead":
    "Vidik says what follows from the result by this rule. People may decide otherwise, and then must say why.",
  "field.level": "How sure it must be",
  "field.levelHint":
    "90 % means: of 100 such ranges about 90 hold the truth. More sureness needs a larger saving or more time.",
  "field.worthwhile": "Least saving that is worth it",
  "field.worthwhileHint": "Below this share the city would not scale up, however sure the saving is.",
  "field.scale_up": "Scale up, when",
  "field.extend": "Extend, when",
  "field.stop": "Stop, when",

  "rule.scaleUp": "A saving is shown, and it is worth it.",
  "rule.extend": "No saving is shown yet, but one that is worth it is still possible.",
  "rule.stop": "It is worse than before, or a saving that is worth it can be ruled out.",

  "kind.amount": "amount of each step",
  "kind.counter": "counter that grows",
  "kind.mean": "mean value",

  "signal.kind": "What the numbers are",
  "signal.search": "Search by name, street or device",
  "signal.found": "Found signals",
  "signal.none": "Nothing found. Try part of a name, or give a file.",
  "signal.history": "measured {first} – {last}",
  "signal.noHistory": "nothing measured yet",
  "signal.remove": "Remove {name}",
  "signal.fromFile": "file, column {column}",
  "signal.file": "Take it from a CSV file",
  "signal.fileLead":
    "One column with times, one with numbers, comma or semicolon between them; at most 20 MB.",
  "signal.fileSimulated": "The numbers are simulated, not measured",
  "signal.fileTaken": "{name}: {rows} rows, {first} – {last}.",
  "signal.column": "Column",
  "signal.unit": "Unit",
  "signal.pieces": "pieces",
  "signal.add": "Add",

  "model.mixture": "A mixture of the others",
  "model.equal": "Others, equally weighted",
  "model.ridge": "Others, weighted by likeness",
} as const satisfies Record<string, Message>;
