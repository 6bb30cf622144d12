import type { Message } from "../message";

/** Choose: which three services to pilot, in English. */
export const choose = {
  "provable.yes": "Yes",
  "provable.barely": "Barely",
  "provable.no": "No",

  "choose.title": "Which three to pilot",
  "choose.working":
    "These are the services and what is assumed about them. Which three are best is being worked out in thousands of possible worlds; that takes some seconds the first time.",
  "choose.lead":
    "Nobody knows costs and savings exactly. So {draws} possible futures were drawn, and in each of them all 35 threes were compared.",
  "choose.best": "The three within the budget that one would regret least",
  "choose.how": "Best in {share} of the futures.",
  "choose.costs":
    "They cost {cost} of {budget} and bring {npv} on average. If another three turns out better, {regret} is lost on average.",
  "choose.changed": "Your numbers change the choice. It was: {before} ({share}).",
  "choose.same": "Your numbers do not change the choice; it was best in {share}.",
  "choose.none": "No three services fit into this budget. Raise it to see which would.",

  "map.title": "Chance and regret",
  "map.lead":
    "To the right: often among the best three. Further up: dear if it turns out wrong. Click a service for its numbers and their sources.",
  "map.probability": "Among the best three",
  "map.regret": "Regret, {currency}",
  "map.goodCorner": "safe to choose",
  "map.badCorner": "seldom best, dear to be wrong",
  "map.inTriple": "in the best three",
  "map.notInTriple": "not in the best three",
  "map.before": "with the city's own numbers",
  "map.point": "{name}: among the best three in {probability}, regret {regret}",
  "map.overBudget": "over the budget",
  "map.overBudgetLong": "Not on the map, since every three with it costs more than the budget: {names}.",

  "changes.title": "What would change the choice",
  "changes.none": "No single number within its range changes the best three. The nearest that would:",
  "changes.enters": "{service} comes in at {parameter} {to} (assumed: {from}).",
  "changes.leaves": "{service} drops out at {parameter} {to} (assumed: {from}).",
  "changes.inside": "Possible within the city's own range.",
  "changes.outside": "Outside the city's own range.",

  "parameter.cost": "a cost of",
  "parameter.yearly_cost": "a yearly cost of",
  "parameter.saving_fraction": "a saving of",
  "parameter.price": "a unit price of",
  "parameter.chance_of_failure": "a chance of failure of",

  "whatIf.title": "What if",
  "whatIf.lead": "Move a number; the choice is worked out anew. Nothing is kept until you save it.",
  "whatIf.view": "Gain for whom",
  "whatIf.society": "For all people",
  "whatIf.societyLong": "What all people gain, carbon included",
  "whatIf.cityBudget": "City's budget",
  "whatIf.cityBudgetLong": "Only what reaches the city's budget",
  "whatIf.budget": "Budget",
  "whatIf.rate": "Discount rate: how much less money in a year is worth",
  "whatIf.cost": "Cost, most likely",
  "whatIf.saving": "Saving, most likely",
  "whatIf.was": "was {value}",
  "whatIf.moved": "moved",
  "whatIf.busy": "Working it out…",
  "whatIf.notSaved": "These numbers are yours alone until they are saved.",
  "whatIf.reset": "Back to the city's numbers",
  "whatIf.save": "Save as the city's numbers",

  "economics.title": "Costs and benefits",
  "economics.lead":
    "Over {years} years. Net present value: what comes in less what goes out, in today's money; the line spans 90 % of the futures.",

  "numbers.title": "{name}: the numbers",
  "numbers.open": "The numbers and their sources",
  "numbers.range": "{likely} ({low} to {high})",
  "numbers.cost": "Cost",
  "numbers.saving": "Saving",
  "numbers.scope": "What is tried",
  "numbers.yearlyCost": "Yearly cost",
  "numbers.price": "Price of a unit",
  "numbers.failure": "Chance that nothing is saved",
  "numbers.base": "A year uses now",
  "numbers.value": "Worth of a year's saving",
  "numbers.years": "Years it lasts",
  "numbers.gains": "Who gains",
  "numbers.risk": "What may go wrong",
  "numbers.provable": "Provable",
  "numbers.detectable": "{chance} chance; smallest saving that shows: {detectable}, expected: {expected}",
  "numbers.byPlan": {
    one: "Measured on your data: {n} trial run without any change, for the plan",
    other: "Measured on your data: {n} trial runs without any change, for the plan",
  },
  "numbers.byRegister": "Assumed, until a plan of this service has asked what your data can show.",
  "numbers.byCity": "Your city gave this number.",
  "numbers.sources": "Sources",
  "numbers.noSources": "No source is given; treat the numbers as guesses.",
  "numbers.method": "low and high are values that are passed only in 1 of 20 cases each.",

  "ranks.title": "The same by three methods",
  "ranks.ours": "By chance",
  "ranks.fragile": {
    one: "A single ranking by points puts {n} other service among the first three: lines that cross show how fragile such rankings are.",
    other:
      "A single ranking by points puts {n} other services among the first three: lines that cross show how fragile such rankings are.",
  },
  "ranks.stability":
    "{method} keeps its three in {worlds} of the futures, and in {weights} of other weights.",
  "ranks.agree": "Single rankings by points find the same three. That is not always so.",
} as const satisfies Record<string, Message>;
