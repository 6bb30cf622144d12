"""Money and emissions of a saving, exact to the para: tariffs, emission factors, cost and benefit over years."""
