"""Tasks and crews: what is to be done in the street, who is sent, and what came of it."""
