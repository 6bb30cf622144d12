"""The MQTT doors: the built-in listener, and a client of the city's own broker.

Both acknowledge a message only after it is committed. What each promises: docs/operators/mqtt.md.
"""
