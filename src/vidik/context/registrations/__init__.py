"""Registrations of other context sources, and operations that are shared with them (clauses 4.3.6 and 5.9).

- What is registered: `api`, `parsing`, `model`, `operations`, `patterns`, `own_properties`; kept by `repository`, found
  by `registry` and `matching`; refused by `holding` what it would hold alone.
- A request that others take part in: `distribution` looks whether it is one and gives it to `reads`, `writes`,
  `batches`, `purging`, `past` or `discovering`; `sharing` says who is asked in which words, `forwarding` asks them over
  what `federation` keeps open, and `merging`, `past_merging`, `aggregates` and `fitting` make one answer.
- Who is told: `watching` and `announcing` (subscriptions to registrations), `copying`, `copies` and `notified_api`
  (subscriptions that other sources have a copy of), `hearing` (other processes' changes).
- Beside them: `entity_maps_api` and `identity_api`.
"""
