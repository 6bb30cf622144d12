"""Registrations of other context sources, and operations that are shared with them (clauses 4.3.6 and 5.9).

`api` is where sources are registered. A request of the API that they may take part in goes through `distribution`,
which gives it to one of these rooms:

- `sources`: what is registered, and which registrations a question concerns (5.2.9 to 5.2.11, 5.9, 5.10).
- `forwarding`: who is asked in which words, asked in bounded time, and what they say passed on (4.3.6, 6.3).
- `reading`: entities, types and attributes, made one answer of many (5.7).
- `temporal`: the same of the past (5.7.3, 5.7.4).
- `writing`: single entities and their past, batches, purges (5.6).
- `subscriptions`: who subscribed to registrations, and our subscriptions that sources have a copy of (5.8, 5.11).

Beside them: `entity_maps_api` (5.14) and `identity_api` (5.15).
"""
