"""The NGSI-LD API (ETSI GS CIM 009) over the city's memory.

One request goes through these rooms: `http` reads what it is, `query` whom it means, `entities` and `temporal` do it,
`representation` makes documents of its body and its answer of documents, `repository` has the SQL. `broker` is what
they all share while a process runs.
"""
